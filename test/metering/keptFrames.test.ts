import assert from 'node:assert/strict';
import { KeptFrames } from '../../daemon/metering/keptFrames.ts';
import { blockOf, frame } from '../support/frames.ts';

const frames = (count: number, first = 0) =>
  blockOf(
    Array.from({ length: count }, (_, i) => ({
      bytes: frame({ source: '192.0.2.1', destination: '198.51.100.9', protocol: 'udp', payload: 200 }),
      timeMs: first + i,
      wireLength: 1000 + i,
    })),
  );

describe('KeptFrames', () => {
  it('gives what was kept once, cut, with its time and length on the wire', () => {
    const kept = new KeptFrames();
    kept.open();
    kept.tell(frames(3), 1);
    const [one, ...others] = kept.read();
    assert.deepEqual(
      [one?.timeMs, one?.wireLength, one?.linkType, one?.bytes.length, others.length],
      [1, 1001, 1, 128, 0],
    );
    assert.deepEqual(one?.bytes, Uint8Array.from(frames(1).bytes.subarray(0, 128)));
    assert.deepEqual(kept.read(), []);
  });

  it('keeps all frames of a quiet point, and an even sample of a busy one', () => {
    const kept = new KeptFrames();
    const counts = [40, 1000, 1000, 100_000, 100_000, 40].map((count) => {
      kept.open();
      for (let from = 0; from < count; from += 1000) {
        const block = frames(Math.min(1000, count - from), from);
        kept.sample(block, 0, block.count);
      }
      return kept.read().length;
    });
    const [quiet = 0, , busy = 0, , flooded = 0, again = 0] = counts;
    assert.equal(quiet, 40);
    assert(busy >= 64 && busy <= 130, `${busy} of 1,000`);
    assert(flooded >= 64 && flooded <= 130, `${flooded} of 100,000`);
    assert(again <= 1, 'what the window before allowed');
  });

  it("writes nothing over in a flood's first window, and samples all of it", () => {
    const kept = new KeptFrames();
    for (const [window, count] of [100, 200_000].entries()) {
      kept.open();
      kept.read();
      const block = frames(count, window);
      for (let from = 0; from < count; from += 20_000) kept.sample(block, from, Math.min(from + 20_000, count));
    }
    const times = kept.read().map(({ timeMs }) => timeMs);
    assert(times.length >= 256 && times.length < 1000, `${times.length} of 200,000`);
    assert.equal(times[0], 1, 'the first is there');
    assert((times.at(-1) ?? 0) > 150_000, 'and some of the last');
  });

  it('looks at no more frames than there are when the count is behind', () => {
    const memory = new SharedArrayBuffer(KeptFrames.byteLength);
    const kept = new KeptFrames(memory);
    const count = new Int32Array(memory, 0, 1);
    Atomics.store(count, 0, 0x3fff_ffff);
    kept.read();
    Atomics.store(count, 0, 0x3000_0000);
    const sinceMs = performance.now();
    assert.deepEqual(kept.read(), []);
    assert(performance.now() - sinceMs < 500, 'not at all that were ever there');
  });

  it('keeps no more telling frames than a window may have', () => {
    const kept = new KeptFrames();
    const block = frames(1000);
    kept.open();
    for (let i = 0; i < 1000; i++) kept.tell(block, i);
    assert.equal(kept.read().length, 256);
  });

  it('leaves out what was written over before it was read', () => {
    const kept = new KeptFrames();
    for (let window = 0; window < 20; window++) {
      kept.open();
      const block = frames(256, window * 256);
      for (let i = 0; i < 256; i++) kept.tell(block, i);
    }
    const times = kept.read().map(({ timeMs }) => timeMs);
    assert.deepEqual([times.length, times[0], times.at(-1)], [2048, 20 * 256 - 2048, 20 * 256 - 1]);
  });

  it('is read by another that shares its memory', () => {
    const memory = new SharedArrayBuffer(KeptFrames.byteLength);
    const [writer, reader] = [new KeptFrames(memory), new KeptFrames(memory)];
    writer.open();
    writer.tell(frames(1), 0);
    assert.equal(reader.read().length, 1);
  });
});
