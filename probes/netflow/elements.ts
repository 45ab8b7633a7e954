/**
 * Which information elements are read, where their values go, and how they are written. Numbers are IANA's
 * (https://www.iana.org/assignments/ipfix); NetFlow v9 has the same up to 127, and Cisco's above (RFC 3954 section 8).
 */

/** Where the reader puts a value. IPv6 addresses take four slots. */
export const SLOT = {
  sourceIPv4: 0,
  destinationIPv4: 1,
  sourceIPv6: 2,
  destinationIPv6: 6,
  ipVersion: 10,
  protocol: 11,
  sourcePort: 12,
  destinationPort: 13,
  icmpTypeCode: 14,
  icmpType: 15,
  icmpCode: 16,
  tcpFlags: 17,
  octets: 18,
  packets: 19,
  reverseOctets: 20,
  reversePackets: 21,
  reverseTcpFlags: 22,
  start: 23,
  end: 24,
  durationMs: 25,
  bootMs: 26,
  ingress: 27,
  egress: 28,
  direction: 29,
  sampler: 30,
  interval: 31,
  packetInterval: 32,
  packetSpace: 33,
  sampleSize: 34,
  samplePopulation: 35,
  probability: 36,
  postOctets: 37,
  postPackets: 38,
} as const;
export const SLOTS = 39;

/** How a value is written; the reader makes a number of it. */
export const UINT = 0;
export const IPV4 = 1;
export const IPV6 = 2;
/** Seconds since the epoch. */
export const SECONDS = 3;
/** 32 bits of seconds since 1900 and 32 of their fraction (RFC 7011 sections 6.1.9 and 6.1.10). */
export const NTP = 4;
/** Microseconds before the export time (RFC 5102 section 5.9.9). */
export const AGO_MICROSECONDS = 5;
/** Milliseconds since the exporter's start, modulo 2^32. */
export const UPTIME = 6;
export const MICROSECONDS = 7;
export const FLOAT = 8;
/** The last eight bits: tcpControlBits has 16 in IPFIX (RFC 7125), of which the upper ones are the header's length. */
export const LOW_OCTET = 9;
export type Encoding = typeof UINT | typeof FLOAT | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 9;

interface Element {
  readonly id: number;
  readonly slot: number;
  readonly encoding: Encoding;
}

const element = (id: number, slot: number, encoding: Encoding = UINT): Element => ({ id, slot, encoding });

/** Most octets where they are fewer than eight: a wider value is something else, whatever its template calls it. */
const WIDTHS: ReadonlyMap<number, number> = new Map([
  [SLOT.ipVersion, 1],
  [SLOT.protocol, 1],
  [SLOT.sourcePort, 2],
  [SLOT.destinationPort, 2],
  [SLOT.icmpTypeCode, 2],
  [SLOT.icmpType, 1],
  [SLOT.icmpCode, 1],
  [SLOT.ingress, 4],
  [SLOT.egress, 4],
  [SLOT.direction, 1],
  [SLOT.durationMs, 4],
]);

