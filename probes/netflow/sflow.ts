/**
 * sFlow version 5 (https://sflow.org/sflow_version_5.txt): samples of packets, mostly their first octets, which our own
 * header decoder reads; and of the counters of interfaces (sflowCounters.ts).
 */
import { FLOW_DIRECTION_UNKNOWN, FLOW_EGRESS, FLOW_INGRESS, type FlowRecord, type FlowSink } from '../flow.ts';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../probe.ts';
import type { ExporterState } from './exporterState.ts';
import { type Malformed, MAX_RECORDS, type Message } from './message.ts';
import { PORT_USE, PORTS } from './ports.ts';
import { isInterval } from './sampling.ts';
import { readCounterSample } from './sflowCounters.ts';
import { padded } from './xdr.ts';

const ADDRESS_IPV4 = 1;
const ADDRESS_IPV6 = 2;
/** Of the sample's and the record's type: the enterprise, 0 being sFlow.org, above 12 bits of format. */
const FLOW_SAMPLE = 1;
const COUNTER_SAMPLE = 2;
const EXPANDED_FLOW_SAMPLE = 3;
const EXPANDED_COUNTER_SAMPLE = 4;
const RAW_HEADER = 1;
const SAMPLED_IPV4 = 3;
const SAMPLED_IPV6 = 4;
/** Octets before a sample's records, and of the fixed part of a raw header. */
const FLOW_SAMPLE_OCTETS = 32;
const EXPANDED_OCTETS = 44;
const RAW_OCTETS = 16;
const SAMPLED_IPV4_OCTETS = 32;
const SAMPLED_IPV6_OCTETS = 56;
/** Interfaces: two bits of format above the index; 0: one interface. */
const INTERFACE_FORMAT_SHIFT = 30;
const SOURCE_CLASS_SHIFT = 24;
/** Of no link: our decoder counts the frame as one that it does not know. */
const LINKTYPE_UNKNOWN = 0xffff;

/** By header_protocol. */
const LINK_TYPES: ReadonlyMap<number, number> = new Map([
  [1, LINKTYPE_ETHERNET],
  [11, LINKTYPE_RAW],
  [12, LINKTYPE_RAW],
]);

export function decodeSflow(
  message: Message,
  state: ExporterState,
  record: FlowRecord,
  sink: FlowSink,
): Malformed | null {
  const { view, start, end } = message;
  if (start + 8 > end) return 'headerTruncated';
  const addressType = view.getUint32(start + 4);
  if (addressType !== ADDRESS_IPV4 && addressType !== ADDRESS_IPV6) return 'addressType';
  const at = start + 8 + (addressType === ADDRESS_IPV4 ? 4 : 16);
  if (at + 16 > end) return 'headerTruncated';
  message.protocol = 'sflow5';
  // It has no wall clock: what it samples it sends within a second.
  message.exportTimeMs = message.receivedMs;
  message.observationDomainId = view.getUint32(at);
  const domain = state.domain(message, keyOf(view, at));
  domain.usedMs = message.receivedMs;
  domain.sequence.observe(view.getUint32(at + 4), 1);
  return readSamples(message, at + 16, view.getUint32(at + 12), record, sink);
}

/** Of the agent's last 32 bits of address and the sub-agent's lowest 20: one address may relay many agents. */
const keyOf = (view: DataView, at: number): number =>
  SFLOW_KEY + view.getUint32(at - 4) * 2 ** 20 + (view.getUint32(at) & 0xfffff);
/** Beyond all keys of NetFlow. */
const SFLOW_KEY = 2 ** 40;

function readSamples(
  message: Message,
  from: number,
  count: number,
  record: FlowRecord,
  sink: FlowSink,
): Malformed | null {
  const { view, end } = message;
  let at = from;
  for (let i = 0; i < count; i++) {
    if (i === MAX_RECORDS) return 'tooManySamples';
    if (at + 8 > end) return 'messageTruncated';
    const type = view.getUint32(at);
    const next = at + 8 + padded(view.getUint32(at + 4));
    if (next > end) return 'sampleTruncated';
    if (!readSample(message, type, at + 8, next, record, sink)) return 'sampleLength';
    at = next;
  }
  return null;
}

/** Whether all its records lie within it; of another type, there is nothing to read. */
function readSample(
  message: Message,
  type: number,
  from: number,
  end: number,
  record: FlowRecord,
  sink: FlowSink,
): boolean {
  switch (type) {
    case FLOW_SAMPLE:
    case EXPANDED_FLOW_SAMPLE:
      return readFlowSample(message, from, end, type === EXPANDED_FLOW_SAMPLE, record, sink);
    case COUNTER_SAMPLE:
    case EXPANDED_COUNTER_SAMPLE:
      return readCounterSample(message, from, end, type === EXPANDED_COUNTER_SAMPLE, sink);
    default:
      return true;
  }
}

