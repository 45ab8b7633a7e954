/** Decodes IP headers: IPv4 with options and fragments, IPv6 with extension headers. */
import { decodeIPv4Options } from './ipv4Options.ts';
import { noteExpiring } from './expiring.ts';
import { FRAGMENT, IPV6_EXTENSION } from './decodeResult.ts';
import {
  decodeTransport,
  FRAGMENT_OFFSET,
  isTransportCut,
  noTransport,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from './decodeTransport.ts';
import { anomalyBit, FRAME_IP, type FrameClass, type Header, reasonNumber, SNAPPED, unreadable } from './header.ts';

const IPV4_TRUNCATED = reasonNumber('ipv4Truncated');
const IPV4_VERSION = reasonNumber('ipv4Version');
const IPV4_HEADER_LENGTH = reasonNumber('ipv4HeaderLength');
const IPV4_TOTAL_LENGTH = reasonNumber('ipv4TotalLength');
const IPV6_TRUNCATED = reasonNumber('ipv6Truncated');
const IPV6_VERSION = reasonNumber('ipv6Version');
const IPV6_MAPPED_ADDRESS = reasonNumber('ipv6MappedAddress');
const IPV6_EXTENSION_TRUNCATED = reasonNumber('ipv6ExtensionTruncated');
const IPV6_EXTENSION_TOO_MANY = reasonNumber('ipv6ExtensionTooMany');

/** RFC 8200 has six kinds of extension header, one of which may stand twice; more is an attempt to hide or to burn time. */
const MAX_EXTENSIONS = 8;
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT_HEADER = 44;
const DESTINATION_OPTIONS = 60;
const AUTHENTICATION_HEADER = 51;
/** IPv4's "more fragments" flag; without it and with no fragment offset: a whole packet. */
const MORE_FRAGMENTS = 0x2000;
/** IPv4's first flag bit, which must be zero (RFC 791; RFC 3514 is a joke). */
const RESERVED_FLAG = 0x8000;

const RESERVED_BITS = anomalyBit('reservedBits');
const TINY_FRAGMENT = anomalyBit('tinyFragment');
const BAD_FRAGMENT = anomalyBit('badFragment');
const ROUTING_HEADER = anomalyBit('routingHeader');
const EXTENSION_ORDER = anomalyBit('extensionOrder');

/** Longest packet that can be put together from fragments (RFC 791, RFC 8200 section 4.5). */
const MAX_PACKET_BYTES = 65_535;
/** A bit each extension header. */
const BITS: Readonly<Record<number, number>> = { 0: 1, 43: 2, 44: 4, 51: 8, 60: 16, 135: 32, 139: 64, 140: 128 };
/** All fragments but the last fill a link's MTU, 576 bytes and more in IPv4, 1280 in IPv6 (RFC 791, RFC 8200); some servers cut smaller ones. */
const LEAST_FRAGMENT_BYTES = 128;

export function setIPv4(header: Header, view: DataView, source: number, destination: number): void {
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
export function decodeIPv4(
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
  const isLengthTrue = header.reason !== IPV4_TOTAL_LENGTH;
  const flagsAndOffset = view.getUint16(at + 6);
  const fragment = flagsAndOffset & (MORE_FRAGMENTS | FRAGMENT_OFFSET);
  const protocol = view.getUint8(at + 9);
  header.networkAt = at - start;
  if (headerLength > 20) decodeIPv4Options(view, at + 20, Math.min(at + headerLength, end), header);
  if ((flagsAndOffset & RESERVED_FLAG) !== 0) header.anomalies |= RESERVED_BITS;
  decodeTransport(view, start, at + headerLength, end, packetEnd, protocol, fragment, header);
  if (fragment !== 0)
    setFragment(header, view.getUint16(at + 4), fragment, packetEnd - at - headerLength, protocol, isLengthTrue);
  else if (view.getUint8(at + 8) <= 1)
    noteExpiring(header, view.getUint8(at + 8), packetEnd - start - header.headerLength);
  return FRAME_IP;
}

/** What a fragment says of itself, and whether it may be as it is. `fragment`: flag and offset in IPv4's order. */
function setFragment(
  header: Header,
  id: number,
  fragment: number,
  length: number,
  protocol: number,
  isLengthTrue: boolean,
): void {
  const offset = (fragment & FRAGMENT_OFFSET) << 3;
  const hasMore = (fragment & MORE_FRAGMENTS) !== 0;
  header.kind = FRAGMENT;
  header.fragmentId = id;
  header.fragmentOffset = offset;
  header.fragmentLength = length;
  header.hasMoreFragments = hasMore;
  // Where the packet's length is a lie, so is the fragment's.
  if (!isLengthTrue) return;
  // Only the last one may end within a unit of eight bytes; none may end beyond the longest packet, nor be empty.
  if ((hasMore && (length & 7) !== 0) || offset + length > MAX_PACKET_BYTES || length <= 0)
    header.anomalies |= BAD_FRAGMENT;
  // RFC 1858 section 3: a header in several fragments passes filters. No link cuts packets so small.
  if ((hasMore && length < LEAST_FRAGMENT_BYTES) || (offset === 8 && protocol === 6)) header.anomalies |= TINY_FRAGMENT;
}

/** RFC 8200 with its extension headers; an ESP header ends what can be read. */
export function decodeIPv6(
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
  header.networkAt = at - start;
  // The common case first: no extension header.
  if (next === PROTOCOL_UDP || next === PROTOCOL_TCP || next === PROTOCOL_ICMPV6) {
    decodeTransport(view, start, at + 40, end, packetEnd, next, 0, header);
    if (view.getUint8(at + 7) <= 1)
      noteExpiring(header, view.getUint8(at + 7), packetEnd - start - header.headerLength);
    return FRAME_IP;
  }
  decodeExtensions(view, start, at + 40, end, packetEnd, next, payloadLength, header);
  return FRAME_IP;
}

function decodeExtensions(
  view: DataView,
  start: number,
  first: number,
  end: number,
  packetEnd: number,
  firstHeader: number,
  payloadLength: number,
  header: Header,
): void {
  let at = first;
  let next = firstHeader;
  let fragment = 0;
  let fragmentId = 0;
  let fragmentAt = 0;
  let seen = 0;
  let why = 0;
  const isLengthTrue = header.reason !== IPV6_TRUNCATED;
  for (let count = 0; isExtension(next) && (fragment & FRAGMENT_OFFSET) === 0; count++) {
    why = extensionProblem(view, at, end, packetEnd, next, count);
    if (why !== 0) break;
    seen = noteExtension(view, at, next, count, seen, header);
    const length = extensionLength(view, at, next);
    // Of several the first that is none of a whole packet: what it holds is put together before it is read.
    if (next === FRAGMENT_HEADER && fragment === 0) {
      // To IPv4's order; 0 is an atomic fragment (RFC 6946): a whole packet.
      const offsetAndMore = view.getUint16(at + 2);
      fragment = (offsetAndMore >> 3) | ((offsetAndMore & 1) * MORE_FRAGMENTS);
      fragmentId = view.getUint32(at + 4);
      fragmentAt = at + length;
    }
    next = view.getUint8(at);
    at += length;
  }
  if (why === IPV6_EXTENSION_TOO_MANY) header.anomalies |= EXTENSION_ORDER;
  if (why === 0) decodeTransport(view, start, at, end, packetEnd, next, fragment, header);
  else noTransport(header, at - start, next, why);
  // RFC 7112: a first fragment, or one that is the whole packet, holds all headers.
  if (fragmentAt !== 0 && isLengthTrue && isChainCut(header, packetEnd - start)) header.anomalies |= TINY_FRAGMENT;
  // RFC 8200 section 4.5: all that stands behind the Fragment header is the fragment's.
  if (fragment !== 0) setFragment(header, fragmentId, fragment, packetEnd - fragmentAt, next, isLengthTrue);
  // A super-packet of over 64 KiB has a jumbo option until the device cuts it (RFC 2675); an atomic fragment is a packet like any.
  else if (why === 0 && payloadLength !== 0 && (seen & ~(BITS[FRAGMENT_HEADER] ?? 0)) !== 0)
    header.kind = IPV6_EXTENSION;
}

/** Why the extension header at `at` cannot be read; 0: it can. */
function extensionProblem(
  view: DataView,
  at: number,
  end: number,
  packetEnd: number,
  number: number,
  count: number,
): number {
  if (count === MAX_EXTENSIONS) return IPV6_EXTENSION_TOO_MANY;
  if (at + 8 > packetEnd) return IPV6_EXTENSION_TRUNCATED;
  if (at + 8 > end) return SNAPPED;
  return at + extensionLength(view, at, number) > packetEnd ? IPV6_EXTENSION_TRUNCATED : 0;
}

/** The packet of `length` bytes ends within its headers. */
const isChainCut = ({ reason, headerLength }: Header, length: number): boolean =>
  isTransportCut(reason) || reason === IPV6_EXTENSION_TRUNCATED || headerLength > length;

/**
 * What has been seen so far, a bit an extension header: each stands at most once, hop-by-hop options first (RFC 8200 section
 * 4.1; destination options may stand twice), and source routing of type 0 nowhere (RFC 5095).
 */
function noteExtension(
  view: DataView,
  at: number,
  number: number,
  index: number,
  seen: number,
  header: Header,
): number {
  const bit = BITS[number] ?? 0;
  const again = (seen & bit) !== 0;
  if ((number === HOP_BY_HOP && index > 0) || (again && number !== DESTINATION_OPTIONS))
    header.anomalies |= EXTENSION_ORDER;
  if (number === ROUTING && view.getUint8(at + 2) === 0) header.anomalies |= ROUTING_HEADER;
  return seen | bit;
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
