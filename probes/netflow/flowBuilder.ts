/** Makes flow records of the values that a template's data records have: addresses, times, directions and sampling resolved. */
import { FLOW_DIRECTION_UNKNOWN, FLOW_EGRESS, FLOW_INGRESS, type FlowRecord, type FlowSink } from '../flow.ts';
import type { Milliseconds } from '../probe.ts';
import { SLOT } from './elements.ts';
import type { Domain } from './exporterState.ts';
import type { Message } from './message.ts';
import { ICMP_TYPE, NO_PORTS, PORT_USE, PORTS } from './ports.ts';
import { samplingOf } from './sampling.ts';
import type { Template } from './template.ts';

const TWO_32 = 2 ** 32;
/** Octets of a packet where only octets are told: as few packets as they can be. */
const LARGEST_PACKET = 1500;

export class FlowBuilder {
  readonly #record: FlowRecord;
  readonly #sink: FlowSink;

  constructor(record: FlowRecord, sink: FlowSink) {
    this.#record = record;
    this.#sink = sink;
  }

  /** A template with two directions (RFC 5103, Cisco ASA) gives a record for each that saw packets. */
  build(values: Float64Array, template: Template, domain: Domain, message: Message): void {
    const record = this.#record;
    const { has } = template;
    this.#setAddresses(values, template);
    this.#setTransport(values, has);
    this.#setTimes(values, template, domain, message);
    this.#setInterfaces(values, has);
    record.samplingInterval = samplingOf(values, has, domain);
    const isBidirectional = has[SLOT.reverseOctets] === 1 || has[SLOT.reversePackets] === 1;
    this.#setForwardCounts(values, has);
    if (!isBidirectional || record.packetDeltaCount > 0) this.#sink.observeFlow(record, message);
    if (isBidirectional) this.#buildReverse(values, has, message);
  }

  #setAddresses(values: Float64Array, template: Template): void {
    const record = this.#record;
    const isIPv4 = template.isIPv4 && (!template.isIPv6 || isOfIPv4(values, template));
    record.ipVersion = isIPv4 ? 4 : 6;
    if (isIPv4) {
      record.sourceIPv4Address = values[SLOT.sourceIPv4]!;
      record.destinationIPv4Address = values[SLOT.destinationIPv4]!;
      return;
    }
    for (let word = 0; word < 4; word++) {
      record.sourceIPv6Address[word] = values[SLOT.sourceIPv6 + word]!;
      record.destinationIPv6Address[word] = values[SLOT.destinationIPv6 + word]!;
    }
  }

  #setTransport(values: Float64Array, has: Uint8Array): void {
    const record = this.#record;
    const protocol = has[SLOT.protocol] === 1 ? values[SLOT.protocol]! & 255 : 0;
    const use = has[SLOT.protocol] === 1 ? PORT_USE[protocol]! : NO_PORTS;
    record.protocolIdentifier = protocol;
    record.tcpControlBits = has[SLOT.tcpFlags] === 1 ? values[SLOT.tcpFlags]! : -1;
    record.sourceTransportPort = use === PORTS && has[SLOT.sourcePort] === 1 ? values[SLOT.sourcePort]! : -1;
    if (use === ICMP_TYPE) record.destinationTransportPort = icmpTypeOf(values, has);
    else
      record.destinationTransportPort =
        use === PORTS && has[SLOT.destinationPort] === 1 ? values[SLOT.destinationPort]! : -1;
  }

  #setTimes(values: Float64Array, template: Template, domain: Domain, message: Message): void {
    const record = this.#record;
    const { has } = template;
    const hasStart = has[SLOT.start] === 1;
    const hasEnd = has[SLOT.end] === 1;
    const duration = has[SLOT.durationMs] === 1 ? values[SLOT.durationMs]! : 0;
    let start = values[SLOT.start]!;
    let end = values[SLOT.end]!;
    if (template.startsByUptime || template.endsByUptime) {
      const latest = template.endsByUptime ? end : start;
      const bootMs = bootTime(values, has, domain, message, latest);
      if (template.startsByUptime) start += bootMs;
      if (template.endsByUptime) end += bootMs;
      // The counter may have wrapped between the two; or the end, by a hair, lies before the start.
      if (template.startsByUptime && template.endsByUptime) start = end - ((end - start) | 0);
    }
    if (!hasEnd) end = hasStart ? start + duration : message.exportTimeMs;
    if (!hasStart) start = end - duration;
    record.flowStartMilliseconds = start;
    record.flowEndMilliseconds = end;
  }

  #setInterfaces(values: Float64Array, has: Uint8Array): void {
    const record = this.#record;
    record.ingressInterface = has[SLOT.ingress] === 1 ? values[SLOT.ingress]! : 0;
    record.egressInterface = has[SLOT.egress] === 1 ? values[SLOT.egress]! : 0;
    const direction = has[SLOT.direction] === 1 ? values[SLOT.direction]! : FLOW_DIRECTION_UNKNOWN;
    record.flowDirection = direction === FLOW_INGRESS || direction === FLOW_EGRESS ? direction : FLOW_DIRECTION_UNKNOWN;
  }

  /** What left the exporter counts where nothing of it came in: some tell of flows on their way out like that. */
  #setForwardCounts(values: Float64Array, has: Uint8Array): void {
    const { packetDeltaCount, octetDeltaCount } = this.#setCounts(values, has, SLOT.octets, SLOT.packets);
    const isOnWayOut = has[SLOT.postOctets] === 1 || has[SLOT.postPackets] === 1;
    if (isOnWayOut && packetDeltaCount === 0 && octetDeltaCount === 0)
      this.#setCounts(values, has, SLOT.postOctets, SLOT.postPackets);
  }

  /** Packets that an exporter does not count are estimated by the octets that it counts. */
  #setCounts(values: Float64Array, has: Uint8Array, octetsSlot: number, packetsSlot: number): FlowRecord {
    const record = this.#record;
    const octets = has[octetsSlot] === 1 ? values[octetsSlot]! : 0;
    const packets = has[packetsSlot] === 1 ? values[packetsSlot]! : Math.ceil(octets / LARGEST_PACKET);
    record.octetDeltaCount = Math.min(octets, Number.MAX_SAFE_INTEGER);
    record.packetDeltaCount = Math.min(packets, Number.MAX_SAFE_INTEGER);
    return record;
  }

  #buildReverse(values: Float64Array, has: Uint8Array, message: Message): void {
    const record = this.#record;
    this.#setCounts(values, has, SLOT.reverseOctets, SLOT.reversePackets);
    if (record.packetDeltaCount === 0) return;
    swapEnds(record);
    record.tcpControlBits = has[SLOT.reverseTcpFlags] === 1 ? values[SLOT.reverseTcpFlags]! : -1;
    this.#sink.observeFlow(record, message);
  }
}