/** Whether all its records lie within it; if not, nothing of it is handed over. */
function readFlowSample(
  message: Message,
  from: number,
  end: number,
  isExpanded: boolean,
  record: FlowRecord,
  sink: FlowSink,
): boolean {
  const { view } = message;
  const records = from + (isExpanded ? EXPANDED_OCTETS : FLOW_SAMPLE_OCTETS);
  if (records > end) return false;
  const count = view.getUint32(records - 4);
  let raw = 0;
  let sampledIp = 0;
  let at = records;
  for (let i = 0; i < count; i++) {
    if (at + 8 > end) return false;
    const type = view.getUint32(at);
    const next = at + 8 + padded(view.getUint32(at + 4));
    if (next > end || !isLongEnough(view, type, at)) return false;
    if (type === RAW_HEADER && raw === 0) raw = at;
    if ((type === SAMPLED_IPV4 || type === SAMPLED_IPV6) && sampledIp === 0) sampledIp = at;
    at = next;
  }
  // Both are of one packet, of which the header tells more.
  if (raw !== 0) handOverHeader(message, raw + 8, samplingRate(view, from, isExpanded), sink);
  else if (sampledIp !== 0) {
    setInterfaces(view, from, isExpanded, record);
    record.samplingInterval = samplingRate(view, from, isExpanded);
    setPacket(message, sampledIp + 8, view.getUint32(sampledIp) === SAMPLED_IPV4, record);
    sink.observeFlow(record, message);
  }
  return true;
}

function isLongEnough(view: DataView, type: number, at: number): boolean {
  const octets = view.getUint32(at + 4);
  switch (type) {
    case RAW_HEADER:
      return octets >= RAW_OCTETS && view.getUint32(at + 8 + 12) <= octets - RAW_OCTETS;
    case SAMPLED_IPV4:
      return octets >= SAMPLED_IPV4_OCTETS;
    case SAMPLED_IPV6:
      return octets >= SAMPLED_IPV6_OCTETS;
    default:
      return true;
  }
}

/** 0: not known. */
function samplingRate(view: DataView, from: number, isExpanded: boolean): number {
  const rate = view.getUint32(from + (isExpanded ? 12 : 8));
  return isInterval(rate) ? rate : 0;
}

/**
 * frame_length counts the octets on the network, the FCS with them; `stripped` ones, the FCS among them, are in front of
 * the header or behind the packet, and no part of what the header shows.
 */
function handOverHeader(message: Message, at: number, samplingInterval: number, sink: FlowSink): void {
  const { view, bytes } = message;
  const captured = view.getUint32(at + 12);
  const wireLength = Math.max(captured, view.getUint32(at + 4) - view.getUint32(at + 8));
  const linkType = LINK_TYPES.get(view.getUint32(at)) ?? LINKTYPE_UNKNOWN;
  sink.observeSampledFrame(bytes, at + RAW_OCTETS, captured, wireLength, linkType, samplingInterval, message);
}

/** The interface that samples is the one where the packet came in, or the one where it went out. */
function setInterfaces(view: DataView, from: number, isExpanded: boolean, record: FlowRecord): void {
  const source = samplingInterface(view, from, isExpanded);
  const input = isExpanded ? expandedInterface(view, from + 24) : plainInterface(view, from + 20);
  const output = isExpanded ? expandedInterface(view, from + 32) : plainInterface(view, from + 24);
  record.ingressInterface = input;
  record.egressInterface = output;
  record.flowDirection = FLOW_DIRECTION_UNKNOWN;
  if (source === 0 || input === output) return;
  if (source === input) record.flowDirection = FLOW_INGRESS;
  if (source === output) record.flowDirection = FLOW_EGRESS;
}

/** A source's class stands above its number: 0 is an interface; VLANs and physical entities have numbers of their own. */
function samplingInterface(view: DataView, from: number, isExpanded: boolean): number {
  const first = view.getUint32(from + 4);
  if (isExpanded) return first === 0 ? view.getUint32(from + 8) : 0;
  return first >>> SOURCE_CLASS_SHIFT === 0 ? first : 0;
}

function plainInterface(view: DataView, at: number): number {
  const value = view.getUint32(at);
  return value >>> INTERFACE_FORMAT_SHIFT === 0 ? value : 0;
}

const expandedInterface = (view: DataView, at: number): number =>
  view.getUint32(at) === 0 ? view.getUint32(at + 4) : 0;

/** struct sampled_ipv4 and sampled_ipv6: length, protocol, both addresses, ports, TCP flags. */
function setPacket({ view, exportTimeMs }: Message, at: number, isIPv4: boolean, record: FlowRecord): void {
  const octets = isIPv4 ? 4 : 16;
  record.ipVersion = isIPv4 ? 4 : 6;
  if (isIPv4) {
    record.sourceIPv4Address = view.getInt32(at + 8);
    record.destinationIPv4Address = view.getInt32(at + 12);
  } else {
    for (let word = 0; word < 4; word++) {
      record.sourceIPv6Address[word] = view.getInt32(at + 8 + word * 4);
      record.destinationIPv6Address[word] = view.getInt32(at + 24 + word * 4);
    }
  }
  const ports = at + 8 + 2 * octets;
  record.protocolIdentifier = view.getUint32(at + 4) & 255;
  const hasPorts = PORT_USE[record.protocolIdentifier] === PORTS;
  record.sourceTransportPort = hasPorts ? view.getUint32(ports) & 0xffff : -1;
  record.destinationTransportPort = hasPorts ? view.getUint32(ports + 4) & 0xffff : -1;
  record.tcpControlBits = view.getUint32(ports + 8) & 255;
  record.packetDeltaCount = 1;
  record.octetDeltaCount = view.getUint32(at);
  record.flowStartMilliseconds = exportTimeMs;
  record.flowEndMilliseconds = exportTimeMs;
}
