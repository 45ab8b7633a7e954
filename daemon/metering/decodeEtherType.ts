/** Decodes what an EtherType stands before: tags and labels, then IP or ARP. Of tunnels in IP the outer headers alone are decoded. */
import { decodeIPv4, decodeIPv6, setIPv4 } from './decodeIp.ts';
import { FRAME_ARP, FRAME_OTHER, type FrameClass, type Header, reasonNumber, SNAPPED, unreadable } from './header.ts';

const LINK_TRUNCATED = reasonNumber('linkTruncated');
const VLAN_TOO_DEEP = reasonNumber('vlanTooDeep');
/** Behind every frame. */
const NO_IP_HEADER = 1 << 20;
const ARP_TRUNCATED = reasonNumber('arpTruncated');

export const ETHERTYPE_IPV4 = 0x0800;
const ARP_BYTES = 28;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_PPPOE_SESSION = 0x8864;
/** Unicast and multicast. */
const isMpls = (type: number): boolean => type === 0x8847 || type === 0x8848;
/** 802.1Q, 802.1ad and the older 0x9100 of QinQ. */
const isVlanTag = (type: number): boolean => type === 0x8100 || type === 0x88a8 || type === 0x9100;
const MAX_VLAN_TAGS = 4;
/** A smaller number is the length of an 802.3 frame, with LLC behind it. */
const SMALLEST_ETHERTYPE = 0x600;

/** RFC 3032: the last label of the stack has this bit in its third byte. */
const BOTTOM_OF_STACK = 1;
/** Segment routing has about ten. */
const MAX_LABELS = 16;

/** IP over PPP (RFC 1332, RFC 5072). */
const PPP_IPV4 = 0x21;
const PPP_IPV6 = 0x57;

/** DSAP, SSAP and control field of SNAP (IEEE 802), then the organisation that numbers the protocols: 0 for EtherTypes (RFC 1042). */
const SNAP = 0xaaaa0300;

/** Decodes from `first` on, before which `firstType` stood; the frame starts at `start`. */
export function decodeEtherType(
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
    if (at + 4 > end) return cut(header, at + 4, wireEnd);
    etherType = view.getUint16(at + 2);
    at += 4;
  }
  const frame = decodeNetwork(view, start, at, end, wireEnd, etherType, header);
  if (frame !== FRAME_OTHER) return frame;
  if (etherType === ETHERTYPE_PPPOE_SESSION) return decodePppoe(view, start, at, end, wireEnd, header);
  if (isMpls(etherType)) return decodeMpls(view, start, at, end, wireEnd, header);
  return etherType < SMALLEST_ETHERTYPE ? decodeLlc(view, start, at, end, wireEnd, header) : FRAME_OTHER;
}

/** FRAME_OTHER: the type is neither IP's nor ARP's. */
function decodeNetwork(
  view: DataView,
  start: number,
  at: number,
  end: number,
  wireEnd: number,
  etherType: number,
  header: Header,
): FrameClass {
  if (etherType === ETHERTYPE_IPV4) return decodeIPv4(view, start, at, end, wireEnd, header);
  if (etherType === ETHERTYPE_IPV6) return decodeIPv6(view, start, at, end, wireEnd, header);
  if (etherType === ETHERTYPE_ARP) return decodeArp(view, start, at, end, wireEnd, header);
  return FRAME_OTHER;
}

/** A bare IP packet, of the version that it says. */
export function decodeIP(
  view: DataView,
  start: number,
  at: number,
  end: number,
  wireEnd: number,
  header: Header,
): FrameClass {
  if (at >= end) return cut(header, at + 1, wireEnd);
  return view.getUint8(at) >> 4 === 6
    ? decodeIPv6(view, start, at, end, wireEnd, header)
    : decodeIPv4(view, start, at, end, wireEnd, header);
}

/** RFC 3032. No label says what the last one stands before: IP, if its first four bits are a version of it (RFC 4928). */
function decodeMpls(
  view: DataView,
  start: number,
  first: number,
  end: number,
  wireEnd: number,
  header: Header,
): FrameClass {
  const last = first + 4 * MAX_LABELS;
  for (let at = first; at < last;) {
    if (at + 5 > end) return cut(header, at + 5, wireEnd);
    const isBottom = (view.getUint8(at + 2) & BOTTOM_OF_STACK) !== 0;
    at += 4;
    if (!isBottom) continue;
    const version = view.getUint8(at) >> 4;
    return version === 4 || version === 6 ? decodeIP(view, start, at, end, wireEnd, header) : FRAME_OTHER;
  }
  return FRAME_OTHER;
}

/** RFC 2516: version, code, session and length before the PPP frame. */
export function decodePppoe(
  view: DataView,
  start: number,
  at: number,
  end: number,
  wireEnd: number,
  header: Header,
): FrameClass {
  return decodePpp(view, start, at + 6, end, wireEnd, header);
}

/** RFC 1661, from the protocol field on; it is of one byte, which is odd, where the two have agreed on that. */
export function decodePpp(
  view: DataView,
  start: number,
  at: number,
  end: number,
  wireEnd: number,
  header: Header,
): FrameClass {
  if (at + 2 > end) return cut(header, at + 2, wireEnd);
  const first = view.getUint8(at);
  const isCompressed = (first & 1) !== 0;
  const protocol = isCompressed ? first : view.getUint16(at);
  const next = isCompressed ? at + 1 : at + 2;
  if (protocol === PPP_IPV4) return decodeIPv4(view, start, next, end, wireEnd, header);
  if (protocol === PPP_IPV6) return decodeIPv6(view, start, next, end, wireEnd, header);
  return FRAME_OTHER;
}

/** IEEE 802.2: IP stands behind a SNAP header alone. */
export function decodeLlc(
  view: DataView,
  start: number,
  at: number,
  end: number,
  wireEnd: number,
  header: Header,
): FrameClass {
  if (at + 8 > end) return at + 8 > wireEnd ? FRAME_OTHER : unreadable(header, SNAPPED);
  if (view.getUint32(at) >>> 0 !== SNAP || view.getUint16(at + 4) !== 0) return FRAME_OTHER;
  return decodeNetwork(view, start, at + 8, end, wireEnd, view.getUint16(at + 6), header);
}

/** RFC 826, for IPv4 over Ethernet: the sender's and the target's protocol addresses, and the operation as `flags`. */
function decodeArp(
  view: DataView,
  start: number,
  at: number,
  end: number,
  wireEnd: number,
  header: Header,
): FrameClass {
  if (at + ARP_BYTES > end) return unreadable(header, at + ARP_BYTES > wireEnd ? ARP_TRUNCATED : SNAPPED);
  setIPv4(header, view, at + 14, at + 24);
  header.flags = view.getUint16(at + 6);
  header.networkAt = NO_IP_HEADER;
  header.headerLength = at + ARP_BYTES - start;
  return FRAME_ARP;
}

/** A frame that ends before byte `needed`: was it longer on the wire? */
export function cut(header: Header, needed: number, wireEnd: number): FrameClass {
  return unreadable(header, needed > wireEnd ? LINK_TRUNCATED : SNAPPED);
}