/**
 * A template of both families: the version tells, or else which addresses are not 0; both, then it is a tunnel, of which
 * the innermost header stands last (RFC 7011 section 8).
 */
function isOfIPv4(values: Float64Array, { has, isIPv4Last }: Template): boolean {
  const version = has[SLOT.ipVersion] === 1 ? values[SLOT.ipVersion] : 0;
  if (version === 4 || version === 6) return version === 4;
  const names4 = values[SLOT.sourceIPv4] !== 0 || values[SLOT.destinationIPv4] !== 0;
  let names6 = false;
  for (let word = 0; word < 4; word++)
    names6 ||= values[SLOT.sourceIPv6 + word] !== 0 || values[SLOT.destinationIPv6 + word] !== 0;
  return names4 === names6 ? isIPv4Last : names4;
}

/** Some write the ICMP type and code where ports stand, some have elements for both. */
function icmpTypeOf(values: Float64Array, has: Uint8Array): number {
  if (has[SLOT.icmpTypeCode] === 1) return values[SLOT.icmpTypeCode]! & 0xffff;
  if (has[SLOT.icmpType] === 1) {
    const code = has[SLOT.icmpCode] === 1 ? values[SLOT.icmpCode]! & 255 : 0;
    return ((values[SLOT.icmpType]! & 255) << 8) | code;
  }
  return has[SLOT.destinationPort] === 1 ? values[SLOT.destinationPort]! & 0xffff : -1;
}

/**
 * When the exporter's uptime was 0, so that `latest` (an uptime of 32 bits, which wraps every 49.7 days) lies near the
 * export time: by the header (NetFlow v9), by systemInitTimeMilliseconds (IPFIX), or, if neither is told, so that the
 * flow ended when it was exported.
 */
function bootTime(
  values: Float64Array,
  has: Uint8Array,
  domain: Domain,
  { protocol, exportTimeMs, sysUptime }: Message,
  latest: number,
): Milliseconds {
  if (protocol === 'netflow9') return exportTimeMs - ((sysUptime - latest) | 0) - latest;
  const told = has[SLOT.bootMs] === 1 ? values[SLOT.bootMs]! : domain.bootMs;
  if (!(told > 0)) return exportTimeMs - latest;
  return told + Math.round((exportTimeMs - told - latest) / TWO_32) * TWO_32;
}

function swapEnds(record: FlowRecord): void {
  const { sourceIPv4Address, sourceTransportPort, ingressInterface } = record;
  record.sourceIPv4Address = record.destinationIPv4Address;
  record.destinationIPv4Address = sourceIPv4Address;
  for (let word = 0; word < 4; word++) {
    const source = record.sourceIPv6Address[word]!;
    record.sourceIPv6Address[word] = record.destinationIPv6Address[word]!;
    record.destinationIPv6Address[word] = source;
  }
  record.ingressInterface = record.egressInterface;
  record.egressInterface = ingressInterface;
  record.flowDirection = FLOW_DIRECTION_UNKNOWN;
  // ICMP has its type in the destination's; the other direction's is not told.
  if (PORT_USE[record.protocolIdentifier] === ICMP_TYPE) {
    record.destinationTransportPort = -1;
    return;
  }
  record.sourceTransportPort = record.destinationTransportPort;
  record.destinationTransportPort = sourceTransportPort;
}
