/** nfdump's reading of flow datagrams: nfcapd collects them from loopback, a source address for each capture. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn } from '../../../bench/inTurn.ts';
import { until } from '../../../lab/until.ts';
import { sendDatagrams } from '../../../support/datagramSender.ts';
import type { FlowCapture } from '../../../support/flowCaptures.ts';
import type { PeerReading } from '../../../support/flowReading.ts';
import { withFolder } from '../../../support/pcapFile.ts';

const WITHIN_MS = 20_000;
/** 127.0.1.0, and the captures' numbers behind it. */
const FIRST_SOURCE = 0x7f00_0100;

/** What nfdump -o json has of a record; fields that the exporter does not tell are not there. */
interface NfdumpFlow {
  /** FLOW, or EVENT: Cisco's NSEL. */
  readonly type: string;
  readonly first: string;
  readonly last: string;
  readonly in_packets: number;
  readonly in_bytes: number;
  readonly out_packets?: number;
  readonly out_bytes?: number;
  readonly proto: number;
  readonly tcp_flags?: string;
  readonly src_port?: number;
  readonly dst_port?: number;
  readonly icmp_type?: number;
  readonly icmp_code?: number;
  readonly src4_addr?: string;
  readonly dst4_addr?: string;
  readonly src6_addr?: string;
  readonly dst6_addr?: string;
  readonly input_snmp?: number;
  readonly output_snmp?: number;
}

/** By capture, in the order in which they came. */
export function readByNfdump(captures: readonly FlowCapture[]): Promise<PeerReading[][]> {
  return withFolder(async (folder) => {
    const port = await freePort();
    const flows = join(folder, 'flows');
    mkdirSync(flows);
    const nfcapd = spawn('nfcapd', ['-b', '127.0.0.1', '-p', String(port), '-M', flows, '-t', '86400'], {
      stdio: 'ignore',
    });
    try {
      await until('nfcapd listens', WITHIN_MS, async () => isEmpty(port));
      await inTurn([...captures.keys()], async (i) => {
        const datagrams = captures[i]?.datagrams.map(({ bytes }) => bytes) ?? [];
        sendDatagrams({ port, datagrams, source: FIRST_SOURCE + i });
        await until('nfcapd has received all', WITHIN_MS, async () => isEmpty(port));
      });
    } finally {
      await end(nfcapd);
    }
    return captures.map((_, i) => flowsIn(join(flows, `127-0-1-${i}`)).map(readingOf));
  });
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => void socket.close(resolve));
  return port;
}

/** Whether a socket is bound there, and nothing waits in it; whether nothing was dropped. */
function isEmpty(port: number): boolean {
  const name = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const row = readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .find((each) => each.includes(name));
  if (row === undefined) return false;
  const columns = row.trim().split(/\s+/);
  assert.equal(columns.at(-1), '0', 'datagrams were dropped');
  return columns[4]?.endsWith(':00000000') === true;
}

/** It writes its file when it is told to end, after the datagram that it has. */
async function end(nfcapd: ChildProcess): Promise<void> {
  const closed = once(nfcapd, 'close');
  nfcapd.kill('SIGTERM');
  await closed;
}

function flowsIn(folder: string): NfdumpFlow[] {
  if (!existsSync(folder)) return [];
  const { stdout, stderr, status } = spawnSync('nfdump', ['-R', folder, '-o', 'json'], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
    maxBuffer: 2 ** 26,
  });
  assert.equal(status, 0, stderr);
  if (stdout.includes('No matching flows')) return [];
  const flows: NfdumpFlow[] = JSON.parse(stdout);
  return flows;
}

function readingOf(flow: NfdumpFlow): PeerReading {
  // OUT_BYTES and OUT_PKTS, of those that tell of flows on their way out alone.
  const isOnWayOut = flow.in_packets === 0 && flow.in_bytes === 0;
  return {
    source: flow.src4_addr ?? flow.src6_addr ?? '',
    destination: flow.dst4_addr ?? flow.dst6_addr ?? '',
    protocol: flow.proto,
    sourcePort: flow.src_port ?? 0,
    destinationPort:
      flow.icmp_type === undefined ? (flow.dst_port ?? 0) : (flow.icmp_type << 8) | (flow.icmp_code ?? 0),
    flags: flagsOf(flow.tcp_flags ?? ''),
    packets: (isOnWayOut ? flow.out_packets : flow.in_packets) ?? 0,
    octets: (isOnWayOut ? flow.out_bytes : flow.in_bytes) ?? 0,
    startMs: Date.parse(`${flow.first}Z`),
    endMs: Date.parse(`${flow.last}Z`),
    ingress: flow.input_snmp ?? 0,
    egress: flow.output_snmp ?? 0,
  };
}

/** `...AP.SF`: a letter for each bit that is set, the highest first. */
const flagsOf = (text: string): number =>
  text.split('').reduce((flags, letter) => flags * 2 + (letter === '.' ? 0 : 1), 0);
