/** What a round of samples of 1,000 tenants costs, on as many real cgroups with a process each. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Cell, Section } from './report.ts';

const ROUNDS = join(import.meta.dirname, 'hostRounds.ts');
const TIMEOUT_MS = 120_000;
export const TENANTS = 1000;

/** `ip netns exec` leaves no cgroups in /sys: those of whoever set the stage are used. */
const WITH_CGROUPS = [`--mount=/proc/${process.ppid}/ns/mnt`];

export function measureHost(): Section {
  const { status, stdout, stderr } = spawnSync('nsenter', [...WITH_CGROUPS, process.execPath, ROUNDS], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  if (status !== 0) throw new Error(`Cannot sample ${TENANTS} tenants: ${stderr}`);
  const rows: Cell[][] = JSON.parse(stdout);
  return {
    title: `Samples of ${TENANTS} tenants with a cgroup and a process each: CPU ms a round, user + system`,
    notes: ['goal: at most 60 once their files are open; a round is every 5 s'],
    columns: ['cgroups', 'round', 'rounds', 'min', 'median', 'max'],
    rows,
  };
}
