/** What limits cost and how well they hold, in the lab's namespaces. */
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { Cell, Section } from './report.ts';

const TIMEOUT_MS = 15 * 60_000;

/** `ip netns exec` has mounts of its own: namespaces that are made there would not be seen elsewhere. */
const WITH_MOUNTS = [`--mount=/proc/${process.ppid}/ns/mnt`];

function run(program: string): Cell[][] {
  const { status, stdout, stderr } = spawnSync(
    'nsenter',
    [...WITH_MOUNTS, process.execPath, join(import.meta.dirname, program)],
    { encoding: 'utf8', timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 },
  );
  if (status !== 0) throw new Error(`Cannot measure limits: ${stderr}`);
  const rows: Cell[][] = JSON.parse(stdout);
  return rows;
}

const load = (): string => `load average ${loadavg()[0]?.toFixed(1)}`;

function section(title: string, notes: readonly string[], program: string): Section {
  const before = load();
  const rows = run(program);
  const notesAndLoad = [...notes, `${before} before, ${load()} after`];
  return { title, notes: notesAndLoad, columns: ['what', 'goal', 'runs', 'min', 'median', 'max'], rows };
}

export const measureLimits = (): Section =>
  section('Limits: times, and CPU', ['a time includes starting tc, which is shown first'], 'limitRounds.ts');

export const measureLimitTraffic = (): Section =>
  section(
    'Limits: what passes them',
    [
      'goodput: bits of layer 2 that arrive, in % of the limit',
      'voice: 5 runs of 3 s, G.711 with DSCP EF; queues are FIFOs where the kernel has no fq_codel',
    ],
    'limitTraffic.ts',
  );

export const measureLimitCycles = (): Section => section('Limits: 10,000 times set and lifted', [], 'limitCycles.ts');
