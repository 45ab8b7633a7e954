import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { DecodeError } from '../../../probes/decodeError.ts';
import { openPcap } from '../../../probes/pcap/pcapProbe.ts';
import {
  captureFile,
  type CaptureRecord,
  fileHeader,
  type FileFormat,
  formatName,
  FORMATS,
  readFile,
  type ReadFile,
  words,
} from './captureFile.ts';

const LITTLE: FileFormat = { isLittleEndian: true, isNano: false, linkType: 1 };
const MAX_RECORD_BYTES = 262_144;

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-pcap-'));
});
after(() => rmSync(folder, { recursive: true }));

function write(file: Uint8Array): string {
  const path = join(folder, 'capture.pcap');
  writeFileSync(path, file);
  return path;
}
const read = (file: Uint8Array): ReadFile => readFile(write(file));
const openFiles = (): number => readdirSync('/proc/self/fd').length;

const bytesOf = (length: number, first = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => first + i);
const packet = (seconds: number, length = 60): CaptureRecord => ({
  seconds,
  fraction: 0,
  bytes: bytesOf(length, seconds),
  wireLength: length,
});

const records = fc.array(
  fc.record({
    seconds: fc.nat(0xffff_ffff),
    fraction: fc.nat(999_999),
    bytes: fc.uint8Array({ maxLength: 200 }),
    more: fc.nat(2000),
  }),
  { maxLength: 50 },
);

