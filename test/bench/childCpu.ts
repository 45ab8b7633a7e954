/** What a command costs: CPU time, user and system, of its whole process, from exec(2) to the end, and its children. */
import { spawnSync } from 'node:child_process';
import { loadLibc } from '../../probes/libc.ts';

const TIMEOUT_MS = 120_000;

export interface CommandCost {
  readonly cpuSeconds: number;
  /** What it printed on both outputs. */
  readonly output: string;
}

/** Runs it to its end; null: there is no such command. Throws unless its exit status is 0. */
export function measureCommand(command: string, args: readonly string[], env = process.env): CommandCost | null {
  const before = childrenCpuSeconds();
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    env,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return null;
  if (status !== 0) throw new Error(`Cannot run ${command}: ${error?.message ?? signal ?? status}\n${stderr}`);
  return { cpuSeconds: childrenCpuSeconds() - before, output: stdout + stderr };
}

const RUSAGE_CHILDREN = -1;
/** struct rusage: two struct timeval, ru_utime and ru_stime, then 14 longs. */
const RUSAGE_LONGS = 18;

/** Of all children that have been waited for, which Node.js does before it tells of their end (getrusage(2)). */
export function childrenCpuSeconds(): number {
  const getrusage = loadLibc().declare('int getrusage(int who, void *usage)');
  const usage = new BigInt64Array(RUSAGE_LONGS);
  getrusage(RUSAGE_CHILDREN, usage);
  const [userS, userUs, systemS, systemUs] = Array.from(usage, Number);
  return userS! + systemS! + (userUs! + systemUs!) / 1e6;
}
