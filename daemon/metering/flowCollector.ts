/**
 * What exporters' records come to: their clocks put right, their samples scaled up, what cannot be true refused, the rest
 * metered. Pure: times are arguments.
 */
import type { FlowOrigin, FlowRecord, FlowSink, InterfaceCounters } from '../../probes/flow.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import { decodeFrame } from './decode.ts';
import { ExporterClock } from './exporterClock.ts';
import { ExporterInterfaces } from './exporterInterfaces.ts';
import { kindOfFlow } from './flowKind.ts';
import { Flow, type FlowWindows, UnmeteredFlows } from './flowWindows.ts';
import { FRAME_IP, type Header } from './header.ts';
import { MAX_WIRE_LENGTH } from './meter.ts';

/** The table of who sends (probes/netflow) has as many. */
const MAX_EXPORTERS = 256;
/** 18 Tbit/s for a minute, and as many small packets as that: no router has it, and the totals count on it. */
const MAX_OCTETS = 2 ** 47;
const MAX_PACKETS = 2 ** 41;

/** What an exporter's records came to, since it was first heard. */
export class ExporterFlows extends UnmeteredFlows {
  /** Records and sampled frames, metered or not; their packets and octets scaled up. */
  records = 0;
  packets = 0;
  octets = 0;
  /** Of no packet and no octet: events, such as a flow's beginning. */
  emptyRecords = 0;
  /** Ended after they were received, by more than clocks differ. */
  futureRecords = 0;
  /** Numbers that no network has, or addresses that stand for others. */
  implausibleRecords = 0;
  /** Counted as if every packet had been looked at. */
  unknownSamplingRecords = 0;
  /** Sampled frames (sFlow) that are no IP. */
  otherFrames = 0;
  /** Of the last record; null: not known. */
  samplingInterval: number | null = null;
  lastMs: Milliseconds = 0;
  readonly clock: ExporterClock;
  /** As configured; null: what the exporter says counts. */
  readonly sampling: number | null;

  constructor(toleranceMs: Milliseconds, sampling: number | null) {
    super();
    this.clock = new ExporterClock(toleranceMs);
    this.sampling = sampling;
  }
}

/** What a clock may be off unnoticed: less matters with short windows, but v9 and IPFIX tell whole seconds. */
export const clockToleranceMs = (windowMs: Milliseconds): Milliseconds => Math.min(Math.max(windowMs, 1500), 5000);

export interface FlowCollectorOptions {
  readonly windows: FlowWindows;
  /** What a clock may be off without being put right. */
  readonly toleranceMs: Milliseconds;
  /** The sampling interval that is configured for an exporter; null: none. */
  samplingOf(exporter: string): number | null;
}

export class FlowCollector implements FlowSink {
  /** By address. */
  readonly exporters = new Map<string, ExporterFlows>();
  readonly interfaces = new ExporterInterfaces();
  readonly #options: FlowCollectorOptions;
  readonly #flow = new Flow();
  #address = '';
  #exporter: ExporterFlows;
  #receivedMs: Milliseconds = 0;
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(options: FlowCollectorOptions) {
    this.#options = options;
    this.#exporter = new ExporterFlows(options.toleranceMs, null);
  }

