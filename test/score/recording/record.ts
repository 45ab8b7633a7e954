/** `npm run score -- --record [NAME…]`: makes the recordings anew, by the real tools, between two network namespaces. Needs root. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { inTurn } from '../../bench/inTurn.ts';
import type { Recording } from './recording.ts';
import { RECORDINGS } from './recordings.ts';
import { capture, clearStage, run, setStage, start, stop } from './stage.ts';

const FOLDER = join(import.meta.dirname, '../recordings');
/** Headers, and those of the packet that an ICMP error quotes. */
const SNAP_LENGTH = 128;
/** For answers that are on their way, and for what tcpdump has not read yet. */
const SETTLE_MS = 500;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

const SERVERS = [
  ['tenant', `${process.execPath} ${join(import.meta.dirname, 'servers.ts')} tenant`],
  ['stranger', `${process.execPath} ${join(import.meta.dirname, 'servers.ts')} stranger`],
  ['stranger', 'iperf3 --server'],
  ['tenant', 'dnsmasq -k -C /dev/null -h -R -z -a 127.0.0.1 -p 5353 -S 203.0.113.53'],
] as const;

/** Debian's package of each tool that only recording needs. */
const TOOLS: Readonly<Record<string, string>> = {
  ab: 'apache2-utils',
  arping: 'arping',
  'atk6-denial6': 'thc-ipv6',
  dig: 'dnsutils',
  dnsmasq: 'dnsmasq-base',
  fping: 'fping',
  masscan: 'masscan',
  sipp: 'sip-tester',
  wrk: 'wrk',
  zmap: 'zmap',
};

function checkTools(): void {
  const missing = Object.keys(TOOLS).filter((tool) => spawnSync('which', [tool]).status !== 0);
  if (missing.length === 0) return;
  throw new Error(
    `Cannot record: no ${missing.join(', ')}; apt-get install ${missing.map((tool) => TOOLS[tool]).join(' ')}`,
  );
}

/** Those of the names; all if there are none. */
export async function record(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !RECORDINGS.some((recording) => recording.name === name));
  if (unknown.length > 0) throw new Error(`Cannot record ${unknown.join(', ')}: no such recording`);
  const wanted = RECORDINGS.filter(({ name }) => names.length === 0 || names.includes(name));
  checkTools();
  const workshop = mkdtempSync(join(tmpdir(), 'weir-score-'));
  try {
    setStage();
    for (const [side, command] of SERVERS) start(side, command.split(' '));
    await setTimeout(2 * SETTLE_MS);
    await inTurn(wanted, (recording) => recordOne(recording, workshop));
  } finally {
    clearStage();
    rmSync(workshop, { recursive: true });
  }
}

async function recordOne(recording: Recording, workshop: string): Promise<void> {
  const path = join(workshop, `${recording.name}.pcap`);
  const tcpdump = await capture(path, 'not ether multicast or arp or ip6', SNAP_LENGTH);
  await inTurn(recording.commands, ({ by, command }) => run(by, command.map(withFiles)));
  await setTimeout(SETTLE_MS);
  await stop(tcpdump, 'SIGINT');
  const kept = firstPackets(readFileSync(path), recording.packets);
  const packed = gzipSync(kept.bytes, { level: 9 });
  writeFileSync(join(FOLDER, `${recording.name}.pcap.gz`), packed);
  process.stdout.write(`${recording.name}: ${kept.packets} packets, ${packed.length} bytes\n`);
}

const FILES: Readonly<Record<string, string>> = {
  QUERIES: join(import.meta.dirname, 'queries.txt'),
  RESPONSE: join(import.meta.dirname, 'response.sip'),
  SCENARIO: join(import.meta.dirname, 'register.xml'),
  NODE: process.execPath,
  MESH: join(import.meta.dirname, 'mesh.ts'),
};

const withFiles = (word: string): string => FILES[word] ?? word;

/** Of a classic pcap file in this machine's byte order. */
function firstPackets(file: Buffer, packets: number): { bytes: Buffer; packets: number } {
  let at = FILE_HEADER_BYTES;
  let count = 0;
  for (; count < packets && at + RECORD_HEADER_BYTES <= file.length; count++)
    at += RECORD_HEADER_BYTES + file.readUInt32LE(at + 8);
  return { bytes: file.subarray(0, Math.min(at, file.length)), packets: count };
}
