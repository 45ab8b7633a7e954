/**
 * What capturing costs alone: frames of 60 bytes over a veth, walked and let go; CPU ns per packet (user + system) of the
 * reading process, and what was lost. Needs root. Usage: node test/bench/ring.ts [SECONDS]
 */
import { spawn } from 'node:child_process';
import process from 'node:process';
import type { PacketProbe } from '../../probes/probe.ts';
import { openRing } from '../../probes/ring/ring.ts';
import { blockOf, frame } from '../support/frames.ts';
import { addNamespaces, inNamespace, joinByVeth, removeNamespaces } from '../support/namespace.ts';
import { sendFrames, type SendReport } from '../support/packetSender.ts';

const NEAR = 'wr-bench';
const FAR = 'wr-benchfar';
/** Packets per second; 0: as fast as the sender can. */
const RATES = [100_000, 300_000, 0, 0, 0];

interface Reading {
  readonly packets: number;
  readonly blocks: number;
  readonly cpuNs: number;
}

/** From the first block until nothing has come for a second; each frame's length is looked at. */
function read(probe: PacketProbe): Reading {
  let packets = 0;
  let blocks = 0;
  let bytes = 0;
  let block = probe.next(10_000);
  const before = process.cpuUsage();
  while (block !== null) {
    for (let i = 0; i < block.count; i++) bytes += block.wireLengths[i]!;
    packets += block.count;
    blocks++;
    probe.release(block);
    block = probe.next(1000);
  }
  const { user, system } = process.cpuUsage(before);
  if (bytes !== packets * 60) throw new Error(`${packets} packets, but ${bytes} bytes`);
  return { packets, blocks, cpuNs: ((user + system) * 1000) / packets };
}

/** Starts a sender in a process of its own; its report comes when it has ended. */
function startSender(packetsPerSecond: number, seconds: number): Promise<SendReport> {
  const args = [import.meta.filename, 'send', String(packetsPerSecond), String(seconds)];
  const child = inNamespace(FAR, () => spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  return new Promise((resolve) => {
    child.on('close', () => resolve(JSON.parse(Buffer.concat(output).toString())));
  });
}

async function measure(packetsPerSecond: number, seconds: number): Promise<string> {
  const probe = inNamespace(NEAR, () => openRing({ interface: 'near0' }));
  const sending = startSender(packetsPerSecond, seconds);
  const { packets, blocks, cpuNs } = read(probe);
  const { dropped } = probe.statistics();
  probe.close();
  const { sent, seconds: took } = await sending;
  const rate = Math.round(sent / took / 1000);
  return [`${rate}k/s`, sent, packets, dropped, Math.round(packets / blocks), cpuNs.toFixed(1)].join('\t');
}

/** One after the other. */
async function* measurements(seconds: number): AsyncGenerator<string> {
  for (const rate of RATES) yield measure(rate, seconds);
}

async function main(seconds: number): Promise<void> {
  addNamespaces(NEAR, FAR);
  joinByVeth([NEAR, 'near0'], [FAR, 'far0']);
  process.stdout.write('rate\tsent\tread\tdropped\tper block\tCPU ns per packet\n');
  for await (const row of measurements(seconds)) process.stdout.write(`${row}\n`);
  removeNamespaces(NEAR, FAR);
}

function send(packetsPerSecond: number, seconds: number): void {
  const frames = Array.from({ length: 4096 }, (_, i) => ({
    bytes: frame({ source: `203.0.113.${i & 255}`, destination: '198.51.100.1', sourcePort: i, payload: 6 }),
  }));
  const plan = packetsPerSecond === 0 ? { seconds } : { seconds, packetsPerSecond };
  process.stdout.write(JSON.stringify(sendFrames('far0', blockOf(frames), plan)));
}

const [command = '5', rate, seconds] = process.argv.slice(2);
if (command === 'send') send(Number(rate), Number(seconds));
else await main(Number(command));
