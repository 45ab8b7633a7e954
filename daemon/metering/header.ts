/** What a frame is decoded into, and what decoding it can come to. */
import { ANOMALIES, type Anomaly, DECODE_REASONS, type DecodeReason } from './decodeResult.ts';

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
  /** Bits by ANOMALIES: what no stack sends, or what nobody should. */
  anomalies = 0;
  /** Where the IP header starts, from the start of the frame. */
  networkAt = 0;
  /** Of a fragment, when `kind` is FRAGMENT: its place in the packet in bytes, its bytes, whether more follow, the packet's id. */
  fragmentOffset = 0;
  fragmentLength = 0;
  hasMoreFragments = false;
  fragmentId = 0;
}

/** What the frame is. `UNREADABLE`: no addresses could be read; `reason` says why. */
export const FRAME_IP = 0;
export const FRAME_ARP = 1;
export const FRAME_OTHER = 2;
export const FRAME_UNREADABLE = 3;
export type FrameClass = 0 | 1 | 2 | 3;

/** Index into DECODE_REASONS. */
export const reasonNumber = (name: DecodeReason): number => DECODE_REASONS.indexOf(name);
export const anomalyBit = (name: Anomaly): number => 1 << ANOMALIES.indexOf(name);
/** Cut by the snap length: nothing is wrong with the frame. */
export const SNAPPED = reasonNumber('snapped');

export function unreadable(header: Header, why: number): FrameClass {
  header.reason = why;
  return FRAME_UNREADABLE;
}
