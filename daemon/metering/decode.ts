/**
 * Decodes the headers of one frame, from layer 2 to the transport's: pure, bounded, without allocation, and never throws.
 * What could not be read is a reason, not an exception; whatever was readable before it still counts.
 */
import {
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
} from '../../probes/probe.ts';
import {
  DECODE_REASONS,
  FRAGMENT,
  ICMP,
  OTHER,
  TCP_ACK,
  TCP_FIN,
  TCP_ODD,
  TCP_RST,
  TCP_SYN,
  TCP_SYN_ACK,
  UDP,
} from './decodeResult.ts';

/**
 * What a frame is decoded into; one object is used again and again. Fields of small integers are what V8 keeps in registers
 * and in place: measured at half the cost of an Int32Array.
 */
export class Header {
  /** Index into PACKET_KINDS. */
  kind = 0;
  /** IP protocol number of the transport (after IPv6 extension headers). */
  protocol = 0;
  /** The addresses as in address.ts. */
  source0 = 0;
  source1 = 0;
  source2 = 0;
  source3 = 0;
  destination0 = 0;
  destination1 = 0;
  destination2 = 0;
  destination3 = 0;
  /**
   * -1 where there are none: later fragments, other protocols. ICMP has type << 8 | code for a destination port, as
   * NetFlow v5 writes it.
   */
  sourcePort = 0;
  destinationPort = 0;
  /** Bytes of headers, from the start of the frame to the transport's payload. */
  headerLength = 0;
  /** Index into DECODE_REASONS; 0: nothing to complain about. */
  reason = 0;
  /** TCP flags (byte 13 of the header), or ICMP type << 8 | code. */
  flags = 0;
}

/** What the frame is. `UNREADABLE`: no addresses could be read; `reason` says why. */
export const FRAME_IP = 0;
export const FRAME_ARP = 1;
export const FRAME_OTHER = 2;
export const FRAME_UNREADABLE = 3;
export type FrameClass = 0 | 1 | 2 | 3;

const reason = (name: (typeof DECODE_REASONS)[number]): number => DECODE_REASONS.indexOf(name);
const SNAPPED = reason('snapped');
const LINK_TRUNCATED = reason('linkTruncated');
const LINK_UNSUPPORTED = reason('linkUnsupported');
const VLAN_TOO_DEEP = reason('vlanTooDeep');
const ARP_TRUNCATED = reason('arpTruncated');
const IPV4_TRUNCATED = reason('ipv4Truncated');
const IPV4_VERSION = reason('ipv4Version');
const IPV4_HEADER_LENGTH = reason('ipv4HeaderLength');
const IPV4_TOTAL_LENGTH = reason('ipv4TotalLength');
const IPV6_TRUNCATED = reason('ipv6Truncated');
const IPV6_VERSION = reason('ipv6Version');
const IPV6_MAPPED_ADDRESS = reason('ipv6MappedAddress');
const IPV6_EXTENSION_TRUNCATED = reason('ipv6ExtensionTruncated');
const IPV6_EXTENSION_TOO_MANY = reason('ipv6ExtensionTooMany');
const TCP_TRUNCATED = reason('tcpTruncated');
const TCP_HEADER_LENGTH = reason('tcpHeaderLength');
const UDP_TRUNCATED = reason('udpTruncated');
const UDP_LENGTH = reason('udpLength');
const ICMP_TRUNCATED = reason('icmpTruncated');

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
/** 802.1Q, 802.1ad and the older 0x9100 of QinQ. */
const isVlanTag = (type: number): boolean => type === 0x8100 || type === 0x88a8 || type === 0x9100;
const MAX_VLAN_TAGS = 4;
/** RFC 8200 has six kinds of extension header, one of which may stand twice; more is an attempt to hide or to burn time. */
const MAX_EXTENSIONS = 8;

const PROTOCOL_ICMP = 1;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const PROTOCOL_ICMPV6 = 58;
const FRAGMENT_HEADER = 44;
const AUTHENTICATION_HEADER = 51;
/** IPv4's "more fragments" flag and fragment offset; both zero: a whole packet. */
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;
const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;

/** Kind by the TCP flag byte. ECE and CWR do not change what a segment is, PSH and URG only when nothing else is set. */
const TCP_KIND_BY_FLAGS: Uint8Array = Uint8Array.from({ length: 256 }, (_, flags) => tcpKind(flags));

function tcpKind(flags: number): number {
  switch (flags & (SYN | RST | FIN | ACK)) {
    case SYN:
      return TCP_SYN;
    case SYN | ACK:
      return TCP_SYN_ACK;
    case RST:
    case RST | ACK:
      return TCP_RST;
    case FIN | ACK:
      return TCP_FIN;
    case ACK:
      return TCP_ACK;
    default:
      return TCP_ODD;
  }
}

