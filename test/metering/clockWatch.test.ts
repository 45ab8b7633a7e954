import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { ClockWatch, readClocks } from '../../daemon/metering/clockWatch.ts';

/** Readings at these monotonic times, the wall clock so far ahead of them. */
const jumpsAt = (readings: readonly (readonly [monotonicMs: number, offsetMs: number, readingMs?: number])[]) => {
  const watch = new ClockWatch();
  return readings.map(([beforeMs, offsetMs, readingMs = 0]) =>
    watch.observe({ wallMs: beforeMs + offsetMs, beforeMs, afterMs: beforeMs + readingMs }),
  );
};

const EPOCH_MS = 1_772_323_200_000;

describe('ClockWatch', () => {
  it('tells by how much the clock was set, forward and back, once each', () => {
    const jumps = jumpsAt([
      [0, EPOCH_MS],
      [20, EPOCH_MS],
      [40, EPOCH_MS + 3_600_000],
      [60, EPOCH_MS + 3_600_000],
      [80, EPOCH_MS - 500],
      [100, EPOCH_MS - 500],
    ]);
    assert.deepEqual(jumps, [0, 0, 3_600_000, 0, -3_600_500, 0]);
  });

  it('says nothing of a clock that is slewed, however long', () => {
    // 500 ppm, a reading every 250 ms: 0.125 ms each, 43 s a day.
    const jumps = jumpsAt(Array.from({ length: 1000 }, (_, i) => [i * 250, EPOCH_MS + i * 0.125]));
    assert.deepEqual(new Set(jumps), new Set([0]));
  });

  it('does not take for a jump what a thread that was put aside reads', () => {
    const jumps = jumpsAt([
      [0, EPOCH_MS],
      [20, EPOCH_MS + 400, 401],
      [600, EPOCH_MS],
    ]);
    assert.deepEqual(jumps, [0, 0, 0]);
  });

  it('loses no jump, although a reading may be of no use: they add up to how far the clock was set', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 100, max: 10_000 }), fc.boolean()), {
      maxLength: 50,
    });
    fc.assert(
      fc.property(steps, fc.boolean(), (each, isBack) => {
        let offsetMs = EPOCH_MS;
        const jumps = jumpsAt([
          [0, EPOCH_MS],
          ...each.map(([jumpMs, isSlow], i) => {
            offsetMs += isBack ? -jumpMs : jumpMs;
            return [i * 20 + 20, offsetMs, isSlow ? 11 : 0] as const;
          }),
          [1e6, (offsetMs += 1e6)],
        ]);
        assert.equal(
          jumps.reduce((sum, jump) => sum + jump, 0),
          offsetMs - EPOCH_MS,
        );
      }),
    );
  });

  it('reads the clocks of this machine, and finds that nobody sets them', () => {
    const watch = new ClockWatch();
    for (let i = 0; i < 1000; i++) assert.equal(watch.observe(readClocks()), 0);
  });
});
