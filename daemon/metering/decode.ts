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
import { decodeIPv4, decodeIPv6, setIPv4 } from './decodeIp.ts';
import { FRAME_ARP, FRAME_OTHER, type FrameClass, type Header, reasonNumber, SNAPPED, unreadable } from './header.ts';

const LINK_TRUNCATED = reasonNumber('linkTruncated');
const LINK_UNSUPPORTED = reasonNumber('linkUnsupported');
const VLAN_TOO_DEEP = reasonNumber('vlanTooDeep');
const ARP_TRUNCATED = reasonNumber('arpTruncated');

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
/** 802.1Q, 802.1ad and the older 0x9100 of QinQ. */
const isVlanTag = (type: number): boolean => type === 0x8100 || type === 0x88a8 || type === 0x9100;
const MAX_VLAN_TAGS = 4;

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
