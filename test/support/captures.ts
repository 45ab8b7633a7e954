/** Real captures of a folder beside the repository, which a clone need not have. */
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DecodeError } from '../../probes/decodeError.ts';
import { openPcap } from '../../probes/pcap/pcapProbe.ts';
import type { FrameBlock } from '../../probes/probe.ts';
import { pendingWithout } from './needs.ts';

export const CAPTURES = resolve(import.meta.dirname, '../../../shared/captures');

const FOLDERS = [
  'benign',
  'floods',
  'formats',
  'malformed',
  'netflow',
  'scans',
  'sip-rtp',
  'smtp',
  'spoof-anomalies',
  'worm-malware',
] as const;

/** The first bytes of a classic pcap file: both byte orders, both resolutions. */
const CLASSIC_MAGICS = new Set(['a1b2c3d4', 'd4c3b2a1', 'a1b23c4d', '4d3cb2a1']);

/** The captures of one folder, in order; without the folder the test is pending and says which, or fails in CI. */
export function capturesOrPending(context: Mocha.Context, folder: string): string[] {
  const path = join(CAPTURES, folder);
  if (existsSync(path))
    return readdirSync(path)
      .toSorted()
      .map((name) => join(path, name));
  if (process.env['CI'] === 'true') throw new Error(`Cannot read captures: no folder ${path}`);
  return pendingWithout(context, path);
}

/** All of all folders that are called captures, in whatever format. */
export const allCapturesOrPending = (context: Mocha.Context): string[] =>
  FOLDERS.flatMap((folder) => capturesOrPending(context, folder)).filter((path) =>
    /\.(?:pcap|pcapng|snoop)(?:\.gz)?$/.test(path),
  );

/** By content: a file called .pcapng may be classic pcap. */
export function isClassicPcap(path: string): boolean {
  const magic = Buffer.alloc(4);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, magic);
  } finally {
    closeSync(descriptor);
  }
  return CLASSIC_MAGICS.has(magic.toString('hex'));
}

export interface CapturedFrame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly wireLength: number;
  readonly linkType: number;
  readonly timeMs: number;
}

/** The frames of a classic pcap file, up to where it is broken. */
export function readCapture(path: string): CapturedFrame[] {
  const frames: CapturedFrame[] = [];
  try {
    for (const block of blocksOf(path)) frames.push(...framesOf(block));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  return frames;
}

function* blocksOf(path: string): Generator<FrameBlock> {
  const probe = openPcap(path);
  try {
    for (let block = probe.next(0); block !== null; block = probe.next(0)) {
      yield block;
      probe.release(block);
    }
  } finally {
    probe.close();
  }
}

function framesOf({ bytes, count, linkType, offsets, capturedLengths, wireLengths, timesMs }: FrameBlock) {
  return Array.from({ length: count }, (_, i): CapturedFrame => {
    const start = offsets[i] ?? 0;
    const frame = bytes.slice(start, start + (capturedLengths[i] ?? 0));
    return { bytes: frame, wireLength: wireLengths[i] ?? 0, linkType, timeMs: timesMs[i] ?? 0 };
  });
}
