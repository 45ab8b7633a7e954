/** Flows, templates for them and the records of both, as a property test draws them (fast-check): what is encoded is known. */
import * as fc from 'fast-check';
import { FLOW_DIRECTION_UNKNOWN, FlowRecord } from '../../probes/flow.ts';
import { type FieldSpec, type TemplatedProtocol, uint, VARIABLE, variable } from './flowMessages.ts';

/** Of the message that the records are in. */
export interface MessageTime {
  /** Whole seconds. */
  readonly exportTimeMs: number;
  readonly uptimeMs: number;
}

/** What is true of a flow; a template tells some of it. */
export interface Flow {
  readonly source: bigint;
  readonly destination: bigint;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly flags: number;
  readonly octets: number;
  readonly packets: number;
  /** Before the export. */
  readonly endAgoMs: number;
  readonly durationMs: number;
  readonly ingress: number;
  readonly egress: number;
  readonly direction: number;
  readonly interval: number;
  /** For fields that say nothing to us. */
  readonly noise: Uint8Array;
}

/** A field, or some that belong together: how it is written, and what the decoder is to make of it. */
interface Part {
  readonly fields: readonly FieldSpec[];
  write(flow: Flow, time: MessageTime): Buffer;
  expect(record: FlowRecord, flow: Flow, time: MessageTime): void;
}

/** A template: its parts in their order. */
export interface FlowTemplate {
  readonly protocol: TemplatedProtocol;
  readonly parts: readonly Part[];
}

const PORTS = new Set([6, 17, 33, 132, 136]);
const ICMP = new Set([1, 58]);
const REVERSE = 29_305;

export const flows: fc.Arbitrary<Flow> = fc.record({
  source: fc.bigInt(1n, 2n ** 128n - 1n),
  destination: fc.bigInt(1n, 2n ** 128n - 1n),
  protocol: fc.oneof(fc.constantFrom(1, 6, 17, 58, 132), fc.nat(255)),
  sourcePort: fc.nat(0xffff),
  destinationPort: fc.nat(0xffff),
  flags: fc.nat(255),
  octets: fc.nat(2 ** 31 - 1),
  packets: fc.integer({ min: 1, max: 0xffff }),
  endAgoMs: fc.nat(1_000_000),
  durationMs: fc.nat(2_000_000),
  ingress: fc.nat(0xffff),
  egress: fc.nat(0xffff),
  direction: fc.nat(1),
  interval: fc.integer({ min: 1, max: 100_000 }),
  noise: fc.uint8Array({ maxLength: 300 }),
});

export const messageTimes: fc.Arbitrary<MessageTime> = fc.record({
  exportTimeMs: fc.integer({ min: 1_000_000, max: 4_000_000 }).map((seconds) => seconds * 1000),
  uptimeMs: fc.nat(2 ** 32 - 1),
});

const counter = (
  elements: readonly number[],
  octets: readonly number[],
  value: (flow: Flow) => number,
  expect: Part['expect'],
): fc.Arbitrary<Part> =>
  fc.tuple(fc.constantFrom(...elements), fc.constantFrom(...octets)).map(([element, size]) => ({
    fields: [{ element, octets: size }],
    write: (flow) => uint(value(flow), size),
    expect,
  }));

/** Of nothing: the template does not tell it. */
const untold = (expect: Part['expect']): fc.Arbitrary<Part> =>
  fc.constant({ fields: [], write: () => Buffer.alloc(0), expect });
const SIZES = [4, 5, 6, 7, 8];

const addresses: fc.Arbitrary<Part> = fc.constantFrom(4, 6).map((family) => {
  const [elements, size] = family === 4 ? [[8, 12], 4] : [[27, 28], 16];
  return {
    fields: elements.map((element) => ({ element, octets: size })),
    write: ({ source, destination }) => Buffer.concat([uint(source, size), uint(destination, size)]),
    expect(record, { source, destination }) {
      record.ipVersion = family;
      if (family === 4) {
        record.sourceIPv4Address = Number(BigInt.asIntN(32, source));
        record.destinationIPv4Address = Number(BigInt.asIntN(32, destination));
      } else
        for (let word = 0; word < 4; word++) {
          const shift = BigInt(96 - word * 32);
          record.sourceIPv6Address[word] = Number(BigInt.asIntN(32, source >> shift));
          record.destinationIPv6Address[word] = Number(BigInt.asIntN(32, destination >> shift));
        }
    },
  };
});

