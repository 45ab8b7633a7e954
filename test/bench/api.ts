/** How long an answer of the API and a page take at 1,000 tenants and 10,000 incidents, quiet and under a flood. */
import { stringify, parse } from 'yaml';
import { fillPast, pastId, pastIncident } from '../support/pastStore.ts';
import { benchConfiguration } from './configuration.ts';
import { DaemonProcess, STATUS_URL } from './daemonProcess.ts';
import { inTurn } from './inTurn.ts';
import { type Cell, percentile, type Section } from './report.ts';
import { Sender } from './sender.ts';
import { NEAR_INTERFACE } from './stage.ts';

const TENANTS = 1000;
const INCIDENTS = 10_000;
const ASKED = 100;
const FLOOD_PACKETS_PER_SECOND = 300_000;
/** Longer than everything is asked for. */
const FLOOD_SECONDS = 120;

const TARGETS = [
  '/healthz',
  '/api/status',
  '/api/tenants?sort=rate&limit=50',
  '/api/tenants?limit=1000',
  '/api/tenants/tenant-0',
  '/api/incidents',
  '/api/incidents?limit=200',
  `/api/incidents/${pastId(5)}`,
  '/api/limits',
  '/api/usage/tenant-0',
  '/api/usage/tenant-0?from=30d',
  '/',
  '/tenants/tenant-0',
  `/incidents/${pastId(5)}`,
];

export async function measureApi(): Promise<Section> {
  const daemon = await DaemonProcess.start(configuration());
  const { store, tenants } = await daemon.status();
  const incidents = Array.from({ length: INCIDENTS }, (_, i) => pastIncident(i, { tenant: 'tenant-0' }));
  const ids = tenants.map(({ id }) => id);
  fillPast(store?.path ?? '', incidents, ids);
  const quiet = await inTurn(TARGETS, (target) => measure(target, daemon));
  const sender = new Sender();
  const plan = { packetsPerSecond: FLOOD_PACKETS_PER_SECOND, seconds: FLOOD_SECONDS };
  // It is stopped before it is done.
  void sender.send({ workload: 'flood', frames: 100_000, plan }).catch(() => undefined);
  const flooded = await inTurn(TARGETS, (target) => measure(target, daemon));
  const { lossRatio } = (await daemon.status()).interfaces[0] ?? {};
  sender.stop();
  await daemon.stop();
  return {
    title: `Answers at ${TENANTS} tenants and ${INCIDENTS} incidents, in ms`,
    notes: [
      `${ASKED} of each, one after the other, quiet and under a flood of ${FLOOD_PACKETS_PER_SECOND} packets/s (lost: ${lossRatio ?? 'not known'})`,
      'CPU is of all threads of the daemon, with what it does beside',
      'goal: p99 below 50',
    ],
    columns: ['asked for', 'quiet median', 'p99', 'CPU', 'flood median', 'p99'],
    rows: TARGETS.map((target, i) => [target, ...(quiet[i] ?? []), ...(flooded[i] ?? []).slice(0, 2)]),
  };
}

/** Its tenants, and as many silent ones as there are missing. */
function configuration(): string {
  const config: { tenants: object[] } = parse(benchConfiguration(NEAR_INTERFACE));
  for (let i = config.tenants.length; i < TENANTS; i++)
    config.tenants.push({ id: `silent-${i}`, addresses: [`198.18.${i >> 8}.${i & 255}`] });
  return stringify(config);
}

/** Median, 99th percentile and CPU. */
async function measure(target: string, daemon: DaemonProcess): Promise<Cell[]> {
  const before = daemon.cpuSeconds();
  const times = await inTurn(Array.from({ length: ASKED }), () => timeOf(target));
  const after = daemon.cpuSeconds();
  const sorted = times.toSorted((a, b) => a - b);
  const cpuSeconds = after.user + after.system - before.user - before.system;
  return [percentile(sorted, 50), percentile(sorted, 99), (cpuSeconds * 1000) / ASKED];
}

async function timeOf(target: string): Promise<number> {
  const startMs = performance.now();
  const answer = await fetch(`${STATUS_URL}${target}`, { headers: { accept: 'text/html' } });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`Cannot measure ${target}: ${answer.status}`);
  return performance.now() - startMs;
}
