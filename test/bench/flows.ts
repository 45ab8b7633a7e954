/** What a flow record costs, decoded and metered, in one thread and without a socket. */
import { FlowCollector, clockToleranceMs } from '../../daemon/metering/flowCollector.ts';
import { FlowWindows, OPEN_WINDOWS } from '../../daemon/metering/flowWindows.ts';
import { Window } from '../../daemon/metering/window.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { FlowDecoder } from '../../probes/netflow/flowDecoder.ts';
import { FLOW_PROTOCOLS, flowDatagrams, type FlowProtocol, RECORDS } from './flowDatagrams.ts';
import type { Cell, Section } from './report.ts';
import { tenantPrefixes, TENANTS } from './workload/addresses.ts';

const EXPORTER = '192.0.2.1';
const DATAGRAMS = 2000;
/** As the collector has it for an active timeout of 60 s. */
const WINDOW_MS = 5000;
const WARM_UP_ROUNDS = 20;
const ROUNDS = 60;
const GOALS: Readonly<Record<FlowProtocol, number>> = { netflow5: 4, netflow9: 2, ipfix: 2 };

export function measureFlows(): Section {
  return {
    title: 'Flow records, decoded and metered, in one thread: CPU ns per record',
    notes: [`${DATAGRAMS} full datagrams of ${TENANTS} tenants' flows over and over, the exporter's clock right`],
    columns: ['protocol', 'records', 'ns', 'M records/s', 'goal'],
    rows: FLOW_PROTOCOLS.map(measureProtocol),
  };
}

function measureProtocol(protocol: FlowProtocol): Cell[] {
  const nowMs = Date.now();
  const datagrams = flowDatagrams(protocol, DATAGRAMS, RECORDS[protocol], nowMs);
  const { collector, decoder } = makeCollector();
  const run = (rounds: number): void => {
    for (let round = 0; round < rounds; round++) {
      for (const bytes of datagrams) {
        collector.openMessage(EXPORTER, nowMs);
        decoder.decode(EXPORTER, bytes, 0, bytes.length, nowMs);
      }
    }
  };
  const recordsSoFar = (): number => collector.exporters.get(EXPORTER)?.records ?? 0;
  run(WARM_UP_ROUNDS);
  const before = recordsSoFar();
  const cpu = process.cpuUsage();
  run(ROUNDS);
  const { user, system } = process.cpuUsage(cpu);
  const records = recordsSoFar() - before;
  const ns = ((user + system) * 1000) / records;
  return [protocol, records, ns, 1000 / ns, GOALS[protocol]];
}

function makeCollector() {
  const tenants = Array.from({ length: TENANTS }, (_, tenant) => ({
    id: `tenant-${tenant}`,
    addresses: tenantPrefixes(tenant),
    macs: [],
    plan: { portBps: null, guaranteed: false, threshold: null, limitBps: null },
  }));
  const shape = { observed: 'flows', tenants: TENANTS, targetBits: 13, sourceBits: 13, details: 256 } as const;
  const free = Array.from({ length: OPEN_WINDOWS }, () => new Window(shape));
  const windows = new FlowWindows({
    directory: new TenantDirectory(tenants),
    hashSeed: 1,
    windowMs: WINDOW_MS,
    nextWindow: () => free.pop() ?? null,
    onWindow: (window) => free.push(window),
  });
  const collector = new FlowCollector({ windows, toleranceMs: clockToleranceMs(WINDOW_MS), samplingOf: () => null });
  return { collector, decoder: new FlowDecoder(collector) };
}