/** Both, so that neither is estimated; OUT_BYTES and OUT_PKTS only together. */
const counts: fc.Arbitrary<readonly Part[]> = fc
  .constantFrom(
    [
      [1, 85, 231, 352],
      [2, 86, 298],
    ] as const,
    [[23], [24]] as const,
  )
  .chain(([octets, packets]) =>
    fc.tuple(
      counter(
        octets,
        SIZES,
        (flow) => flow.octets,
        (record, flow) => (record.octetDeltaCount = flow.octets),
      ),
      counter(
        packets,
        [2, ...SIZES],
        (flow) => flow.packets,
        (record, flow) => (record.packetDeltaCount = flow.packets),
      ),
    ),
  );

/** Protocol, ports and flags go together: without a protocol no port is one. */
const transport: fc.Arbitrary<readonly Part[]> = fc.boolean().chain((isTold) =>
  isTold
    ? fc.tuple(
        counter(
          [4],
          [1],
          (flow) => flow.protocol,
          (record, flow) => (record.protocolIdentifier = flow.protocol),
        ),
        counter(
          [7],
          [2],
          (flow) => flow.sourcePort,
          (record, flow) => {
            record.sourceTransportPort = PORTS.has(flow.protocol) ? flow.sourcePort : -1;
          },
        ),
        counter(
          [11],
          [2],
          (flow) => flow.destinationPort,
          (record, flow) => {
            const isRead = PORTS.has(flow.protocol) || ICMP.has(flow.protocol);
            record.destinationTransportPort = isRead ? flow.destinationPort : -1;
          },
        ),
        // In 16 bits the upper ones are the header's length (RFC 7125).
        counter(
          [6],
          [1, 2],
          (flow) => flow.flags | 0x5000,
          (record, flow) => (record.tcpControlBits = flow.flags),
        ),
      )
    : fc.constant<readonly Part[]>([]),
);

const optionals: readonly fc.Arbitrary<Part>[] = [
  counter(
    [10],
    [2, 4],
    (flow) => flow.ingress,
    (record, flow) => (record.ingressInterface = flow.ingress),
  ),
  counter(
    [14],
    [2, 3, 4],
    (flow) => flow.egress,
    (record, flow) => (record.egressInterface = flow.egress),
  ),
  counter(
    [61],
    [1],
    (flow) => flow.direction,
    (record, flow) => (record.flowDirection = flow.direction),
  ),
  counter(
    [34, 50],
    [3, 4, 8],
    (flow) => flow.interval,
    (record, flow) => (record.samplingInterval = flow.interval),
  ),
];

type Moments = readonly [start: number, end: number];
const momentsOf = ({ endAgoMs, durationMs }: Flow, { exportTimeMs }: MessageTime): Moments => {
  const endMs = exportTimeMs - endAgoMs;
  return [endMs - durationMs, endMs];
};

/** Start and end, each in so many octets, told as `write` has them and known to `gridMs`. */
function times(
  elements: readonly [number, number],
  octets: number,
  write: (momentMs: number, time: MessageTime) => number | bigint,
  gridMs = 1,
): fc.Arbitrary<Part> {
  const onGrid = (flow: Flow, time: MessageTime): Moments => {
    const [start, end] = momentsOf(flow, time);
    return [Math.floor(start / gridMs) * gridMs, Math.floor(end / gridMs) * gridMs];
  };
  return fc.constant({
    fields: elements.map((element) => ({ element, octets })),
    write: (flow, time) => Buffer.concat(onGrid(flow, time).map((momentMs) => uint(write(momentMs, time), octets))),
    expect(record, flow, time) {
      [record.flowStartMilliseconds, record.flowEndMilliseconds] = onGrid(flow, time);
    },
  });
}

