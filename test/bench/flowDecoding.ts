/** What decoding flow records costs in one thread, without a socket: run as a program it measures one tool with one protocol. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { FlowCollector, clockToleranceMs } from '../../daemon/metering/flowCollector.ts';
import { FlowWindows, OPEN_WINDOWS } from '../../daemon/metering/flowWindows.ts';
import { Window } from '../../daemon/metering/window.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { FlowDecoder } from '../../probes/netflow/flowDecoder.ts';
import { FLOW_PROTOCOLS, flowDatagrams, type FlowProtocol, RECORDS } from './flowDatagrams.ts';
import { tenantPrefixes, TENANTS } from './workload/addresses.ts';

const EXPORTER = '192.0.2.1';
export const DATAGRAMS = 2000;
/** As the collector has it for an active timeout of 60 s. */
const WINDOW_MS = 5000;
/** Rounds over all datagrams; the slowest of the tools takes seconds for them. */
const WARM_UP_ROUNDS = 10;
const ROUNDS = 20;

export const DECODERS = ['weir, decoded and metered', 'weir, decoded', 'node-netflowv9, decoded'] as const;
export type Decoder = (typeof DECODERS)[number];

export interface FlowCost {
  readonly records: number;
  readonly cpuNs: number;
}

/** In a process of its own, so that none is slower for what was compiled for another. */
export function measureDecoder(decoder: Decoder, protocol: FlowProtocol): FlowCost {
  const cost: FlowCost = JSON.parse(
    execFileSync(process.execPath, [import.meta.filename, decoder, protocol], { encoding: 'utf8' }),
  );
  return cost;
}

/** Takes a datagram; how many records it has had so far. */
interface Running {
  take(datagram: Uint8Array): void;
  records(): number;
}

function start(decoder: Decoder, nowMs: number): Running {
  if (decoder === 'node-netflowv9, decoded') return startNodeNetflow();
  return decoder === 'weir, decoded' ? startDecoding(nowMs) : startMetering(nowMs);
}

function startMetering(nowMs: number): Running {
  const tenants = Array.from({ length: TENANTS }, (_, tenant) => ({
    id: `tenant-${tenant}`,
    addresses: tenantPrefixes(tenant),
    macs: [],
    plan: { portBps: null, guaranteed: false, threshold: null, limitBps: null },
  }));
  const shape = {
    observed: 'flows',
    tenants: TENANTS,
    targetBits: 13,
    sourceBits: 13,
    details: 256,
    pairBits: 12,
  } as const;
  const free = Array.from({ length: OPEN_WINDOWS }, () => new Window(shape));
  const windows = new FlowWindows({
    directory: new TenantDirectory(tenants),
    hashSeed: 1,
    windowMs: WINDOW_MS,
    nextWindow: () => free.pop() ?? null,
    onWindow: (window) => free.push(window),
  });
  const collector = new FlowCollector({ windows, toleranceMs: clockToleranceMs(WINDOW_MS), samplingOf: () => null });
  const decoder = new FlowDecoder(collector);
  return {
    take(datagram) {
      collector.openMessage(EXPORTER, nowMs);
      decoder.decode(EXPORTER, datagram, 0, datagram.length, nowMs);
    },
    records: () => collector.exporters.get(EXPORTER)?.records ?? 0,
  };
}

function startDecoding(nowMs: number): Running {
  let records = 0;
  const decoder = new FlowDecoder({
    observeFlow: () => void records++,
    observeSampledFrame: () => {},
    observeInterface: () => {},
  });
  return {
    take: (datagram) => void decoder.decode(EXPORTER, datagram, 0, datagram.length, nowMs),
    records: () => records,
  };
}

/** The part of it that is used; it has no types of its own. */
type NodeNetflow = new (onData: () => void) => {
  nfPktDecode(message: Uint8Array, from: { address: string; port: number; size: number }): { flows: readonly object[] };
};

/** As its socket's handler would have it decoded. */
function startNodeNetflow(): Running {
  const Collector: NodeNetflow = createRequire(import.meta.url)('node-netflowv9');
  const collector = new Collector(() => {});
  let records = 0;
  return {
    take(datagram) {
      const from = { address: EXPORTER, port: 2055, size: datagram.length };
      records += collector.nfPktDecode(datagram, from).flows.length;
    },
    records: () => records,
  };
}

function measure(decoder: Decoder, protocol: FlowProtocol): FlowCost {
  const nowMs = Date.now();
  const datagrams = flowDatagrams(protocol, DATAGRAMS, RECORDS[protocol], nowMs).map((each) => Buffer.from(each));
  const running = start(decoder, nowMs);
  const run = (rounds: number): void => {
    for (let round = 0; round < rounds; round++) for (const each of datagrams) running.take(each);
  };
  run(WARM_UP_ROUNDS);
  const before = running.records();
  const cpu = process.cpuUsage();
  run(ROUNDS);
  const { user, system } = process.cpuUsage(cpu);
  return { records: running.records() - before, cpuNs: (user + system) * 1000 };
}

if (import.meta.main) {
  const [wantedDecoder, wantedProtocol] = process.argv.slice(2);
  const decoder = DECODERS.find((each) => each === wantedDecoder);
  const protocol = FLOW_PROTOCOLS.find((each) => each === wantedProtocol);
  if (decoder === undefined || protocol === undefined) throw new RangeError(`Cannot measure ${wantedDecoder}`);
  process.stdout.write(JSON.stringify(measure(decoder, protocol)));
}