/** Of several for one slot, the first that a template has is taken. */
const ELEMENTS: readonly Element[] = [
  element(8, SLOT.sourceIPv4, IPV4),
  element(12, SLOT.destinationIPv4, IPV4),
  element(27, SLOT.sourceIPv6, IPV6),
  element(28, SLOT.destinationIPv6, IPV6),
  element(60, SLOT.ipVersion),
  element(4, SLOT.protocol),
  element(7, SLOT.sourcePort),
  // udpSourcePort, tcpSourcePort
  element(180, SLOT.sourcePort),
  element(182, SLOT.sourcePort),
  element(11, SLOT.destinationPort),
  element(181, SLOT.destinationPort),
  element(183, SLOT.destinationPort),
  element(32, SLOT.icmpTypeCode),
  element(139, SLOT.icmpTypeCode),
  element(176, SLOT.icmpType),
  element(178, SLOT.icmpType),
  element(177, SLOT.icmpCode),
  element(179, SLOT.icmpCode),
  element(6, SLOT.tcpFlags, LOW_OCTET),
  element(1, SLOT.octets),
  // initiatorOctets; Cisco ASA has them as the delta of one direction.
  element(231, SLOT.octets),
  // octetTotalCount: right for flows that are exported once, at their end.
  element(85, SLOT.octets),
  element(352, SLOT.octets),
  element(353, SLOT.octets),
  element(2, SLOT.packets),
  element(298, SLOT.packets),
  element(86, SLOT.packets),
  // OUT_BYTES and OUT_PKTS of NetFlow v9
  element(23, SLOT.postOctets),
  element(24, SLOT.postPackets),
  element(232, SLOT.reverseOctets),
  element(299, SLOT.reversePackets),
  element(152, SLOT.start),
  element(154, SLOT.start, NTP),
  element(156, SLOT.start, NTP),
  element(150, SLOT.start, SECONDS),
  element(158, SLOT.start, AGO_MICROSECONDS),
  element(22, SLOT.start, UPTIME),
  element(153, SLOT.end),
  element(155, SLOT.end, NTP),
  element(157, SLOT.end, NTP),
  element(151, SLOT.end, SECONDS),
  element(159, SLOT.end, AGO_MICROSECONDS),
  element(21, SLOT.end, UPTIME),
  // observationTime…: of records of an event, as Cisco ASA has them.
  element(323, SLOT.end),
  element(324, SLOT.end, NTP),
  element(325, SLOT.end, NTP),
  element(322, SLOT.end, SECONDS),
  element(161, SLOT.durationMs),
  element(162, SLOT.durationMs, MICROSECONDS),
  element(160, SLOT.bootMs),
  element(10, SLOT.ingress),
  element(14, SLOT.egress),
  element(61, SLOT.direction),
  // selectorId, flowSamplerId, samplerId of RFC 5477's time
  element(302, SLOT.sampler),
  element(48, SLOT.sampler),
  element(34, SLOT.interval),
  element(50, SLOT.interval),
  element(305, SLOT.packetInterval),
  element(306, SLOT.packetSpace),
  element(309, SLOT.sampleSize),
  element(310, SLOT.samplePopulation),
  element(311, SLOT.probability, FLOAT),
];

/** Elements of the reverse direction (RFC 5103): the same numbers under this enterprise number. */
const REVERSE_ENTERPRISE = 29_305;
const REVERSE_ELEMENTS: readonly Element[] = [
  element(1, SLOT.reverseOctets),
  element(85, SLOT.reverseOctets),
  element(2, SLOT.reversePackets),
  element(86, SLOT.reversePackets),
  element(6, SLOT.reverseTcpFlags, LOW_OCTET),
];

/** Rank: the lower is preferred. */
export interface KnownElement extends Element {
  readonly rank: number;
}

const byId = (elements: readonly Element[]): ReadonlyMap<number, KnownElement> =>
  new Map(elements.map((each, rank) => [each.id, { ...each, rank }]));

const FORWARD = byId(ELEMENTS);
const REVERSE = byId(REVERSE_ELEMENTS);

/** `enterprise` 0: IANA's. undefined: it is not read. */
export function knownElement(id: number, enterprise: number): KnownElement | undefined {
  if (enterprise === 0) return FORWARD.get(id);
  return enterprise === REVERSE_ENTERPRISE ? REVERSE.get(id) : undefined;
}

/** Whether its value can have so many octets: IPFIX may shorten integers (RFC 7011 section 6.2). */
export function fits({ slot, encoding }: KnownElement, octets: number): boolean {
  switch (encoding) {
    case IPV4:
      return octets === 4;
    case IPV6:
      return octets === 16;
    case NTP:
      return octets === 8;
    case FLOAT:
      return octets === 4 || octets === 8;
    case SECONDS:
    case AGO_MICROSECONDS:
    case UPTIME:
      return octets >= 1 && octets <= 4;
    default:
      return octets >= 1 && octets <= (WIDTHS.get(slot) ?? 8);
  }
}