const NTP_EPOCH_S = 2_208_988_800n;
/** Quarters of a second have an exact fraction of 32 bits. */
const ntp = (momentMs: number): bigint => (BigInt(momentMs) << 32n) / 1000n + (NTP_EPOCH_S << 32n);
const uptimeOf = (momentMs: number, { exportTimeMs, uptimeMs }: MessageTime): number =>
  (uptimeMs - (exportTimeMs - momentMs)) >>> 0;
const atExport: Part['expect'] = (record, _, { exportTimeMs }) => {
  record.flowStartMilliseconds = exportTimeMs;
  record.flowEndMilliseconds = exportTimeMs;
};

const TIMES: Readonly<Record<TemplatedProtocol, fc.Arbitrary<Part>>> = {
  netflow9: fc.oneof(times([22, 21], 4, uptimeOf), untold(atExport)),
  ipfix: fc.oneof(
    times([152, 153], 8, (momentMs) => momentMs),
    times([150, 151], 4, (momentMs) => momentMs / 1000, 1000),
    times([154, 155], 8, ntp, 250),
    times([156, 157], 8, ntp, 250),
    times([158, 159], 4, (momentMs, { exportTimeMs }) => (exportTimeMs - momentMs) * 1000),
    untold(atExport),
  ),
};

const expect = (): void => undefined;

/** Elements that are none of ours: IANA's, an enterprise's (whatever its number), and of variable length. */
const noise = (protocol: TemplatedProtocol): fc.Arbitrary<Part> => {
  const fixed = fc
    .tuple(
      fc.constantFrom(5, 9, 13, 15, 18, 31, 58, 89, 136, 195, 210, 234),
      fc.integer({ min: protocol === 'ipfix' ? 1 : 0, max: 20 }),
    )
    .map(([element, octets]): Part => ({
      fields: [{ element, octets }],
      write: ({ noise: bytes }) => padded(bytes, octets),
      expect,
    }));
  if (protocol === 'netflow9') return fixed;
  const foreign = fc
    .tuple(
      fc.constantFrom(1, 2, 8, 12, 34, 152, 500),
      fc.constantFrom(1, 9, 2636, 6871, REVERSE + 1),
      fc.integer({ min: 1, max: 16 }),
    )
    .map(([element, enterprise, octets]): Part => ({
      fields: [{ element, enterprise, octets }],
      write: ({ noise: bytes }) => padded(bytes, octets),
      expect,
    }));
  const long = fc.tuple(fc.constantFrom(82, 83, 96, 371), fc.boolean()).map(([element, isLong]): Part => ({
    fields: [{ element, octets: VARIABLE }],
    write: ({ noise: bytes }) => variable(bytes, isLong || bytes.length >= 255),
    expect,
  }));
  return fc.oneof(fixed, foreign, long);
};

const padded = (bytes: Uint8Array, octets: number): Buffer =>
  Buffer.concat([bytes.subarray(0, octets), Buffer.alloc(Math.max(0, octets - bytes.length))]);

export const flowTemplates: fc.Arbitrary<FlowTemplate> = fc
  .constantFrom<TemplatedProtocol>('netflow9', 'ipfix')
  .chain((protocol) =>
    fc
      .tuple(
        addresses,
        counts,
        transport,
        TIMES[protocol],
        fc.tuple(...optionals.map((each) => fc.option(each))),
        fc.array(noise(protocol), { maxLength: 6 }),
      )
      .map(([ends, numbers, ports, moments, others, noises]) => [
        ends,
        ...numbers,
        ...ports,
        moments,
        ...others.filter((each) => each !== null),
        ...noises,
      ])
      .chain((parts) => fc.shuffledSubarray(parts, { minLength: parts.length }))
      .map((parts) => ({ protocol, parts })),
  );

export const fieldsOf = ({ parts }: FlowTemplate): FieldSpec[] => parts.flatMap(({ fields }) => fields);

export const encode = ({ parts }: FlowTemplate, flow: Flow, time: MessageTime): Buffer =>
  Buffer.concat(parts.map((part) => part.write(flow, time)));

/** What the decoder is to make of it. */
export function expected({ parts }: FlowTemplate, flow: Flow, time: MessageTime): FlowRecord {
  const record = new FlowRecord();
  record.flowDirection = FLOW_DIRECTION_UNKNOWN;
  for (const part of parts) part.expect(record, flow, time);
  return record;
}
