/** Two network namespaces joined by a veth pair: the daemon's host, where the benchmark runs too, and the sender's. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { addNamespaces, ip, joinByVeth, removeNamespaces } from '../support/namespace.ts';

const NEAR = 'wb-near';
const FAR = 'wb-far';
export const NEAR_INTERFACE = 'wb-near0';
export const FAR_INTERFACE = 'wb-far0';

/** What runs a command at the sender's end. */
export const AT_FAR_END: readonly string[] = ['ip', 'netns', 'exec', FAR];

/** Runs a command on the stage to its end; returns its exit status. The stage is gone afterwards, and all who were on it. */
export async function runOnStage(command: readonly string[]): Promise<number> {
  addNamespaces(NEAR, FAR);
  joinByVeth([NEAR, NEAR_INTERFACE], [FAR, FAR_INTERFACE]);
  const child = spawn('ip', ['netns', 'exec', NEAR, ...command], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
  await once(child, 'close');
  for (const name of [NEAR, FAR]) endProcesses(name);
  removeNamespaces(NEAR, FAR);
  return child.exitCode ?? 1;
}

/** Those that the command left behind when it was ended itself. */
function endProcesses(namespace: string): void {
  const pids = ip('netns', 'pids', namespace).split('\n').filter(Boolean);
  for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
}
