/** What any reader makes of a flow record, in a form of its own, so that one reader can be held against another. */
import { formatAddress } from '../../daemon/metering/address.ts';
import type { FlowRecord } from '../../probes/flow.ts';
import type { FlowCapture } from './flowCaptures.ts';
import { DecoderBed } from './flowRecords.ts';

/** Numbers that are not told are 0. */
export interface FlowReading {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort: number;
  /** ICMP: type << 8 | code. */
  readonly destinationPort: number;
  readonly flags: number;
  readonly packets: number;
  readonly octets: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly ingress: number;
  readonly egress: number;
}

/** What a peer makes of it; what it does not tell at all is not there. */
export type PeerReading = Partial<FlowReading>;

export interface OwnReading extends FlowReading {
  readonly exportTimeMs: number;
}

/** In the order in which they come. */
export function readByWeir({ datagrams }: FlowCapture): OwnReading[] {
  const bed = new DecoderBed();
  for (const { exporter, bytes } of datagrams) bed.feedFrom(exporter, 0, bytes);
  return bed.records.map((record, i) => ({
    ...readingOf(record),
    exportTimeMs: bed.kept.origins[i]?.exportTimeMs ?? Number.NaN,
  }));
}

function readingOf(record: FlowRecord): FlowReading {
  return {
    ...addressesOf(record),
    protocol: record.protocolIdentifier,
    sourcePort: Math.max(record.sourceTransportPort, 0),
    destinationPort: Math.max(record.destinationTransportPort, 0),
    flags: Math.max(record.tcpControlBits, 0),
    packets: record.packetDeltaCount,
    octets: record.octetDeltaCount,
    startMs: record.flowStartMilliseconds,
    endMs: record.flowEndMilliseconds,
    ingress: record.ingressInterface,
    egress: record.egressInterface,
  };
}

export function addressesOf(record: FlowRecord): Pick<FlowReading, 'source' | 'destination'> {
  if (record.ipVersion === 4)
    return { source: ipv4(record.sourceIPv4Address), destination: ipv4(record.destinationIPv4Address) };
  return { source: ipv6(record.sourceIPv6Address), destination: ipv6(record.destinationIPv6Address) };
}

const ipv4 = (word: number): string => formatAddress(0, 0, 0xffff, word);
const ipv6 = ([w0 = 0, w1 = 0, w2 = 0, w3 = 0]: Int32Array): string => formatAddress(w0, w1, w2, w3);

/** Where a peer has read otherwise, as `record field: ours, theirs`; times within `toleranceMs`, for not all have fractions. */
export interface Difference {
  readonly record: number;
  readonly field: keyof FlowReading | 'count';
  readonly ours: string | number;
  readonly theirs: string | number;
}

/** Record by record, in the order in which they come. */
export function differences(
  ours: readonly PeerReading[],
  theirs: readonly PeerReading[],
  toleranceMs = 1,
): Difference[] {
  const count: Difference[] =
    ours.length === theirs.length ? [] : [{ record: -1, field: 'count', ours: ours.length, theirs: theirs.length }];
  return count.concat(
    theirs.flatMap((their, record) => {
      const our = ours[record];
      return our === undefined ? [] : differencesOf(our, their, record, toleranceMs);
    }),
  );
}

function differencesOf(our: PeerReading, their: PeerReading, record: number, toleranceMs: number): Difference[] {
  return FIELDS.flatMap((field) => {
    const [ours, theirs] = [our[field], their[field]];
    if (theirs === undefined || ours === undefined || ours === theirs) return [];
    const isTime = field === 'startMs' || field === 'endMs';
    const isNear = isTime && Math.abs(Number(ours) - Number(theirs)) < toleranceMs;
    return isNear ? [] : [{ record, field, ours, theirs }];
  });
}

const FIELDS = [
  'source',
  'destination',
  'protocol',
  'sourcePort',
  'destinationPort',
  'flags',
  'packets',
  'octets',
  'startMs',
  'endMs',
  'ingress',
  'egress',
] as const;
