import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  BATCH_BYTES,
  BATCH_HEADER_BYTES,
  DROPPED_BY_KERNEL,
  makeBatchBlock,
  MOST_FRAMES,
  readBatchHeader,
  readFrames,
} from '../../../probes/cap/batch.ts';
import { BatchWriter } from '../../../probes/cap/batchWriter.ts';
import { LINKTYPE_ETHERNET, MAX_TIME_MS } from '../../../probes/probe.ts';
import { ProbeError } from '../../../probes/probeError.ts';

interface Sent {
  readonly bytes: Uint8Array;
  readonly wireLength: number;
  readonly timeMs: number;
  readonly flags: number;
}

/** A pipe with room for so many bytes, which gives them back. */
class Pipe {
  room: number;
  taken: Buffer[] = [];
  droppedByKernel: number | null = 0;

  constructor(room = Infinity) {
    this.room = room;
  }

  readonly outlet = {
    write: (bytes: Uint8Array): number => {
      const count = Math.min(bytes.length, this.room);
      if (count === 0) return -1;
      this.room -= count;
      this.taken.push(Buffer.from(bytes.slice(0, count)));
      return count;
    },
    droppedByKernel: () => this.droppedByKernel,
  };
}

const frameMemory = new ArrayBuffer(1 << 16);
const frameBytes = new Uint8Array(frameMemory);
const frameWords = new Uint32Array(frameMemory);

function add(writer: BatchWriter, { bytes, wireLength, timeMs, flags }: Sent): void {
  frameBytes.fill(0xee, 0, bytes.length + 8);
  frameBytes.set(bytes);
  writer.add(frameWords, frameBytes, bytes.length, wireLength, timeMs, flags);
}

/** The batches of a stream. */
function batchesOf(stream: Uint8Array) {
  const batches = [];
  for (let at = 0; at < stream.length;) {
    const memory = new ArrayBuffer(BATCH_BYTES);
    new Uint8Array(memory).set(stream.subarray(at, Math.min(stream.length, at + BATCH_BYTES)));
    const view = new DataView(memory);
    const header = readBatchHeader(view);
    const block = makeBatchBlock(memory);
    readFrames(view, header, block);
    batches.push({ header, block });
    at += header.length;
  }
  return batches;
}

const framesOf = (stream: Uint8Array): Sent[] =>
  batchesOf(stream).flatMap(({ block }) =>
    Array.from({ length: block.count }, (_, i) => ({
      bytes: block.bytes.slice(block.offsets[i], (block.offsets[i] ?? 0) + (block.capturedLengths[i] ?? 0)),
      wireLength: block.wireLengths[i] ?? -1,
      timeMs: block.timesMs[i] ?? -1,
      flags: block.flags[i] ?? -1,
    })),
  );

const anyFrame = fc.record(
  {
    bytes: fc.uint8Array({ maxLength: 400 }),
    wireLength: fc.nat(0xffff_ffff),
    timeMs: fc.double({ noNaN: true, min: -MAX_TIME_MS, max: MAX_TIME_MS }),
    flags: fc.nat(255),
  },
  { noNullPrototype: true },
);

