/** NetFlow v1, v5 and v7: records of fixed fields (Cisco, "NetFlow Services Solutions Guide", appendix on export formats). */
import { FLOW_DIRECTION_UNKNOWN, type FlowRecord, type FlowSink } from '../flow.ts';
import { domainKey, type ExporterState } from './exporterState.ts';
import type { Malformed, Message } from './message.ts';
import { ICMP_TYPE, PORT_USE, PORTS } from './ports.ts';

interface Layout {
  readonly protocol: 'netflow1' | 'netflow5' | 'netflow7';
  readonly headerBytes: number;
  readonly recordBytes: number;
  readonly flagsAt: number;
  readonly isNumbered: boolean;
  /** v5 alone tells of its engine and its sampling. */
  readonly hasEngine: boolean;
}

const LAYOUTS: ReadonlyMap<number, Layout> = new Map([
  [1, { protocol: 'netflow1', headerBytes: 16, recordBytes: 52, flagsAt: 40, isNumbered: false, hasEngine: false }],
  [5, { protocol: 'netflow5', headerBytes: 24, recordBytes: 48, flagsAt: 37, isNumbered: true, hasEngine: true }],
  [7, { protocol: 'netflow7', headerBytes: 24, recordBytes: 52, flagsAt: 37, isNumbered: true, hasEngine: false }],
]);
/** Of the header's sampling field: two bits of the mode stand above it. */
const SAMPLING_INTERVAL = 0x3fff;

export function decodeFixed(
  message: Message,
  version: number,
  state: ExporterState,
  record: FlowRecord,
  sink: FlowSink,
): Malformed | null {
  const layout = LAYOUTS.get(version);
  if (layout === undefined) return 'versionUnknown';
  const { view, start, end } = message;
  const { headerBytes, recordBytes } = layout;
  if (start + headerBytes > end) return 'headerTruncated';
  const count = view.getUint16(start + 2);
  // Where not even that is right, nothing is: neither the records that there are, nor the sequence number.
  if (start + headerBytes + count * recordBytes > end) return 'messageTruncated';
  message.protocol = layout.protocol;
  message.sysUptime = view.getUint32(start + 4);
  message.exportTimeMs = view.getUint32(start + 8) * 1000 + view.getUint32(start + 12) / 1e6;
  message.observationDomainId = layout.hasEngine ? view.getUint16(start + 20) : 0;
  const domain = state.domain(message, domainKey(version, message.observationDomainId));
  domain.usedMs = message.receivedMs;
  if (layout.isNumbered) domain.sequence.observe(view.getUint32(start + 16), count);
  record.samplingInterval = samplingOf(message, layout);
  record.flowDirection = FLOW_DIRECTION_UNKNOWN;
  record.ipVersion = 4;
  for (let i = 0, at = start + headerBytes; i < count; i++, at += recordBytes) {
    readRecord(message, at, layout.flagsAt, record);
    sink.observeFlow(record, message);
  }
  return null;
}

/** v5: 0 says that nothing is sampled. The others do not say. */
function samplingOf({ view, start }: Message, { hasEngine }: Layout): number {
  return hasEngine ? view.getUint16(start + 22) & SAMPLING_INTERVAL || 1 : 0;
}

function readRecord({ view, exportTimeMs, sysUptime }: Message, at: number, flagsAt: number, record: FlowRecord): void {
  record.sourceIPv4Address = view.getInt32(at);
  record.destinationIPv4Address = view.getInt32(at + 4);
  record.ingressInterface = view.getUint16(at + 12);
  record.egressInterface = view.getUint16(at + 14);
  record.packetDeltaCount = view.getUint32(at + 16);
  record.octetDeltaCount = view.getUint32(at + 20);
  // sysUptime wraps after 49.7 days: a difference of 32 bits with a sign is right all the same.
  record.flowStartMilliseconds = exportTimeMs - ((sysUptime - view.getUint32(at + 24)) | 0);
  record.flowEndMilliseconds = exportTimeMs - ((sysUptime - view.getUint32(at + 28)) | 0);
  const protocol = view.getUint8(at + 38);
  const use = PORT_USE[protocol]!;
  record.protocolIdentifier = protocol;
  record.tcpControlBits = view.getUint8(at + flagsAt);
  record.sourceTransportPort = use === PORTS ? view.getUint16(at + 32) : -1;
  record.destinationTransportPort = use === PORTS || use === ICMP_TYPE ? view.getUint16(at + 34) : -1;
}
