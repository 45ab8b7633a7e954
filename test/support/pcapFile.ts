/** Classic pcap files for tests, of frames that the test has built. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TimedFrame } from './frames.ts';

/** Microseconds, little endian, Ethernet. */
export function pcapOf(frames: readonly TimedFrame[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(1, 20);
  return Buffer.concat([header, ...frames.flatMap(recordOf)]);
}

function recordOf({ bytes, timeMs = 0, wireLength = bytes.length }: TimedFrame): Uint8Array[] {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(timeMs / 1000), 0);
  header.writeUInt32LE(Math.round((timeMs % 1000) * 1000), 4);
  header.writeUInt32LE(bytes.length, 8);
  header.writeUInt32LE(wireLength, 12);
  return [header, bytes];
}

/** Calls with a folder of its own, which is gone afterwards. */
export async function withFolder<Result>(use: (folder: string) => Result | Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes the file into the folder; its path. */
export function writeIn(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
