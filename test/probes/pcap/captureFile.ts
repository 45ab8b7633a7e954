/** Capture files built byte by byte, in every byte order and resolution; and what the probe reads of a file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DecodeError } from '../../../probes/decodeError.ts';
import { openPcap } from '../../../probes/pcap/pcapProbe.ts';
import type { FrameBlock, PacketProbe } from '../../../probes/probe.ts';
import { writeIn } from '../../support/pcapFile.ts';

export interface CaptureRecord {
  readonly seconds: number;
  /** Micro- or nanoseconds. */
  readonly fraction: number;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

export interface FileFormat {
  readonly isLittleEndian: boolean;
  readonly isNano: boolean;
  readonly linkType: number;
  /** What the file starts with; what `isNano` says if nobody says otherwise. */
  readonly magic?: number;
  /** Major and minor; 2.4 if nobody says otherwise. */
  readonly version?: readonly [major: number, minor: number];
  /** Of a record's header behind the lengths. */
  readonly extraBytes?: number;
}

/** All four magics. */
export const FORMATS: readonly FileFormat[] = [true, false].flatMap((isLittleEndian) =>
  [true, false].map((isNano) => ({ isLittleEndian, isNano, linkType: 1 })),
);

export const formatName = ({ isLittleEndian, isNano }: FileFormat): string =>
  `${isLittleEndian ? 'little' : 'big'} endian, ${isNano ? 'nanoseconds' : 'microseconds'}`;

/** Unsigned 32-bit words in the byte order. */
export function words(isLittleEndian: boolean, ...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => view.setUint32(i * 4, value, isLittleEndian));
  return new Uint8Array(view.buffer);
}

export function fileHeader(format: FileFormat): Uint8Array {
  const { isLittleEndian, isNano, linkType, magic = isNano ? 0xa1b23c4d : 0xa1b2c3d4 } = format;
  const [major, minor] = format.version ?? [2, 4];
  const version = isLittleEndian ? (minor << 16) | major : (major << 16) | minor;
  return words(isLittleEndian, magic, version, 0, 0, 262_144, linkType);
}

function record(format: FileFormat, { seconds, fraction, bytes, wireLength }: CaptureRecord): Uint8Array {
  const header = words(format.isLittleEndian, seconds, fraction, bytes.length, wireLength);
  return Buffer.concat([header, Buffer.alloc(format.extraBytes ?? 0, 0xee), bytes]);
}

export const captureFile = (format: FileFormat, records: readonly CaptureRecord[]): Uint8Array =>
  Buffer.concat([fileHeader(format), ...records.map((one) => record(format, one))]);

export interface ReadFrame {
  readonly bytes: string;
  readonly wireLength: number;
  readonly timeMs: number;
  readonly linkType: number;
}

export interface ReadFile {
  readonly frames: readonly ReadFrame[];
  readonly blocks: number;
  /** Why it ended early: reason and offset. */
  readonly problem: readonly [reason: string, offset: number] | null;
  readonly received: number;
}

/** Everything, and that nothing comes after the end or the error. */
export function readFile(path: string): ReadFile {
  const probe = openPcap(path);
  try {
    return readProbe(probe);
  } finally {
    probe.close();
  }
}

/** The same of what stands in no file yet. */
export function readBytes(bytes: Uint8Array): ReadFile {
  const folder = mkdtempSync(join(tmpdir(), 'weir-pcap-'));
  try {
    return readFile(writeIn(folder, 'capture', bytes));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readProbe(probe: PacketProbe): ReadFile {
  const frames: ReadFrame[] = [];
  let blocks = 0;
  let problem: ReadFile['problem'] = null;
  try {
    for (let block = probe.next(0); block !== null; block = probe.next(0)) {
      blocks += 1;
      for (let i = 0; i < block.count; i++) frames.push(frameAt(block, i));
      probe.release(block);
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    problem = [error.reason, error.offset];
  }
  const { received, state } = probe.statistics();
  if (probe.next(0) !== null || state !== 'ended') throw new Error('the probe goes on after its end');
  return { frames, blocks, problem, received };
}

function frameAt(block: FrameBlock, i: number): ReadFrame {
  const { bytes, linkType, offsets, capturedLengths, wireLengths, timesMs } = block;
  const start = offsets[i] ?? 0;
  return {
    bytes: Buffer.from(bytes.subarray(start, start + (capturedLengths[i] ?? 0))).toString('hex'),
    wireLength: wireLengths[i] ?? 0,
    timeMs: timesMs[i] ?? 0,
    linkType,
  };
}
