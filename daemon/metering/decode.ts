/**
 * Decodes the headers of one frame, from layer 2 to the transport's: pure, bounded, without allocation, and never throws.
 * What could not be read is a reason, not an exception; whatever was readable before it still counts.
 */
import { LINKTYPE_ETHERNET } from '../../probes/probe.ts';
import { decodeEtherType, ETHERTYPE_IPV4 } from './decodeEtherType.ts';
import { decodeIPv4 } from './decodeIp.ts';
import { decodeOtherLink } from './decodeLinks.ts';
import { type FrameClass, type Header, reasonNumber, SNAPPED, unreadable } from './header.ts';

const LINK_TRUNCATED = reasonNumber('linkTruncated');

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
  header.anomalies = 0;
  if (linkType !== LINKTYPE_ETHERNET) return decodeOtherLink(view, start, end, wireEnd, linkType, header);
  if (captured < 14) return unreadable(header, wireLength < 14 ? LINK_TRUNCATED : SNAPPED);
  const etherType = view.getUint16(start + 12);
  if (etherType === ETHERTYPE_IPV4) return decodeIPv4(view, start, start + 14, end, wireEnd, header);
  return decodeEtherType(view, start, start + 14, end, wireEnd, etherType, header);
}