describe('openPcap', () => {
  for (const format of FORMATS)
    it(`gives what was written, times to the microsecond: ${formatName(format)}`, () =>
      fc.assert(
        fc.property(records, fc.nat(999), fc.nat(0xffff), (given, nanoseconds, linkType) => {
          const written = given.map(({ seconds, fraction, bytes, more }) => ({
            seconds,
            fraction: format.isNano ? fraction * 1000 + nanoseconds : fraction,
            bytes,
            wireLength: bytes.length + more,
          }));
          const { frames, problem, received } = read(captureFile({ ...format, linkType }, written));
          assert.equal(problem, null);
          assert.equal(received, given.length);
          frames.forEach((frame, i) => {
            const { seconds = 0, fraction = 0, bytes, more = 0 } = given[i] ?? {};
            assert.equal(frame.bytes, Buffer.from(bytes ?? []).toString('hex'));
            assert.equal(frame.wireLength, frame.bytes.length / 2 + more);
            assert.equal(frame.linkType, linkType);
            const microseconds = format.isNano ? fraction + nanoseconds / 1000 : fraction;
            // 0.25 µs is what a double of milliseconds resolves at the end of the century.
            const error = Math.abs(frame.timeMs * 1000 - (seconds * 1e6 + microseconds));
            assert(error <= 0.5, `${error} µs`);
            if (!format.isNano) assert.equal(Math.round(frame.timeMs * 1000), seconds * 1e6 + fraction);
          });
        }),
        { numRuns: 50 },
      ));

  it('gives more records than a block or a chunk holds, in order', () => {
    for (const longest of [20, 150]) {
      const many = Array.from({ length: 10_000 }, (_, i) => packet(i, i % longest));
      const { frames, blocks, received } = read(captureFile(LITTLE, many));
      assert.deepEqual([received, frames.length], [10_000, 10_000]);
      assert(blocks >= 3, `${blocks} blocks`);
      assert(frames.every(({ timeMs, bytes }, i) => timeMs === i * 1000 && bytes.length === (i % longest) * 2));
    }
  });

  it('gives records whose headers and bytes lie across the ends of chunks', () => {
    for (const length of [1500, 65_535, 100_001]) {
      const many = Array.from({ length: 20 }, (_, i) => packet(i, length));
      const { frames, problem } = read(captureFile(LITTLE, many));
      assert.deepEqual([frames.length, problem], [20, null]);
      frames.forEach(({ bytes }, i) => assert.equal(bytes, Buffer.from(bytesOf(length, i)).toString('hex')));
    }
  });

  it('gives a record of the largest size, and of none', () => {
    const given = [packet(0, 0), packet(1, MAX_RECORD_BYTES), packet(2, 0), packet(3, MAX_RECORD_BYTES), packet(4, 0)];
    const { frames, problem } = read(captureFile(LITTLE, given));
    assert.equal(problem, null);
    assert.deepEqual(
      frames.map(({ bytes }) => bytes.length / 2),
      [0, MAX_RECORD_BYTES, 0, MAX_RECORD_BYTES, 0],
    );
  });

  it('never gives a frame that was shorter on the wire than what is there of it', () => {
    const lying = [0, 59, 60, 1500, 0x7fff_ffff].map((wireLength) => ({ ...packet(0), wireLength }));
    const { frames } = read(captureFile(LITTLE, lying));
    assert.deepEqual(
      frames.map(({ wireLength }) => wireLength),
      [60, 60, 60, 1500, 0x7fff_ffff],
    );
  });

  it('ignores what the link type says about frame check sequences', () => {
    const { frames } = read(captureFile({ ...LITTLE, linkType: 0x3000_0001 }, [packet(0)]));
    assert.equal(frames[0]?.linkType, 1);
  });

  it('takes a fraction of a second of more than a second as it is', () => {
    const [frame] = read(captureFile(LITTLE, [{ ...packet(10), fraction: 0xffff_ffff }])).frames;
    assert.equal(Math.round((frame?.timeMs ?? 0) * 1000), 10e6 + 0xffff_ffff);
  });

  it('ends at once after a header alone', () => {
    assert.deepEqual(read(fileHeader(LITTLE)), { frames: [], blocks: 0, problem: null, received: 0 });
  });

  it('refuses an empty file, and each part of a header', () => {
    for (let length = 0; length < 24; length++)
      assert.throws(() => read(fileHeader(LITTLE).subarray(0, length)), {
        name: 'DecodeError',
        reason: 'file header truncated',
        offset: length,
      });
  });

  it('refuses what is no capture', () => {
    assert.throws(() => read(bytesOf(100)), { name: 'DecodeError', reason: 'neither pcap nor pcapng', offset: 0 });
  });

  it('gives what was readable of a file cut anywhere, then one error with the offset of the cut record', () => {
    const given = [packet(1, 0), packet(2, 5), packet(3, 60), packet(4, 1)];
    const file = captureFile(LITTLE, given);
    const starts = given.map((_, i) => captureFile(LITTLE, given.slice(0, i)).length);
    for (let length = 24; length < file.length; length++) {
      const whole = starts.filter((start, i) => start + 16 + (given[i]?.bytes.length ?? 0) <= length).length;
      const { frames, problem } = read(file.subarray(0, length));
      assert.equal(frames.length, whole, `cut at ${length}`);
      const start = starts[whole] ?? 0;
      assert.deepEqual(problem, start === length ? null : ['record truncated', start], `cut at ${length}`);
    }
  });

  for (const [length, isBad] of [
    [MAX_RECORD_BYTES, false],
    [MAX_RECORD_BYTES + 1, true],
    [0x7fff_ffff, true],
    [0x8000_0000, true],
    [0xffff_ffff, true],
  ] as const)
    it(`gives what comes before a record of ${length} bytes`, () => {
      const before = Array.from({ length: 5000 }, (_, i) => packet(i, 10));
      const file = Buffer.concat([captureFile(LITTLE, before), words(true, 1, 1, length, length), bytesOf(100)]);
      const { frames, problem } = read(file);
      assert.equal(frames.length, before.length);
      const offset = 24 + before.length * 26;
      assert.deepEqual(problem, [isBad ? `record of ${length} bytes` : 'record truncated', offset]);
    });

  it('throws nothing but DecodeError for any bytes behind a header', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(300).map((n) => words(true, 1, 2, n, n)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...FORMATS), fc.array(part), (format, parts) => {
        read(Buffer.concat([fileHeader(format), ...parts]));
      }),
      { numRuns: 500 },
    );
  });
});

describe('openPcap and its file', () => {
  let opened = 0;
  beforeEach(() => {
    opened = openFiles();
  });
  afterEach(() => assert.equal(openFiles(), opened));

  it('closes a file that is no capture', () => {
    const path = write(bytesOf(100));
    for (let i = 0; i < 10; i++) assert.throws(() => openPcap(path), DecodeError);
  });

  it('closes a file that is broken, and one that was read', () => {
    const file = captureFile(LITTLE, [packet(1)]);
    assert.deepEqual([read(file).problem, read(file.subarray(0, 50)).problem], [null, ['record truncated', 24]]);
  });

  it('says what open(2) says of a file that is not there', () => {
    assert.throws(() => openPcap('/nonexistent/capture.pcap'), { code: 'ENOENT' });
    assert.throws(() => openPcap(folder), { code: 'EISDIR' });
  });
});
