/** Workloads as pcap files: of microseconds, 96 bytes of each frame. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { framesOf, type WorkloadName, WORKLOADS } from './workload.ts';

export const SNAP_LENGTH = 96;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const CHUNK_BYTES = 1 << 22;
const FIRST_FRAME_S = 1_760_000_000;

/** The file, made when it is not there yet; files of one name are equal. Left for the next run: 0.3 GB for 4 million frames. */
export function workloadFile(
  name: WorkloadName,
  packets: number = WORKLOADS[name].packets,
  directory: string = tmpdir(),
): string {
  const path = join(directory, `weir-bench-${sourceHash()}-${name}-${packets}.pcap`);
  if (existsSync(path)) return path;
  const workshop = mkdtempSync(join(directory, 'weir-bench-'));
  const unfinished = join(workshop, name);
  const file = openSync(unfinished, 'wx');
  for (const chunk of pcapChunks(name, packets)) writeSync(file, chunk);
  closeSync(file);
  renameSync(unfinished, path);
  rmSync(workshop, { recursive: true });
  return path;
}

/** Another generator makes other files. */
function sourceHash(): string {
  const hash = createHash('sha256');
  for (const source of readdirSync(import.meta.dirname).toSorted())
    hash.update(readFileSync(join(import.meta.dirname, source)));
  return hash.digest('hex').slice(0, 8);
}

/** The bytes of the file; each chunk is valid until the next one is asked for. */
export function* pcapChunks(name: WorkloadName, packets: number): Generator<Uint8Array> {
  const chunk = new DataView(new ArrayBuffer(CHUNK_BYTES));
  const bytes = new Uint8Array(chunk.buffer);
  const { intervalUs } = WORKLOADS[name];
  const next = framesOf(name);
  let at = fileHeader(chunk);
  for (let index = 0; index < packets; index++) {
    const frame = next();
    const captured = Math.min(frame.wireLength, SNAP_LENGTH);
    const timeUs = index * intervalUs;
    chunk.setUint32(at, FIRST_FRAME_S + Math.floor(timeUs / 1e6), true);
    chunk.setUint32(at + 4, timeUs % 1e6, true);
    chunk.setUint32(at + 8, captured, true);
    chunk.setUint32(at + 12, frame.wireLength, true);
    for (let i = 0; i < captured; i++) bytes[at + RECORD_HEADER_BYTES + i] = frame.bytes[i]!;
    at += RECORD_HEADER_BYTES + captured;
    if (at + RECORD_HEADER_BYTES + SNAP_LENGTH > CHUNK_BYTES) {
      yield bytes.subarray(0, at);
      at = 0;
    }
  }
  yield bytes.subarray(0, at);
}

/** Little-endian, microseconds, version 2.4, Ethernet. */
function fileHeader(view: DataView): number {
  [0xa1b2c3d4, 0x00040002, 0, 0, SNAP_LENGTH, 1].forEach((word, i) => view.setUint32(i * 4, word, true));
  return FILE_HEADER_BYTES;
}
