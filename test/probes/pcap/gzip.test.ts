import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { DecodeError } from '../../../probes/decodeError.ts';
import { openPcap } from '../../../probes/pcap/pcapProbe.ts';
import { withFolder, writeIn } from '../../support/pcapFile.ts';
import { captureFile, type CaptureRecord, type FileFormat, readBytes, readFile } from './captureFile.ts';

const FORMAT: FileFormat = { isLittleEndian: true, isNano: false, linkType: 1 };

const records = Array.from({ length: 200 }, (_, i): CaptureRecord => {
  const bytes = Uint8Array.from({ length: 40 + (i % 60) }, (__, at) => (at * i * 7919) >> 3);
  return { seconds: i, fraction: i, bytes, wireLength: 100 };
});
const plain = captureFile(FORMAT, records);
const packed = gzipSync(plain);

/** What zlib itself gets out of a stream that was cut. */
const unpackedOf = (cut: Uint8Array): Uint8Array => gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH });

describe('openPcap of gzip', () => {
  for (const level of [0, 1, 6, 9])
    it(`gives what the unpacked file has, packed at level ${level}`, () => {
      assert.deepEqual(readBytes(gzipSync(plain, { level })), readBytes(plain));
    });

  it('gives what the unpacked file has, as gzip(1) packs it, pcapng too', () =>
    withFolder((folder) => {
      const path = writeIn(folder, 'capture.pcap', plain);
      execFileSync('editcap', ['-F', 'pcapng', path, `${path}ng`], { stdio: 'pipe' });
      for (const each of [path, `${path}ng`]) {
        const expected = readFile(each);
        execFileSync('gzip', [each]);
        assert.deepEqual(readFile(`${each}.gz`), expected);
      }
    }));

  it('gives what several members have, wherever the file was cut into them', () =>
    fc.assert(
      fc.property(fc.array(fc.nat(plain.length)), fc.nat(3), (cuts, zeros) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), plain.length];
        const members = at.slice(1).map((to, i) => gzipSync(plain.subarray(at[i], to)));
        const { frames, problem } = readBytes(Buffer.concat([...members, new Uint8Array(zeros)]));
        assert.deepEqual([frames, problem], [readBytes(plain).frames, null]);
      }),
      { numRuns: 50 },
    ));

  it('gives a file that unpacks to many chunks, across the ends of all of them', () => {
    const bytes = Uint8Array.from({ length: 100_001 }, (_, at) => (at * at) >> 5);
    const long = captureFile(
      FORMAT,
      records.slice(0, 30).map((one) => ({ ...one, bytes, wireLength: bytes.length })),
    );
    assert.deepEqual(readBytes(gzipSync(long)), readBytes(long));
  });

  it('gives all that can be unpacked of a file cut anywhere, then one error with the offset', () => {
    for (let length = 300; length < packed.length; length += 61) {
      const cut = packed.subarray(0, length);
      const expected = readBytes(unpackedOf(cut));
      const { frames, problem } = readBytes(cut);
      assert.deepEqual(frames, expected.frames, `cut at ${length}`);
      assert.deepEqual(problem, ['gzip stream truncated', length]);
    }
  });

  it('gives all of a file whose checksum or length is wrong, then an error', () => {
    for (const at of [packed.length - 8, packed.length - 1]) {
      const wrong = Buffer.from(packed);
      wrong[at] = (wrong[at] ?? 0) ^ 1;
      const { frames, problem } = readBytes(wrong);
      assert.equal(frames.length, records.length);
      assert.equal(problem?.[0], 'gzip stream corrupt');
      assert(Math.abs((problem?.[1] ?? 0) - packed.length) <= 8, `at ${problem?.[1]}`);
    }
  });

  for (const [what, behind] of [
    ['something else', Buffer.from('no gzip')],
    ['half a member', gzipSync('abc').subarray(0, 5)],
  ] as const)
    it(`gives all of a file that has ${what} behind its end, then an error`, () => {
      const { frames, problem } = readBytes(Buffer.concat([packed, behind]));
      assert.equal(frames.length, records.length);
      assert.match(problem?.[0] ?? '', /^gzip stream truncated$|^bytes behind the end of the gzip stream$/);
    });

  it('says in which of the two files a broken record is', () =>
    withFolder((folder) => {
      const path = writeIn(folder, 'capture.pcap.gz', gzipSync(plain.subarray(0, 50)));
      const probe = openPcap(path);
      assert.throws(() => probe.next(0), { message: `Cannot read ${path}, unpacked: record truncated at byte 24` });
      probe.close();
    }));

  for (const [what, file, reason] of [
    ['the first bytes of gzip alone', packed.subarray(0, 2), 'gzip stream truncated'],
    ['gzip of nothing', gzipSync(''), 'file header truncated'],
    ['gzip of no capture', gzipSync('neither of these formats, but long'), 'neither pcap nor pcapng'],
  ] as const)
    it(`refuses ${what}, and leaves no file open`, () =>
      withFolder((folder) => {
        const path = writeIn(folder, 'capture.gz', file);
        const opened = readdirSync('/proc/self/fd').length;
        assert.throws(() => openPcap(path), { name: 'DecodeError', reason });
        assert.equal(readdirSync('/proc/self/fd').length, opened);
      }));

  it('takes no more memory for a file that unpacks to a thousand times its size', () =>
    withFolder((folder) => {
      const mebibyte = gzipSync(new Uint8Array(1 << 20), { level: 9 });
      const members = Array.from({ length: 128 }, () => mebibyte);
      const path = writeIn(folder, 'bomb.pcap.gz', Buffer.concat([gzipSync(captureFile(FORMAT, [])), ...members]));
      const probe = openPcap(path);
      const before = process.memoryUsage().rss;
      let frames = 0;
      for (let block = probe.next(0); block !== null; block = probe.next(0)) frames += block.count;
      probe.close();
      assert.equal(frames, 128 * 65_536);
      const grownMiB = (process.memoryUsage().rss - before) / 2 ** 20;
      assert(grownMiB < 32, `${grownMiB} MiB`);
    }));

  it('throws nothing but DecodeError for any bytes behind the magic', () =>
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.nat(255), (at, value) => {
        const wrong = Buffer.from(packed);
        wrong[at] = value;
        try {
          readBytes(wrong);
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
        }
      }),
      { numRuns: 500 },
    ));
});
