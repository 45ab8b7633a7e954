/** Samples real cgroups, round after round, and prints the rows of the benchmark's table as JSON; run as a program. */
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { createHostProbe } from '../../probes/host/hostProbe.ts';
import type { SampleProbe, Workload } from '../../probes/sample.ts';
import { mountsOf, TestCgroups } from '../support/cgroups.ts';
import { TENANTS } from './host.ts';
import { inTurn } from './inTurn.ts';
import { type Cell, spread } from './report.ts';

const ROUNDS = 12;
/** Long enough that other things have been done meanwhile, and caches are as cold as they are in the daemon. */
const PAUSE_MS = 500;
/** Whoever made them may be killed before it ends them. */
const LIFETIME_SECONDS = '300';
const HOME = `weir-bench-${process.pid}`;

const numbers = Array.from({ length: TENANTS }, (_, i) => i);
const named = (name: (i: number) => Workload): Map<string, Workload> => new Map(numbers.map((i) => [`t${i}`, name(i)]));

/** CPU ms of each round but the first, and of that. */
async function measure(probe: SampleProbe): Promise<{ first: number; others: number[] }> {
  const [first = Number.NaN, ...others] = await inTurn(Array.from({ length: 1 + ROUNDS }), async () => {
    const before = process.cpuUsage();
    await probe.sample();
    const { user, system } = process.cpuUsage(before);
    await setTimeout(PAUSE_MS);
    return (user + system) / 1000;
  });
  return { first, others };
}

async function rowsOf(title: string, cgroupRoot: string): Promise<Cell[][]> {
  const rowOf = (round: string, ms: readonly number[]): Cell[] => {
    const { min, median, max } = spread(ms);
    return [title, round, ms.length, min, median, max];
  };
  const there = await measure(createHostProbe({ workloads: named((i) => ({ cgroup: `${HOME}/t${i}` })), cgroupRoot }));
  const units = named((i) => ({ unit: `pbx@t${i}.service` }));
  const absent = await measure(createHostProbe({ workloads: units, cgroupRoot }));
  return [
    rowOf('all are there', there.others),
    rowOf('the first, which opens the files', [there.first]),
    rowOf('none is there', absent.others),
    rowOf('the first of these, which searches', [absent.first]),
  ];
}

const [v1, v2] = [mountsOf(1), mountsOf(2)];
const cgroups = new TestCgroups([...v1, ...v2]);
try {
  for (const i of numbers) cgroups.add(`${HOME}/t${i}`);
  for (const i of numbers) cgroups.spawn(`${HOME}/t${i}`, 'sleep', LIFETIME_SECONDS);
  const kinds = [
    ...(v1.length === 0 ? [] : [[v2.length === 0 ? 'v1' : 'v1 and v2', '/sys/fs/cgroup'] as const]),
    ...v2.map((root) => ['v2 alone', root] as const),
  ];
  const rows = await inTurn(kinds, ([title, root]) => rowsOf(title, root));
  process.stdout.write(JSON.stringify(rows.flat()));
} finally {
  await cgroups.removeAll();
}
