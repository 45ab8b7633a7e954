/** What decoding a frame's headers can yield: the kinds that packets are counted by, and the reasons why one could not be read. */

/** Kinds of packets, in the order of the counters; every IP packet is of exactly one. */
export const PACKET_KINDS = [
  'udp',
  'tcpAck',
  'tcpSyn',
  'tcpSynAck',
  'icmp',
  'fragment',
  'tcpRst',
  'tcpFin',
  'tcpOdd',
  'other',
  'ipv6Extension',
  'neighbour',
] as const;
export type PacketKind = (typeof PACKET_KINDS)[number];

export const UDP = 0;
export const TCP_ACK = 1;
export const TCP_SYN = 2;
export const TCP_SYN_ACK = 3;
export const ICMP = 4;
export const FRAGMENT = 5;
export const TCP_RST = 6;
export const TCP_FIN = 7;
/** TCP with flags that no stack sends: none, FIN alone, SYN+FIN, SYN+RST and the like. */
export const TCP_ODD = 8;
export const OTHER = 9;
/** IPv6 with extension headers, whatever comes after them; a whole packet, no fragment. */
export const IPV6_EXTENSION = 10;
/** Neighbour discovery: ICMPv6 of types 133 to 137 (RFC 4861). */
export const NEIGHBOUR = 11;

/** Reasons why (part of) a frame could not be read. A frame that is merely cut by the snap length is `snapped`. */
export const DECODE_REASONS = [
  'none',
  'snapped',
  'linkTruncated',
  'linkUnsupported',
  'vlanTooDeep',
  'arpTruncated',
  'ipv4Truncated',
  'ipv4Version',
  'ipv4HeaderLength',
  'ipv4TotalLength',
  'ipv6Truncated',
  'ipv6Version',
  'ipv6MappedAddress',
  'ipv6ExtensionTruncated',
  'ipv6ExtensionTooMany',
  'tcpTruncated',
  'tcpHeaderLength',
  'udpTruncated',
  'udpLength',
  'icmpTruncated',
] as const;
export type DecodeReason = (typeof DECODE_REASONS)[number];

/** What headers contradict themselves or the standards in, in the order of the bits of `Header.anomalies`. */
export const ANOMALIES = [
  'land',
  'tcpFlags',
  'sourceRoute',
  'recordRoute',
  'ipOption',
  'tinyFragment',
  'overlappingFragment',
  'badFragment',
  'portZero',
  'reservedBits',
  'badLength',
  'routingHeader',
  'extensionOrder',
  'routerLifetimeZero',
  'expiringSegment',
  'ttlZero',
  'tcpOption',
] as const;
export type Anomaly = (typeof ANOMALIES)[number];