  /** What follows is out of a message of this exporter, received then. */
  openMessage(exporter: string, receivedMs: Milliseconds): void {
    this.#receivedMs = receivedMs;
    this.#options.windows.advance(receivedMs);
    if (exporter !== this.#address) this.#turnTo(exporter);
    this.#exporter.lastMs = receivedMs;
  }

  observeFlow(record: FlowRecord, { exportTimeMs }: FlowOrigin): void {
    const exporter = this.#exporter;
    const flow = this.#flow;
    exporter.clock.observe(exportTimeMs, this.#receivedMs);
    setHeader(flow.header, record);
    this.#scale(record.packetDeltaCount, record.octetDeltaCount, record.samplingInterval);
    const { shiftMs } = exporter.clock;
    flow.endMs = record.flowEndMilliseconds + shiftMs;
    flow.startMs = Math.min(record.flowStartMilliseconds + shiftMs, flow.endMs);
    if (flow.packets === 0 && flow.octets === 0) exporter.emptyRecords += 1;
    else if (!isPlausible(flow, record)) exporter.implausibleRecords += 1;
    else if (flow.endMs > this.#receivedMs + this.#options.toleranceMs) exporter.futureRecords += 1;
    else this.#meter();
  }

  observeSampledFrame(
    bytes: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    linkType: number,
    samplingInterval: number,
  ): void {
    const flow = this.#flow;
    const view = this.#viewOf(bytes);
    if (decodeFrame(view, offset, capturedLength, wireLength, linkType, flow.header) !== FRAME_IP) {
      this.#exporter.otherFrames += 1;
      return;
    }
    this.#scale(1, wireLength, samplingInterval);
    if (wireLength > MAX_WIRE_LENGTH) {
      this.#exporter.implausibleRecords += 1;
      return;
    }
    flow.startMs = this.#receivedMs;
    flow.endMs = this.#receivedMs;
    this.#meter();
  }

  observeInterface(counters: InterfaceCounters): void {
    this.interfaces.observe(this.#address, counters, this.#receivedMs);
  }

  /** One packet in `interval` was looked at; 0: not known. What is configured counts more than what the exporter says. */
  #scale(packets: number, octets: number, interval: number): void {
    const exporter = this.#exporter;
    const flow = this.#flow;
    const known = exporter.sampling ?? interval;
    const factor = known > 0 ? known : 1;
    flow.packetsSeen = packets;
    flow.packets = packets * factor;
    flow.octets = octets * factor;
    flow.samplingInterval = known > 0 ? known : null;
    exporter.records += 1;
    exporter.samplingInterval = flow.samplingInterval;
    if (known <= 0) exporter.unknownSamplingRecords += 1;
  }

  #meter(): void {
    const exporter = this.#exporter;
    const flow = this.#flow;
    exporter.packets += flow.packets;
    exporter.octets += flow.octets;
    // A clock that is a little fast: the flow keeps its length, and ends now.
    const aheadMs = flow.endMs - this.#receivedMs;
    if (aheadMs > 0) {
      flow.startMs -= aheadMs;
      flow.endMs -= aheadMs;
    }
    this.#options.windows.observe(flow, exporter);
  }

  #turnTo(address: string): void {
    this.#address = address;
    const known = this.exporters.get(address);
    this.#exporter = known ?? new ExporterFlows(this.#options.toleranceMs, this.#options.samplingOf(address));
    if (known !== undefined) return;
    if (this.exporters.size >= MAX_EXPORTERS) this.#forgetIdlest();
    this.exporters.set(address, this.#exporter);
  }

  #forgetIdlest(): void {
    const [idlest] = [...this.exporters].toSorted(([, a], [, b]) => a.lastMs - b.lastMs);
    if (idlest === undefined) return;
    this.exporters.delete(idlest[0]);
    this.interfaces.forget(idlest[0]);
  }

  #viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
    const view = this.#view;
    if (view.buffer !== buffer || view.byteOffset !== byteOffset || view.byteLength !== byteLength)
      this.#view = new DataView(buffer, byteOffset, byteLength);
    return this.#view;
  }
}

function setHeader(header: Header, record: FlowRecord): void {
  const { protocolIdentifier, tcpControlBits, destinationTransportPort } = record;
  if (record.ipVersion === 4) {
    header.source0 = 0;
    header.source1 = 0;
    header.source2 = 0xffff;
    header.source3 = record.sourceIPv4Address | 0;
    header.destination0 = 0;
    header.destination1 = 0;
    header.destination2 = 0xffff;
    header.destination3 = record.destinationIPv4Address | 0;
  } else {
    const { sourceIPv6Address: source, destinationIPv6Address: destination } = record;
    header.source0 = source[0]!;
    header.source1 = source[1]!;
    header.source2 = source[2]!;
    header.source3 = source[3]!;
    header.destination0 = destination[0]!;
    header.destination1 = destination[1]!;
    header.destination2 = destination[2]!;
    header.destination3 = destination[3]!;
  }
  header.protocol = protocolIdentifier;
  header.kind = kindOfFlow(protocolIdentifier, tcpControlBits, record.packetDeltaCount);
  header.sourcePort = record.sourceTransportPort;
  header.destinationPort = destinationTransportPort;
  // As decoding a frame has it: TCP flags, or ICMP type << 8 | code.
  header.flags = protocolIdentifier === 6 ? Math.max(tcpControlBits, 0) : Math.max(destinationTransportPort, 0);
}

function isPlausible({ packets, octets, startMs, endMs, header }: Flow, { ipVersion }: FlowRecord): boolean {
  const counts = packets >= 0 && packets <= MAX_PACKETS && octets >= 0 && octets <= MAX_OCTETS;
  // ::ffff:0:0/96 never stands on a wire (RFC 4942 section 2.2); here it would pass for an IPv4 address.
  const poses =
    ipVersion === 6 &&
    (isMapped(header.source0, header.source1, header.source2) ||
      isMapped(header.destination0, header.destination1, header.destination2));
  return counts && startMs <= endMs && !poses;
}

const isMapped = (w0: number, w1: number, w2: number): boolean => w2 === 0xffff && w1 === 0 && w0 === 0;
