/**
 * The contract between what receives flow records and what meters them. Fields carry the names of IANA's IPFIX information
 * elements (https://www.iana.org/assignments/ipfix), whatever protocol the record came in.
 */
import type { Milliseconds } from './probe.ts';

/** `FlowRecord.flowDirection` (element 61): where the exporter saw it, seen from its interface. */
export const FLOW_INGRESS = 0;
export const FLOW_EGRESS = 1;
export const FLOW_DIRECTION_UNKNOWN = 255;

/**
 * One flow record. The decoder fills one object again and again: it is valid only during the call that hands it over.
 * Times and the sampling rate are resolved; the counts are as exported, not multiplied by the sampling interval.
 */
export class FlowRecord {
  /** 4 or 6; 0: the record names no addresses, and is not handed over to be metered. */
  ipVersion = 0;
  protocolIdentifier = 0;
  /** 32 bits, the first octet highest; valid where ipVersion is 4. */
  sourceIPv4Address = 0;
  destinationIPv4Address = 0;
  /** Four words, the first octets in the first word's highest bits; valid where ipVersion is 6. */
  readonly sourceIPv6Address = new Int32Array(4);
  readonly destinationIPv6Address = new Int32Array(4);
  /** -1: not known, or the protocol has none. ICMP: type << 8 | code in the destination's, as NetFlow v5 writes it. */
  sourceTransportPort = -1;
  destinationTransportPort = -1;
  /** All flags of the flow's packets, or-ed; -1: not known. */
  tcpControlBits = -1;
  octetDeltaCount = 0;
  packetDeltaCount = 0;
  /** By the exporter's clock; where the record has no times, both are the message's export time. */
  flowStartMilliseconds: Milliseconds = 0;
  flowEndMilliseconds: Milliseconds = 0;
  /** SNMP interface indexes; 0: not known. */
  ingressInterface = 0;
  egressInterface = 0;
  flowDirection = FLOW_DIRECTION_UNKNOWN;
  /** One packet in so many was looked at; 1: all of them; 0: not known. */
  samplingInterval = 0;
}

/**
 * What one interface of an exporter has counted since it began to (sFlow's counter samples), by the names of RFC 2863;
 * -1: not known. The decoder fills one object again and again.
 */
export class InterfaceCounters {
  ifIndex = 0;
  /** bit/s. */
  ifSpeed = -1;
  ifInOctets = -1;
  /** Unicast, multicast and broadcast. */
  ifInPackets = -1;
  ifInDiscards = -1;
  ifInErrors = -1;
  ifOutOctets = -1;
  ifOutPackets = -1;
  ifOutDiscards = -1;
  ifOutErrors = -1;
}

/** Where a flow record came from: the exporter's address and what its message says of itself. */
export interface FlowOrigin {
  /** The exporter's address as text (RFC 5952). */
  readonly exporter: string;
  readonly protocol: 'netflow1' | 'netflow5' | 'netflow7' | 'netflow9' | 'ipfix' | 'sflow5';
  /** NetFlow v9 source id, IPFIX observation domain id, sFlow sub-agent id, v5 engine type << 8 | id. */
  readonly observationDomainId: number;
  /** By the exporter's clock. */
  readonly exportTimeMs: Milliseconds;
}

/** What a flow decoder hands over. */
export interface FlowSink {
  /** `record` and `origin` are valid only during the call. */
  observeFlow(record: FlowRecord, origin: FlowOrigin): void;
  /**
   * The first bytes of one sampled packet (sFlow): `bytes[offset … offset + capturedLength)` is a frame of `linkType`
   * (as in probe.ts), `wireLength` bytes long on the wire, one of `samplingInterval` packets.
   */
  observeSampledFrame(
    bytes: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    linkType: number,
    samplingInterval: number,
    origin: FlowOrigin,
  ): void;
  /** `counters` and `origin` are valid only during the call. */
  observeInterface(counters: InterfaceCounters, origin: FlowOrigin): void;
}