/**
 * Decodes the frame at `view` bytes `start` … `start + captured - 1`, which was `wireLength` bytes long on the wire, into `header`.
 * The fields are meaningful only for FRAME_IP (and the addresses for FRAME_ARP); `reason` always is.
 */
export function decodeFrame(
  view: DataView,
  start: number,
  captured: number,
  wireLength: number,
  linkType: number,
  header: Header,
): FrameClass {
  const end = start + captured;
  const wireEnd = start + (wireLength > captured ? wireLength : captured);
  header.reason = 0;
  if (linkType !== LINKTYPE_ETHERNET) return decodeOtherLink(view, start, end, wireEnd, linkType, header);
  if (captured < 14) return unreadable(header, wireLength < 14 ? LINK_TRUNCATED : SNAPPED);
  const etherType = view.getUint16(start + 12);
  if (etherType === ETHERTYPE_IPV4) return decodeIPv4(view, start, start + 14, end, wireEnd, header);
  return decodeEtherType(view, start, start + 14, end, wireEnd, etherType, header);
}

function unreadable(header: Header, why: number): FrameClass {
  header.reason = why;
  return FRAME_UNREADABLE;
}

function decodeEtherType(
  view: DataView,
  start: number,
  first: number,
  end: number,
  wireEnd: number,
  firstType: number,
  header: Header,
): FrameClass {
  let at = first;
  let etherType = firstType;
  for (let tags = 0; isVlanTag(etherType); tags++) {
    if (tags === MAX_VLAN_TAGS) return unreadable(header, VLAN_TOO_DEEP);
    if (at + 4 > end) return unreadable(header, at + 4 > wireEnd ? LINK_TRUNCATED : SNAPPED);
    etherType = view.getUint16(at + 2);
    at += 4;
  }
  if (etherType === ETHERTYPE_IPV4) return decodeIPv4(view, start, at, end, wireEnd, header);
  if (etherType === ETHERTYPE_IPV6) return decodeIPv6(view, start, at, end, wireEnd, header);
  if (etherType === ETHERTYPE_ARP) return decodeArp(view, at, end, wireEnd, header);
  return FRAME_OTHER;
}

function decodeOtherLink(
  view: DataView,
  start: number,
  end: number,
  wireEnd: number,
  linkType: number,
  header: Header,
): FrameClass {
  switch (linkType) {
    case LINKTYPE_RAW:
    case LINKTYPE_IPV4:
    case LINKTYPE_IPV6:
      return decodeIP(view, start, start, end, wireEnd, header);
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP:
      // An address family in the byte order of whoever wrote it; the IP version tells the same.
      return decodeIP(view, start, start + 4, end, wireEnd, header);
    case LINKTYPE_LINUX_SLL:
      return decodeCooked(view, start, 14, 16, end, wireEnd, header);
    case LINKTYPE_LINUX_SLL2:
      return decodeCooked(view, start, 0, 20, end, wireEnd, header);
    default:
      return unreadable(header, LINK_UNSUPPORTED);
  }
}

/** Linux cooked capture: the protocol stands at `typeOffset`, the packet at `length`. */
function decodeCooked(
  view: DataView,
  start: number,
  typeOffset: number,
  length: number,
  end: number,
  wireEnd: number,
  header: Header,
): FrameClass {
  if (start + length > end) return unreadable(header, start + length > wireEnd ? LINK_TRUNCATED : SNAPPED);
  const etherType = view.getUint16(start + typeOffset);
  return decodeEtherType(view, start, start + length, end, wireEnd, etherType, header);
}

function decodeIP(view: DataView, start: number, at: number, end: number, wireEnd: number, header: Header): FrameClass {
  if (at >= end) return unreadable(header, at >= wireEnd ? LINK_TRUNCATED : SNAPPED);
  return view.getUint8(at) >> 4 === 6
    ? decodeIPv6(view, start, at, end, wireEnd, header)
    : decodeIPv4(view, start, at, end, wireEnd, header);
}

/** RFC 826, for IPv4 over Ethernet: the sender's and the target's protocol addresses. */
function decodeArp(view: DataView, at: number, end: number, wireEnd: number, header: Header): FrameClass {
  if (at + 28 > end) return unreadable(header, at + 28 > wireEnd ? ARP_TRUNCATED : SNAPPED);
  setIPv4(header, view, at + 14, at + 24);
  return FRAME_ARP;
}

function setIPv4(header: Header, view: DataView, source: number, destination: number): void {
  header.source0 = 0;
  header.source1 = 0;
  header.source2 = 0xffff;
  header.source3 = view.getInt32(source);
  header.destination0 = 0;
  header.destination1 = 0;
  header.destination2 = 0xffff;
  header.destination3 = view.getInt32(destination);
}