describe('BatchWriter', () => {
  it('gives back every frame through readFrames, however little the pipe takes at once', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 60 }), fc.integer({ min: 1, max: 5000 }), (frames, room) => {
        const pipe = new Pipe(0);
        const writer = new BatchWriter(LINKTYPE_ETHERNET, pipe.outlet);
        for (const each of frames) {
          add(writer, each);
          writer.flush();
          pipe.room += room;
        }
        while (writer.isPending) {
          pipe.room += room;
          writer.flush();
        }
        assert.deepEqual(framesOf(Buffer.concat(pipe.taken)), frames);
      }),
    );
  });

  it('keeps the largest frame whole, and starts another batch where one is full', () => {
    const pipe = new Pipe();
    const writer = new BatchWriter(LINKTYPE_ETHERNET, pipe.outlet);
    const largest = { bytes: new Uint8Array(65_535).fill(7), wireLength: 65_535, timeMs: 1, flags: 0 };
    const smallest = { bytes: new Uint8Array(0), wireLength: 1, timeMs: 1, flags: 0 };
    for (let i = 0; i < 9; i++) add(writer, largest);
    for (let i = 0; i < MOST_FRAMES + 1; i++) add(writer, smallest);
    writer.flush();
    const frames = framesOf(Buffer.concat(pipe.taken));
    assert.equal(frames.length, 9 + MOST_FRAMES + 1);
    assert.deepEqual(frames[8], largest);
  });

  it('drops and counts what has no room while nobody reads, and goes on after', () => {
    const pipe = new Pipe(1000);
    const writer = new BatchWriter(LINKTYPE_ETHERNET, pipe.outlet);
    const one = { bytes: new Uint8Array(1000), wireLength: 1000, timeMs: 1, flags: 0 };
    for (let i = 0; i < 10_000; i++) add(writer, one);
    pipe.room = Infinity;
    writer.report();
    writer.report();
    const batches = batchesOf(Buffer.concat(pipe.taken));
    const received = batches.reduce((sum, { block }) => sum + block.count, 0);
    assert.ok(received < 2 * (BATCH_BYTES / 1000));
    assert.equal(received + (batches.at(-1)?.header.droppedByChild ?? 0), 10_000);
    assert.deepEqual(batches.at(-1)?.header.count, 0);
  });

  it('tells the loss of the kernel, or that it is not known', () => {
    const pipe = new Pipe();
    const writer = new BatchWriter(LINKTYPE_ETHERNET, pipe.outlet);
    for (const lost of [0, 12, null]) {
      pipe.droppedByKernel = lost;
      writer.report();
    }
    assert.deepEqual(
      batchesOf(Buffer.concat(pipe.taken)).map(({ header }) => header.droppedByKernel),
      [0, 12, null],
    );
  });
});

describe('readBatchHeader, readFrames', () => {
  const ODD: readonly (readonly [criterion: string, at: number, value: number])[] = [
    ['a loss without bounds', DROPPED_BY_KERNEL, Infinity],
    ['a loss that is no whole number', DROPPED_BY_KERNEL, 0.5],
    ['a time that is none', BATCH_HEADER_BYTES, Number.NaN],
    ['a time without bounds', BATCH_HEADER_BYTES, Infinity],
    ['a time before all others', BATCH_HEADER_BYTES, -1e300],
  ];
  for (const [criterion, at, value] of ODD)
    it(`take no ${criterion.replace(/^a /, '')} from the child`, () => {
      const pipe = new Pipe();
      const writer = new BatchWriter(LINKTYPE_ETHERNET, pipe.outlet);
      add(writer, { bytes: new Uint8Array(60), wireLength: 60, timeMs: 1, flags: 0 });
      writer.flush();
      const memory = new ArrayBuffer(BATCH_BYTES);
      new Uint8Array(memory).set(Buffer.concat(pipe.taken));
      const view = new DataView(memory);
      view.setFloat64(at, value, true);
      assert.throws(() => readFrames(view, readBatchHeader(view), makeBatchBlock(memory)), ProbeError);
    });

  it('read no memory that is not the batch, and throw nothing but ProbeError, whatever the child sends', () => {
    const pipe = new Pipe();
    const writer = new BatchWriter(LINKTYPE_ETHERNET, pipe.outlet);
    for (let i = 0; i < 20; i++) add(writer, { bytes: new Uint8Array(i * 7), wireLength: 60, timeMs: 1, flags: 0 });
    writer.flush();
    const sound = Buffer.concat(pipe.taken);
    let refused = 0;
    const mutation = fc.tuple(fc.nat(sound.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 8 }), (mutations) => {
        const memory = new ArrayBuffer(BATCH_BYTES);
        const bytes = new Uint8Array(memory);
        bytes.set(sound);
        for (const [at, value] of mutations) bytes[at] = value;
        const view = new DataView(memory);
        const block = makeBatchBlock(memory);
        try {
          const header = readBatchHeader(view);
          readFrames(view, header, block);
          assert.ok(block.count <= MOST_FRAMES);
          for (let i = 0; i < block.count; i++) {
            const [offset = -1, captured = -1] = [block.offsets[i], block.capturedLengths[i]];
            assert.ok(offset >= BATCH_HEADER_BYTES && offset + captured <= header.length);
          }
        } catch (error) {
          assert.ok(error instanceof ProbeError, String(error));
          refused++;
        }
      }),
      { numRuns: 2000 },
    );
    assert.ok(refused > 100);
  });
});
