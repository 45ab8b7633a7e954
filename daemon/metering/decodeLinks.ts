/** Decodes the headers of links other than Ethernet, as libpcap numbers and lays them out (https://www.tcpdump.org/linktypes.html). */
import {
  LINKTYPE_C_HDLC,
  LINKTYPE_ETHERNET,
  LINKTYPE_FDDI,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NFLOG,
  LINKTYPE_NULL,
  LINKTYPE_PPP,
  LINKTYPE_PPP_ETHER,
  LINKTYPE_PPP_HDLC,
  LINKTYPE_RAW,
} from '../../probes/probe.ts';
import { cut, decodeEtherType, decodeIP, decodeLlc, decodePpp, decodePppoe } from './decodeEtherType.ts';
import { FRAME_OTHER, type FrameClass, type Header, reasonNumber, unreadable } from './header.ts';

const LINK_UNSUPPORTED = reasonNumber('linkUnsupported');

/** DLT_RAW as files of some old systems have it. */
const RAW_OF_OLD = 12;
const RAW_OF_OPENBSD = 14;

/** What decodeFrame can read. */
export const DECODED_LINK_TYPES: ReadonlySet<number> = new Set([
  LINKTYPE_NULL,
  LINKTYPE_ETHERNET,
  LINKTYPE_PPP,
  LINKTYPE_FDDI,
  RAW_OF_OLD,
  RAW_OF_OPENBSD,
  LINKTYPE_PPP_HDLC,
  LINKTYPE_PPP_ETHER,
  LINKTYPE_RAW,
  LINKTYPE_C_HDLC,
  LINKTYPE_LOOP,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_NFLOG,
  LINKTYPE_LINUX_SLL2,
]);

/** PPP in HDLC-like framing (RFC 1662): all stations, unnumbered information. */
const PPP_ADDRESS_AND_CONTROL = 0xff03;
/** Cisco HDLC: unicast and broadcast. */
const isCiscoAddress = (address: number): boolean => address === 0x0f || address === 0x8f;

/** A frame of logical link control, with any address length and priority. */
const FDDI_LLC = 0x50;
const FDDI_CLASS = 0xf0;
const FDDI_HEADER_BYTES = 13;

/** linux/netfilter/nfnetlink_log.h: family, version and group before the attributes, of which this one is the packet. */
const NFLOG_HEADER_BYTES = 4;
const NFULA_PAYLOAD = 9;
const AF_INET = 2;
const AF_INET6 = 10;
/** The kernel has about 20 kinds. */
const MAX_ATTRIBUTES = 64;
/** An IPv6 header, and the most that it can say of what follows. */
const LONGEST_PACKET = 40 + 65_535;

export function decodeOtherLink(
  view: DataView,
  start: number,
  end: number,
  wireEnd: number,
  linkType: number,
  header: Header,
): FrameClass {
  switch (linkType) {
    case LINKTYPE_RAW:
    case RAW_OF_OLD:
    case RAW_OF_OPENBSD:
    case LINKTYPE_IPV4:
    case LINKTYPE_IPV6:
      return decodeIP(view, start, start, end, wireEnd, header);
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP:
      // An address family in the byte order of whoever wrote it; the IP version tells the same.
      return decodeIP(view, start, start + 4, end, wireEnd, header);
    case LINKTYPE_LINUX_SLL:
      return decodeTyped(view, start, 14, 16, end, wireEnd, header);
    case LINKTYPE_LINUX_SLL2:
      return decodeTyped(view, start, 0, 20, end, wireEnd, header);
    case LINKTYPE_C_HDLC:
      return decodeTyped(view, start, 2, 4, end, wireEnd, header);
    case LINKTYPE_PPP:
    case LINKTYPE_PPP_HDLC:
      return decodeSerial(view, start, end, wireEnd, header);
    case LINKTYPE_PPP_ETHER:
      return decodePppoe(view, start, start, end, wireEnd, header);
    case LINKTYPE_FDDI:
      return decodeFddi(view, start, end, wireEnd, header);
    case LINKTYPE_NFLOG:
      return decodeNflog(view, start, end, wireEnd, header);
    default:
      return unreadable(header, LINK_UNSUPPORTED);
  }
}

/** A header of `length` bytes, with an EtherType at `typeOffset`: Linux cooked captures, Cisco HDLC. */
function decodeTyped(
  view: DataView,
  start: number,
  typeOffset: number,
  length: number,
  end: number,
  wireEnd: number,
  header: Header,
): FrameClass {
  if (start + length > end) return cut(header, start + length, wireEnd);
  const etherType = view.getUint16(start + typeOffset);
  return decodeEtherType(view, start, start + length, end, wireEnd, etherType, header);
}

/** PPP with address and control field, or without, as may be agreed on; a serial line may speak Cisco HDLC instead. */
function decodeSerial(view: DataView, start: number, end: number, wireEnd: number, header: Header): FrameClass {
  if (start + 2 > end) return cut(header, start + 2, wireEnd);
  const first = view.getUint16(start);
  if (first === PPP_ADDRESS_AND_CONTROL) return decodePpp(view, start, start + 2, end, wireEnd, header);
  if (isCiscoAddress(first >> 8)) return decodeTyped(view, start, 2, 4, end, wireEnd, header);
  return decodePpp(view, start, start, end, wireEnd, header);
}

function decodeFddi(view: DataView, start: number, end: number, wireEnd: number, header: Header): FrameClass {
  if (start + FDDI_HEADER_BYTES > end) return cut(header, start + FDDI_HEADER_BYTES, wireEnd);
  if ((view.getUint8(start) & FDDI_CLASS) !== FDDI_LLC) return FRAME_OTHER;
  return decodeLlc(view, start, start + FDDI_HEADER_BYTES, end, wireEnd, header);
}

/** Attributes of length, type and value, in the byte order of the host that captured: no type is 0 or above 255. */
function decodeNflog(view: DataView, start: number, end: number, wireEnd: number, header: Header): FrameClass {
  let at = start + NFLOG_HEADER_BYTES;
  if (at > end) return cut(header, at, wireEnd);
  const family = view.getUint8(start);
  if (family !== AF_INET && family !== AF_INET6) return FRAME_OTHER;
  for (let count = 0; count < MAX_ATTRIBUTES; count++) {
    if (at + 4 > end) return cut(header, at + 4, wireEnd);
    const isLittleEndian = view.getUint8(at + 2) !== 0;
    const length = view.getUint16(at, isLittleEndian);
    if (view.getUint16(at + 2, isLittleEndian) === NFULA_PAYLOAD)
      return decodeLogged(view, start, at + 4, end, wireEnd, header);
    at += Math.max(4, (length + 3) & ~3);
  }
  return FRAME_OTHER;
}

/** How much of a packet is logged is up to the firewall's rule: its own header alone says how long it was. */
function decodeLogged(
  view: DataView,
  start: number,
  at: number,
  end: number,
  wireEnd: number,
  header: Header,
): FrameClass {
  const frame = decodeIP(view, start, at, end, at + LONGEST_PACKET, header);
  header.headerLength = Math.min(header.headerLength, wireEnd - start);
  return frame;
}
