/** Two network namespaces joined by a veth pair: the daemon's host, where the benchmark runs too, and the sender's. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { addNamespaces, ip, joinByVeth, removeNamespaces } from '../support/namespace.ts';

export const NEAR_INTERFACE = 'wb-near0';
export const FAR_INTERFACE = 'wb-far0';

/** How a command on the stage learns where the sender's end is. */
const FAR_VARIABLE = 'WEIR_BENCH_FAR';
const NAME = /^wb-(?:near|far)-(?<pid>\d+)$/;

/** What runs a command at the sender's end; for those on the stage. */
export const atFarEnd = (): readonly string[] => ['ip', 'netns', 'exec', process.env[FAR_VARIABLE] ?? ''];

/** Runs a command on the stage to its end; returns its exit status. The stage is gone afterwards, and all who were on it. */
export async function runOnStage(command: readonly string[]): Promise<number> {
  const [near, far] = [`wb-near-${process.pid}`, `wb-far-${process.pid}`];
  clear(ofTheDead());
  addNamespaces(near, far);
  joinByVeth([near, NEAR_INTERFACE], [far, FAR_INTERFACE]);
  const env = { ...process.env, [FAR_VARIABLE]: far };
  const child = spawn('ip', ['netns', 'exec', near, ...command], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
  await once(child, 'close');
  clear([near, far]);
  return child.exitCode ?? 1;
}

/** The namespaces of benchmarks that were killed. */
function ofTheDead(): string[] {
  const names = ip('netns', 'list').split(/\s+/);
  return names.filter((name) => {
    const pid = NAME.exec(name)?.groups?.['pid'];
    return pid !== undefined && !isAlive(Number(pid));
  });
}

/** Removes the namespaces, and ends those who were left in them. */
function clear(names: readonly string[]): void {
  for (const name of names) {
    const pids = ip('netns', 'pids', name).split('\n').filter(Boolean);
    for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
  }
  removeNamespaces(...names);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
