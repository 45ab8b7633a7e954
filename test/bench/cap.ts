/** What `capture: cap` costs and loses beside the ring, on the same live traffic: the daemon, and the child that captures. */
import { benchConfiguration } from './configuration.ts';
import { type CpuSeconds, DaemonProcess } from './daemonProcess.ts';
import { inTurn } from './inTurn.ts';
import type { Cell, Section } from './report.ts';
import { Sender } from './sender.ts';
import { NEAR_INTERFACE } from './stage.ts';

const SECONDS = 5;
const WARM_UP = { seconds: 2, packetsPerSecond: 100_000 };
/** Made before they are sent over and over. */
const FRAMES = 200_000;
/** What cap must hold. */
const GOAL = 150_000;

const RING = { capture: 'ring' };
const CAP = { capture: 'cap' };
const LARGE_CAP = { capture: 'cap', buffer: '256mib' };
const RUNS: readonly (readonly [title: string, capture: Readonly<Record<string, string>>, packetsPerSecond: number])[] =
  [
    ['ring', RING, GOAL],
    ['cap', CAP, GOAL],
    ['cap, buffer 256mib', LARGE_CAP, GOAL],
    ['ring', RING, Infinity],
    ['cap', CAP, Infinity],
    ['cap, buffer 256mib', LARGE_CAP, Infinity],
  ];

export async function measureCap(): Promise<Section> {
  return {
    title: `Live on a veth, workload mix for ${SECONDS} s, by the ring and by cap: CPU ns per packet`,
    notes: [
      `after ${WARM_UP.seconds} s of warming up; goal: cap holds ${GOAL} packets/s`,
      'GSO is on, so that each of libpcap’s slots takes 128 KiB: the default buffer of 64 MiB holds 1,000 packets',
      'lost: dropped by the kernel or the child; unseen: sent, but in neither count',
    ],
    columns: ['capture', 'packets/s', 'sent', 'received', 'lost', 'unseen', 'daemon ns', 'child ns', 'both ns'],
    rows: await inTurn(RUNS, measureRun),
  };
}

interface Reading {
  readonly received: number;
  readonly dropped: number;
  readonly daemon: number;
  readonly child: number;
}

async function measureRun([title, capture, packetsPerSecond]: (typeof RUNS)[number]): Promise<Cell[]> {
  const daemon = await DaemonProcess.start(benchConfiguration(NEAR_INTERFACE, [], capture));
  const sender = new Sender();
  await sender.send({ workload: 'mix', frames: FRAMES, plan: WARM_UP });
  const before = await read(daemon);
  const plan = packetsPerSecond === Infinity ? { seconds: SECONDS } : { seconds: SECONDS, packetsPerSecond };
  const { sent, seconds } = await sender.send({ workload: 'mix', frames: FRAMES, plan });
  const after = await read(daemon);
  sender.stop();
  await daemon.stop();
  const received = after.received - before.received;
  const lost = after.dropped - before.dropped;
  const ns = (field: 'daemon' | 'child'): number => Math.round(((after[field] - before[field]) * 1e9) / received);
  const times = [ns('daemon'), ns('child'), ns('daemon') + ns('child')];
  return [title, Math.round(sent / seconds), sent, received, lost, sent - received - lost, ...times];
}

async function read(daemon: DaemonProcess): Promise<Reading> {
  const { received, dropped } = await daemon.counted();
  return { received, dropped, daemon: sum(daemon.cpuSeconds()), child: sum(daemon.childrenCpuSeconds()) };
}

const sum = ({ user, system }: CpuSeconds): number => user + system;
