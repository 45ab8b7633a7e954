import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { type ReadFile, readFile } from './captureFile.ts';
import { pcapngWriter } from './pcapngFile.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-pcapng-'));
});
after(() => rmSync(folder, { recursive: true }));

function read(...blocks: readonly Uint8Array[]): ReadFile {
  const path = join(folder, 'capture.pcapng');
  writeFileSync(path, Buffer.concat(blocks));
  return readFile(path);
}

const ETHERNET = 1;
const RAW = 101;
const bytesOf = (length: number, first = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => first + i);

const { block, u32, option, section, on, enhanced, simple } = pcapngWriter();
/** To the microsecond. */
const seconds = (file: ReadFile): number[] => file.frames.map(({ timeMs }) => Math.round(timeMs * 1000) / 1e6);
const resolution = (value: number): Uint8Array => option(9, Uint8Array.of(value));

const packets = fc.array(
  fc.record({
    seconds: fc.nat(0xffff_ffff),
    fraction: fc.nat(999_999),
    bytes: fc.uint8Array({ maxLength: 100 }),
    more: fc.nat(2000),
  }),
  { maxLength: 40 },
);

describe('openPcap of pcapng', () => {
  for (const isLittleEndian of [true, false])
    it(`gives what was written, times to the microsecond, ${isLittleEndian ? 'little' : 'big'} endian`, () => {
      const write = pcapngWriter(isLittleEndian);
      fc.assert(
        fc.property(packets, fc.boolean(), (given, isObsolete) => {
          const packet = isObsolete ? write.obsolete : write.enhanced;
          const { frames, problem, received } = read(
            write.section(),
            write.on(RAW),
            ...given.map((one) =>
              packet(
                0,
                BigInt(one.seconds) * 1_000_000n + BigInt(one.fraction),
                one.bytes,
                one.bytes.length + one.more,
              ),
            ),
          );
          assert.deepEqual([problem, received], [null, given.length]);
          assert.deepEqual(
            frames.map((one) => ({ ...one, timeMs: Math.round(one.timeMs * 1000) })),
            given.map((one) => ({
              bytes: Buffer.from(one.bytes).toString('hex'),
              wireLength: one.bytes.length + one.more,
              timeMs: one.seconds * 1e6 + one.fraction,
              linkType: RAW,
            })),
          );
        }),
        { numRuns: 50 },
      );
    });

  for (const [criterion, options, units, expected] of [
    ['milliseconds', [resolution(3)], 5_250n, 5.25],
    ['nanoseconds', [resolution(9)], 1_767_225_600_250_000_000n, 1_767_225_600.25],
    ['2^-10 seconds', [resolution(0x8a)], 5_376n, 5.25],
    ['an offset in seconds', [option(14, u32(100, 0))], 5_250_000n, 105.25],
    ['an offset back', [option(14, u32(0xffff_ffff, 0xffff_ffff))], 5_250_000n, 4.25],
    ['an option that is not known', [option(2, bytesOf(5)), resolution(3)], 5_250n, 5.25],
    ['an option of one byte that is not known', [option(2, Uint8Array.of(3))], 5_250_000n, 5.25],
    ['an option behind the end of options', [option(0, bytesOf(0)), resolution(3)], 5_250_000n, 5.25],
    ['an option that is longer than its block', [u32(0x00ff_0009)], 5_250_000n, 5.25],
  ] as const)
    it(`reads times in ${criterion}`, () => {
      assert.deepEqual(seconds(read(section(), on(ETHERNET, 0, ...options), enhanced(0, units, bytesOf(4)))), [
        expected,
      ]);
    });

  it('keeps the interfaces of a section apart, each with its link type and resolution', () => {
    const file = read(
      section(),
      on(ETHERNET),
      on(RAW, 0, resolution(3)),
      enhanced(0, 1_000_000n, bytesOf(1)),
      enhanced(1, 2_000n, bytesOf(2)),
      enhanced(0, 3_000_000n, bytesOf(3)),
    );
    assert.deepEqual(seconds(file), [1, 2, 3]);
    assert.deepEqual(
      file.frames.map(({ linkType }) => linkType),
      [ETHERNET, RAW, ETHERNET],
    );
  });

  it('begins anew with each section, in its own byte order', () => {
    const other = pcapngWriter(false);
    const file = read(
      section(),
      on(ETHERNET),
      enhanced(0, 1_000_000n, bytesOf(1)),
      other.section(),
      other.on(RAW),
      other.enhanced(0, 2_000_000n, bytesOf(2)),
      section(),
      enhanced(0, 3_000_000n, bytesOf(3)),
    );
    assert.deepEqual(
      file.frames.map(({ linkType, timeMs }) => [linkType, timeMs]),
      [
        [ETHERNET, 1000],
        [RAW, 2000],
      ],
    );
    assert.match(String(file.problem?.[0]), /packet of interface 0, which is not described/);
  });

  it('cuts a simple packet at the snap length, and gives it the time of the one before', () => {
    const file = read(
      section(),
      on(ETHERNET, 10),
      enhanced(0, 7_000_000n, bytesOf(3)),
      simple(bytesOf(10), 1500),
      simple(bytesOf(3)),
    );
    assert.deepEqual(
      file.frames.map(({ bytes, wireLength, timeMs }) => [bytes.length / 2, wireLength, timeMs]),
      [
        [3, 3, 7000],
        [10, 1500, 7000],
        [3, 3, 7000],
      ],
    );
  });

  for (const length of [0, 5, 100_000, 262_208, 1_000_000])
    it(`skips a block that is not known, of ${length} bytes`, () => {
      const file = read(
        section(),
        block(0xbad, bytesOf(length)),
        on(ETHERNET),
        block(5, bytesOf(length)),
        enhanced(0, 1_000_000n, bytesOf(9)),
        block(0xbad, bytesOf(length)),
        enhanced(0, 2_000_000n, bytesOf(9)),
      );
      assert.deepEqual([seconds(file), file.problem], [[1, 2], null]);
    });

  it('gives more packets than a block or a chunk holds, and one of the largest size', () => {
    const many = Array.from({ length: 9000 }, (_, i) => enhanced(0, BigInt(i), bytesOf(i % 20)));
    const { frames, problem, blocks } = read(section(), on(ETHERNET), ...many, enhanced(0, 0n, bytesOf(262_144)));
    assert.deepEqual([frames.length, frames.at(-1)?.bytes.length, problem], [9001, 2 * 262_144, null]);
    assert(blocks >= 3);
  });

  it('keeps packets of different link types apart, however often they take turns', () => {
    const many = Array.from({ length: 1000 }, (_, i) => enhanced(i % 3 === 0 ? 1 : 0, BigInt(i), bytesOf(4, i % 200)));
    const { frames, problem } = read(section(), on(ETHERNET), on(RAW), ...many);
    assert.equal(problem, null);
    assert.deepEqual(
      frames.map(({ linkType, bytes }) => [linkType, bytes]),
      many.map((_, i) => [i % 3 === 0 ? RAW : ETHERNET, Buffer.from(bytesOf(4, i % 200)).toString('hex')]),
    );
  });

  it('never gives a frame that was shorter on the wire than what is there of it', () => {
    const { frames } = read(section(), on(ETHERNET), enhanced(0, 0n, bytesOf(60), 0));
    assert.equal(frames[0]?.wireLength, 60);
  });

  /** The second interface counts seconds. */
  const good = [section(), on(ETHERNET), on(ETHERNET, 0, resolution(0)), enhanced(0, 0n, bytesOf(9))];
  const goodBytes = Buffer.concat(good).length;

  for (const [criterion, bad, reason] of [
    ['a block of 11 bytes', u32(6, 11, 0), 'block of 11 bytes'],
    ['a block of no bytes', u32(6, 0, 0), 'block of 0 bytes'],
    ['a packet block of 4 GiB', u32(6, 0xffff_fffc, 0), 'block of 4294967292 bytes'],
    ['a packet longer than its block', block(6, u32(0, 0, 0, 100, 100), bytesOf(96)), 'packet of 100 bytes'],
    ['a packet of nearly 4 GiB', block(6, u32(0, 0, 0, 0xffff_ffff, 0xffff_ffff)), 'packet of 4294967295 bytes'],
    ['a packet block without its fields', block(6, u32(0, 0, 0, 0)), 'packet truncated'],
    ['a block that ends as one of another length', u32(0xbad, 16, 0, 20), 'block of 16 bytes that ends as one of 20'],
    [
      'a packet that ends as one of another length',
      Buffer.concat([enhanced(0, 0n, bytesOf(4)).subarray(0, -4), u32(32)]),
      'block of 36 bytes that ends as one of 32',
    ],
    [
      'a packet of a time that no calendar has',
      enhanced(1, 8_640_000_000_001n, bytesOf(4)),
      'packet of second 8640000000001',
    ],
    ['a packet of an unknown interface', enhanced(2, 0n, bytesOf(4)), 'packet of interface 2, which is not described'],
    ['half an interface description', block(1, u32(1)), 'interface description truncated'],
    ['a section without its magic', block(0x0a0d0d0a, u32(1, 2, 3, 4)), 'section header without its magic'],
  ] as const)
    it(`gives what comes before ${criterion}`, () => {
      const { frames, problem } = read(...good, bad, ...good);
      assert.equal(frames.length, 1);
      assert.deepEqual(problem, [reason, goodBytes]);
    });

  it('gives what was readable of a file cut anywhere, then one error', () => {
    const unknown = block(0xbad, bytesOf(20));
    const blocks = [...good, unknown, enhanced(0, 1_000_000n, bytesOf(7))];
    const starts = blocks.map((_, i) => Buffer.concat(blocks.slice(0, i)).length);
    const file = Buffer.concat(blocks);
    for (let length = starts[1] ?? 0; length < file.length; length++) {
      const { frames, problem } = read(file.subarray(0, length));
      assert.equal(frames.length, length < goodBytes ? 0 : 1, `cut at ${length}`);
      const start = starts.findLast((at) => at <= length) ?? 0;
      // What is skipped has been read up to where it ends.
      const isSkipped = start === goodBytes && length >= goodBytes + 12;
      const expected = isSkipped ? ['block truncated', length] : ['record truncated', start];
      assert.deepEqual(problem, start === length ? null : expected, `cut at ${length}`);
    }
  });

  it('throws nothing but DecodeError for any blocks', () => {
    const field = fc.oneof(fc.nat(16), fc.nat(0xffff_ffff));
    const part = fc.oneof(
      fc.constantFrom(...good),
      fc.tuple(fc.nat(6), fc.array(field, { maxLength: 12 })).map(([type, fields]) => block(type, u32(...fields))),
      fc.array(field, { maxLength: 5 }).map((fields) => u32(...fields)),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        read(section(), on(ETHERNET), ...parts);
      }),
      { numRuns: 1000 },
    );
  });
});
