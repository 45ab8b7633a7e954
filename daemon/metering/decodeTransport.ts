/** Decodes transport headers: TCP, UDP, ICMP; anything else has a protocol number and no ports. */
import {
  ICMP,
  NEIGHBOUR,
  OTHER,
  TCP_ACK,
  TCP_FIN,
  TCP_ODD,
  TCP_RST,
  TCP_SYN,
  TCP_SYN_ACK,
  UDP,
} from './decodeResult.ts';
import { anomalyBit, type Header, reasonNumber, SNAPPED } from './header.ts';
import { hasBadOption } from './tcpOptions.ts';

const TCP_TRUNCATED = reasonNumber('tcpTruncated');
const TCP_HEADER_LENGTH = reasonNumber('tcpHeaderLength');
const UDP_TRUNCATED = reasonNumber('udpTruncated');
const UDP_LENGTH = reasonNumber('udpLength');
const ICMP_TRUNCATED = reasonNumber('icmpTruncated');

const PORT_ZERO = anomalyBit('portZero');
const TCP_OPTION = anomalyBit('tcpOption');
const RESERVED_BITS = anomalyBit('reservedBits');
const ROUTER_LIFETIME_ZERO = anomalyBit('routerLifetimeZero');
/** Three bits of TCP between the header length and the flags (RFC 9293); the fourth is AccECN's (RFC 9768). */
const TCP_RESERVED = 0x0e00;

/** The packet ends within its transport's header. */
export const isTransportCut = (reason: number): boolean =>
  reason === TCP_TRUNCATED || reason === UDP_TRUNCATED || reason === ICMP_TRUNCATED;

/** IPv4's fragment offset in its field; not zero: a later fragment, which has no transport header. */
export const FRAGMENT_OFFSET = 0x1fff;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;

/** Kind by the TCP flag byte. ECE and CWR do not change what a segment is, PSH and URG only when nothing else is set. */
export const TCP_KIND_BY_FLAGS: Uint8Array = Uint8Array.from({ length: 256 }, (_, flags) => tcpKind(flags));

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

export function noTransport(header: Header, headerLength: number, protocol: number, why: number): void {
  header.kind = OTHER;
  header.protocol = protocol;
  header.sourcePort = -1;
  header.destinationPort = -1;
  header.headerLength = headerLength;
  header.flags = 0;
  if (why !== 0) header.reason = why;
}

export function decodeTransport(
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
  if (header.sourcePort === 0 || header.destinationPort === 0) header.anomalies |= PORT_ZERO;
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
  if ((lengthAndFlags & TCP_RESERVED) !== 0) header.anomalies |= RESERVED_BITS;
  if (length < 20 || at + length > packetEnd) header.reason = TCP_HEADER_LENGTH;
  // Later segments have no more than time stamps, as a rule.
  else if ((flags & SYN) !== 0 && length > 20 && at + length <= end && hasBadOption(view, at + 20, at + length))
    header.anomalies |= TCP_OPTION;
}

/** Neighbour discovery (RFC 4861): router solicitation and advertisement, neighbour solicitation and advertisement, redirect. */
const isNeighbourDiscovery = (type: number): boolean => type >= 133 && type <= 137;
const ROUTER_ADVERTISEMENT = 134;

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
    if (protocol === PROTOCOL_ICMPV6 && isNeighbourDiscovery(header.flags >> 8)) {
      header.kind = NEIGHBOUR;
      // A router that goes sends it too; whoever forges it takes everybody's router away.
      if (header.flags >> 8 === ROUTER_ADVERTISEMENT && at + 8 <= end && view.getUint16(at + 6) === 0)
        header.anomalies |= ROUTER_LIFETIME_ZERO;
    }
  }
}
