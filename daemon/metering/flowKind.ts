/** The kind that a flow's packets are counted as: its TCP flags are those of all its packets, or-ed. */
import { ICMP, OTHER, TCP_ACK, TCP_SYN, UDP } from './decodeResult.ts';
import {
  ACK,
  FIN,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  PSH,
  RST,
  SYN,
  TCP_KIND_BY_FLAGS,
} from './decodeTransport.ts';

/** Of flows of more than one packet. */
const KIND_OF_MANY: Uint8Array = Uint8Array.from({ length: 256 }, (_, flags) => kindOfMany(flags));

/**
 * A connection that carried data (PSH), or that shows its beginning and its end, is mostly ACKs, whatever else is among
 * them. SYN and RST without ACK is a half-open probe: the RST is the prober's own kernel's, to what answered.
 */
function kindOfMany(flags: number): number {
  if ((flags & ACK) !== 0) {
    const isWhole = (flags & SYN) !== 0 && (flags & (FIN | RST)) !== 0;
    if (isWhole || (flags & PSH) !== 0) return TCP_ACK;
  } else if ((flags & (SYN | FIN)) === SYN) return TCP_SYN;
  return TCP_KIND_BY_FLAGS[flags] ?? TCP_ACK;
}

/** Index into PACKET_KINDS. `tcpControlBits` -1: not known, which speaks for nothing in particular. */
export function kindOfFlow(protocol: number, tcpControlBits: number, packets: number): number {
  if (protocol === PROTOCOL_TCP) {
    if (tcpControlBits < 0) return TCP_ACK;
    return (packets > 1 ? KIND_OF_MANY : TCP_KIND_BY_FLAGS)[tcpControlBits & 255]!;
  }
  if (protocol === PROTOCOL_UDP) return UDP;
  return protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6 ? ICMP : OTHER;
}

/** Whether somebody answered in this connection: a flow has both only if its SYN was, or is, an answer's. */
export const showsHandshake = (tcpControlBits: number): boolean => (tcpControlBits & (SYN | ACK)) === (SYN | ACK);