/** The two addresses of an IPv6 header stand side by side. */
function setIPv6(header: Header, view: DataView, at: number): void {
  header.source0 = view.getInt32(at);
  header.source1 = view.getInt32(at + 4);
  header.source2 = view.getInt32(at + 8);
  header.source3 = view.getInt32(at + 12);
  header.destination0 = view.getInt32(at + 16);
  header.destination1 = view.getInt32(at + 20);
  header.destination2 = view.getInt32(at + 24);
  header.destination3 = view.getInt32(at + 28);
}

const isMapped = (w0: number, w1: number, w2: number): boolean => w2 === 0xffff && w1 === 0 && w0 === 0;

/** RFC 791. A total length of 0 is a super-packet of over 64 KiB (BIG TCP) or one that the device still has to cut. */
function decodeIPv4(
  view: DataView,
  start: number,
  at: number,
  end: number,
  wireEnd: number,
  header: Header,
): FrameClass {
  if (at + 20 > end) return unreadable(header, at + 20 > wireEnd ? IPV4_TRUNCATED : SNAPPED);
  const versionAndLength = view.getUint8(at);
  if (versionAndLength >> 4 !== 4) return unreadable(header, IPV4_VERSION);
  const headerLength = (versionAndLength & 15) << 2;
  if (headerLength < 20) return unreadable(header, IPV4_HEADER_LENGTH);
  setIPv4(header, view, at + 12, at + 16);
  let packetEnd = wireEnd;
  const totalLength = view.getUint16(at + 2);
  if (totalLength !== 0) {
    if (totalLength < headerLength || at + totalLength > wireEnd) header.reason = IPV4_TOTAL_LENGTH;
    else packetEnd = at + totalLength;
  } else if (at + headerLength > wireEnd) header.reason = IPV4_HEADER_LENGTH;
  const fragment = view.getUint16(at + 6) & (MORE_FRAGMENTS | FRAGMENT_OFFSET);
  const protocol = view.getUint8(at + 9);
  decodeTransport(view, start, at + headerLength, end, packetEnd, protocol, fragment, header);
  if (fragment !== 0) header.kind = FRAGMENT;
  return FRAME_IP;
}

/** RFC 8200 with its extension headers; an ESP header ends what can be read. */
function decodeIPv6(
  view: DataView,
  start: number,
  at: number,
  end: number,
  wireEnd: number,
  header: Header,
): FrameClass {
  if (at + 40 > end) return unreadable(header, at + 40 > wireEnd ? IPV6_TRUNCATED : SNAPPED);
  if (view.getUint8(at) >> 4 !== 6) return unreadable(header, IPV6_VERSION);
  setIPv6(header, view, at + 8);
  // ::ffff:0:0/96 never stands on a wire (RFC 4942 section 2.2); here it would pass for an IPv4 address.
  if (isMapped(header.source0, header.source1, header.source2)) return unreadable(header, IPV6_MAPPED_ADDRESS);
  if (isMapped(header.destination0, header.destination1, header.destination2))
    return unreadable(header, IPV6_MAPPED_ADDRESS);
  let packetEnd = wireEnd;
  const payloadLength = view.getUint16(at + 4);
  if (payloadLength !== 0) {
    if (at + 40 + payloadLength > wireEnd) header.reason = IPV6_TRUNCATED;
    else packetEnd = at + 40 + payloadLength;
  }
  const next = view.getUint8(at + 6);
  // The common case first: no extension header.
  if (next === PROTOCOL_UDP || next === PROTOCOL_TCP || next === PROTOCOL_ICMPV6) {
    decodeTransport(view, start, at + 40, end, packetEnd, next, 0, header);
    return FRAME_IP;
  }
  decodeExtensions(view, start, at + 40, end, packetEnd, next, header);
  return FRAME_IP;
}

function decodeExtensions(
  view: DataView,
  start: number,
  first: number,
  end: number,
  packetEnd: number,
  firstHeader: number,
  header: Header,
): void {
  let at = first;
  let next = firstHeader;
  let fragment = 0;
  for (let count = 0; isExtension(next) && (fragment & FRAGMENT_OFFSET) === 0; count++) {
    if (count === MAX_EXTENSIONS) return noTransport(header, at - start, next, IPV6_EXTENSION_TOO_MANY);
    if (at + 8 > packetEnd) return noTransport(header, at - start, next, IPV6_EXTENSION_TRUNCATED);
    if (at + 8 > end) return noTransport(header, at - start, next, SNAPPED);
    const length = extensionLength(view, at, next);
    if (at + length > packetEnd) return noTransport(header, at - start, next, IPV6_EXTENSION_TRUNCATED);
    if (next === FRAGMENT_HEADER) {
      // To IPv4's order; 0 is an atomic fragment (RFC 6946): a whole packet.
      const offsetAndMore = view.getUint16(at + 2);
      fragment = (offsetAndMore >> 3) | ((offsetAndMore & 1) * MORE_FRAGMENTS);
    }
    next = view.getUint8(at);
    at += length;
  }
  decodeTransport(view, start, at, end, packetEnd, next, fragment, header);
  if (fragment !== 0) header.kind = FRAGMENT;
}

