/** What nfcapd costs with the same flow records: it takes them over loopback, decodes them and writes them to files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../lab/until.ts';
import { type FlowProtocol, RECORDS } from './flowDatagrams.ts';
import type { FlowCost } from './flowDecoding.ts';
import { FlowSender } from './flowSender.ts';

const PORT = 9995;
/** As /proc/net/udp writes 127.0.0.1 and the port. */
const SOCKET = `0100007F:${PORT.toString(16).toUpperCase()}`;
const SECONDS = 2;
/** Half a million records a second and more, which it takes without loss. */
const DATAGRAMS_PER_SECOND = 20_000;
const BUFFER_BYTES = 2 ** 23;
const READY_MS = 10_000;

/** null: it is not installed. */
export async function measureNfcapd(protocol: FlowProtocol): Promise<FlowCost | null> {
  // In memory: what a disk costs is not its own.
  const directory = mkdtempSync('/dev/shm/weir-bench-');
  try {
    return await measureIn(directory, protocol);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function measureIn(directory: string, protocol: FlowProtocol): Promise<FlowCost | null> {
  const args = ['-w', directory, '-b', '127.0.0.1', '-p', String(PORT), '-B', String(BUFFER_BYTES)];
  const nfcapd = spawn('nfcapd', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [failure] = await Promise.race([once(nfcapd, 'spawn'), once(nfcapd, 'error')]);
  if (failure !== undefined) return null;
  const said = collectText(nfcapd);
  const sender = await FlowSender.start({ protocol, records: RECORDS[protocol], port: PORT });
  await until('nfcapd listens', READY_MS, async () => waitingBytes() !== null);
  const before = cpuNsOf(nfcapd.pid);
  await sender.send({ seconds: SECONDS, perSecond: DATAGRAMS_PER_SECOND });
  sender.stop();
  await until('nfcapd has taken all', READY_MS, async () => waitingBytes() === 0);
  const cpuNs = cpuNsOf(nfcapd.pid) - before;
  nfcapd.kill('SIGTERM');
  await once(nfcapd, 'close');
  // One line a file; it begins a new one every five minutes of the clock.
  const counts = [...said().matchAll(/Ident: 'none' Flows: (\d+)/g)].map(([, count]) => Number(count));
  if (counts.length === 0) throw new Error(`Cannot measure nfcapd: ${said()}`);
  return { records: counts.reduce((sum, count) => sum + count, 0), cpuNs };
}

/** In the queue of its socket; null: it has none yet. */
function waitingBytes(): number | null {
  const line = readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .find((each) => each.includes(SOCKET));
  const [, queue] = / [0-9A-F]{8}:([0-9A-F]{8}) /.exec(line ?? '') ?? [];
  return queue === undefined ? null : Number.parseInt(queue, 16);
}

/** Of all threads that run (Documentation/scheduler/sched-stats.rst: the first field is the time on a processor). */
function cpuNsOf(pid: number | undefined): number {
  const tasks = readdirSync(`/proc/${pid}/task`).map((task) => join(`/proc/${pid}/task`, task, 'schedstat'));
  return tasks.reduce((sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ')[0]), 0);
}

function collectText(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return () => text;
}
