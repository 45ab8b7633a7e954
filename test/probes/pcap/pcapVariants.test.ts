import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { withFolder, writeIn } from '../../support/pcapFile.ts';
import { captureFile, type CaptureRecord, type FileFormat, readBytes, readFile, type ReadFile } from './captureFile.ts';

const LITTLE: FileFormat = { isLittleEndian: true, isNano: false, linkType: 1 };
const MODIFIED = 0xa1b2cd34;

/** Nothing of them could be a record's header. */
const recordsOf = (count: number): CaptureRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    seconds: 1_700_000_000 + i,
    fraction: i * 1000 + 7,
    bytes: new Uint8Array(60 + i).fill(0x45),
    wireLength: 1500,
  }));

const standard = (count: number): ReadFile => readBytes(captureFile(LITTLE, recordsOf(count)));

const VARIANTS: readonly (readonly [name: string, format: Partial<FileFormat>])[] = [
  ['modified as in October 1999', { magic: MODIFIED, extraBytes: 8 }],
  ['modified as in September 1999 (SuSE 6.3)', { magic: MODIFIED, extraBytes: 12 }],
  ['modified without a magic of their own (Red Hat 6.1)', { extraBytes: 8 }],
  ["Nokia's", { extraBytes: 4 }],
];

describe('openPcap of relatives of the classic format', () => {
  for (const isLittleEndian of [true, false])
    for (const [name, variant] of VARIANTS)
      it(`reads files that are ${name}, ${isLittleEndian ? 'little' : 'big'} endian`, () => {
        const file = captureFile({ ...LITTLE, ...variant, isLittleEndian }, recordsOf(10));
        assert.deepEqual(readBytes(file), standard(10));
      });

  it('takes the later of the modified headers where one packet does not tell', () => {
    const file = captureFile({ ...LITTLE, magic: MODIFIED, extraBytes: 8 }, recordsOf(1));
    assert.deepEqual(readBytes(file), standard(1));
  });

  for (const version of [
    [2, 2],
    [2, 3],
    [543, 0],
  ] as const)
    it(`knows that the wire length comes first in files of version ${version.join('.')}`, () => {
      const swapped = recordsOf(5);
      const file = Buffer.from(captureFile({ ...LITTLE, version }, swapped));
      let at = 24;
      for (const { bytes, wireLength } of swapped) {
        file.writeUInt32LE(wireLength, at + 8);
        file.writeUInt32LE(bytes.length, at + 12);
        at += 16 + bytes.length;
      }
      assert.deepEqual(readBytes(file), standard(5));
    });

  it('takes lengths of version 2.3 as they come when they make sense so', () => {
    assert.deepEqual(readBytes(captureFile({ ...LITTLE, version: [2, 3] }, recordsOf(5))), standard(5));
  });

  for (const type of ['modpcap', 'suse6_3pcap', 'rh6_1pcap', 'nokiapcap', 'nsecpcap', 'pcapng'])
    it(`reads what editcap writes as ${type}`, () =>
      withFolder((folder) => {
        const path = writeIn(folder, 'standard', captureFile(LITTLE, recordsOf(10)));
        const other = join(folder, type);
        execFileSync('editcap', ['-F', type, path, other], { stdio: 'pipe' });
        const { frames, problem } = readFile(path);
        const ours = readFile(other);
        assert.deepEqual([ours.problem, ours.frames.length], [problem, frames.length]);
        frames.forEach((frame, i) => {
          const { timeMs = 0, ...rest } = ours.frames[i] ?? {};
          assert.deepEqual({ ...frame, timeMs: 0 }, { ...rest, timeMs: 0 });
          assert(Math.abs(timeMs - frame.timeMs) < 0.0005, `${timeMs} instead of ${frame.timeMs} ms`);
        });
      }));
});