/** Words of 8 bytes beyond the first; AH (RFC 4302) has words of 4 beyond the second, a fragment header no length. */
function extensionLength(view: DataView, at: number, number: number): number {
  if (number === FRAGMENT_HEADER) return 8;
  const length = view.getUint8(at + 1);
  return number === AUTHENTICATION_HEADER ? (length + 2) << 2 : (length + 1) << 3;
}

/** Hop-by-hop, routing, fragment, authentication, destination options, mobility, HIP, shim6 (IANA registry). */
const isExtension = (next: number): boolean =>
  next === 0 ||
  next === 43 ||
  next === FRAGMENT_HEADER ||
  next === AUTHENTICATION_HEADER ||
  next === 60 ||
  next === 135 ||
  next === 139 ||
  next === 140;

function noTransport(header: Header, headerLength: number, protocol: number, why: number): void {
  header.kind = OTHER;
  header.protocol = protocol;
  header.sourcePort = -1;
  header.destinationPort = -1;
  header.headerLength = headerLength;
  header.flags = 0;
  if (why !== 0) header.reason = why;
}

function decodeTransport(
  view: DataView,
  start: number,
  at: number,
  end: number,
  packetEnd: number,
  protocol: number,
  fragment: number,
  header: Header,
): void {
  if ((fragment & FRAGMENT_OFFSET) !== 0) return noTransport(header, at - start, protocol, 0);
  if (protocol === PROTOCOL_UDP) return decodeUdp(view, start, at, end, packetEnd, fragment, header);
  if (protocol === PROTOCOL_TCP) return decodeTcp(view, start, at, end, packetEnd, header);
  if (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6)
    return decodeIcmp(view, start, at, end, packetEnd, protocol, header);
  noTransport(header, at - start, protocol, 0);
}

function setPorts(view: DataView, at: number, header: Header): void {
  const ports = view.getInt32(at);
  header.sourcePort = ports >>> 16;
  header.destinationPort = ports & 0xffff;
}

/** RFC 768; a length of 0 stands for a jumbogram (RFC 2675) or a datagram that the device still has to cut. */
function decodeUdp(
  view: DataView,
  start: number,
  at: number,
  end: number,
  packetEnd: number,
  fragment: number,
  header: Header,
): void {
  header.kind = UDP;
  header.protocol = PROTOCOL_UDP;
  header.headerLength = at + 8 - start;
  header.flags = 0;
  if (at + 8 > end || at + 8 > packetEnd) {
    noTransport(header, at - start, PROTOCOL_UDP, at + 8 > packetEnd ? UDP_TRUNCATED : SNAPPED);
    header.kind = UDP;
    return;
  }
  setPorts(view, at, header);
  const length = view.getUint16(at + 4);
  if (length < 8) {
    if (length !== 0) header.reason = UDP_LENGTH;
    // A first fragment's datagram is longer than the packet that carries it.
  } else if (at + length > packetEnd && fragment === 0 && header.reason === 0) header.reason = UDP_LENGTH;
}

/** RFC 9293. */
function decodeTcp(view: DataView, start: number, at: number, end: number, packetEnd: number, header: Header): void {
  if (at + 14 > end || at + 20 > packetEnd) {
    noTransport(header, at - start, PROTOCOL_TCP, at + 20 > packetEnd ? TCP_TRUNCATED : SNAPPED);
    return;
  }
  const lengthAndFlags = view.getUint16(at + 12);
  const flags = lengthAndFlags & 0xff;
  const length = (lengthAndFlags >> 12) << 2;
  header.kind = TCP_KIND_BY_FLAGS[flags]!;
  header.protocol = PROTOCOL_TCP;
  header.headerLength = at + length - start;
  header.flags = flags;
  setPorts(view, at, header);
  if (length < 20 || at + length > packetEnd) header.reason = TCP_HEADER_LENGTH;
}

/** RFC 792, RFC 4443. */
function decodeIcmp(
  view: DataView,
  start: number,
  at: number,
  end: number,
  packetEnd: number,
  protocol: number,
  header: Header,
): void {
  noTransport(header, at + 8 - start, protocol, 0);
  header.kind = ICMP;
  if (at + 8 > packetEnd) header.reason = ICMP_TRUNCATED;
  else if (at + 2 > end) header.reason = SNAPPED;
  else {
    header.flags = view.getUint16(at);
    header.destinationPort = header.flags;
  }
}
