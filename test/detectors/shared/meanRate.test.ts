import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { MeanRate } from '../../../daemon/detectors/shared/meanRate.ts';

const spans = fc.constantFrom(250, 1000, 5000, 60_000, 900_000, 86_400_000);
/** Windows of up to 100 s with gaps between them. */
const history = fc.array(
  fc.record({
    gapMs: fc.integer({ min: 0, max: 100_000 }),
    lengthMs: fc.integer({ min: 1, max: 100_000 }),
    amount: fc.integer({ min: 0, max: 1e9 }),
  }),
  { maxLength: 30 },
);

describe('MeanRate', () => {
  it('gives a steady rate exactly once the span is full, wherever its buckets lie', () => {
    fc.assert(
      fc.property(spans, fc.integer({ min: 0, max: 1e9 }), (spanMs, windows) => {
        const mean = new MeanRate(spanMs);
        const step = spanMs / 100;
        const startMs = windows * 250;
        for (let i = 0; i < 110; i++) mean.add(startMs + i * step, startMs + (i + 1) * step, 1000);
        const error = mean.perSecond(startMs + 110 * step) / ((1000 * 1000) / step) - 1;
        assert(Math.abs(error) < 1e-6, `off by ${error}`);
      }),
    );
  });

  it('never counts more than was seen, is never negative, and keeps at most 60 buckets', () => {
    fc.assert(
      fc.property(spans, history, (spanMs, windows) => {
        const mean = new MeanRate(spanMs);
        let nowMs = 1_700_000_000_000;
        let amount = 0;
        for (const window of windows) {
          nowMs += window.gapMs;
          mean.add(nowMs, nowMs + window.lengthMs, window.amount);
          nowMs += window.lengthMs;
          amount += window.amount;
          const rate = mean.perSecond(nowMs);
          assert(rate >= 0 && rate <= ((amount * 1000) / spanMs) * 1.000001);
        }
        assert(mean.save().amounts.length <= 60);
      }),
    );
  });

  it('has what lies in the span, in whatever steps time goes on', () => {
    const steps = fc.array(fc.tuple(fc.nat(3000), fc.nat(1e6)), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(steps, (moves) => {
        const mean = new MeanRate(5000);
        const seen: { startMs: number; amount: number }[] = [];
        let nowMs = 1_000_000;
        for (const [moveMs, amount] of moves) {
          nowMs = Math.floor((nowMs + moveMs) / 250) * 250;
          mean.add(nowMs, nowMs + 250, amount);
          seen.push({ startMs: nowMs, amount });
        }
        const inside = seen.filter(({ startMs }) => startMs >= nowMs + 250 - 5000);
        const expected = inside.reduce((sum, { amount }) => sum + amount, 0) / 5;
        assert(Math.abs(mean.perSecond(nowMs + 250) - expected) <= 1e-6 * Math.max(expected, 1));
      }),
    );
  });

  it('takes any time, and counts nothing at those that no clock has', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ min: 0, max: 1e9, noNaN: true }), (startMs, amount) => {
        const mean = new MeanRate(60_000);
        mean.add(startMs, startMs + 250, amount);
        assert(mean.perSecond(startMs + 250) <= (amount * 1000) / 60_000 + 1e-6);
      }),
    );
  });

  it('is the same after save and restore', () => {
    fc.assert(
      fc.property(spans, history, (spanMs, windows) => {
        const mean = new MeanRate(spanMs);
        let nowMs = 0;
        for (const window of windows) {
          mean.add(nowMs + window.gapMs, nowMs + window.gapMs + window.lengthMs, window.amount);
          nowMs += window.gapMs + window.lengthMs;
        }
        const restored = new MeanRate(spanMs);
        restored.restore(mean.save());
        const [before, after] = [mean.perSecond(nowMs), restored.perSecond(nowMs)];
        assert(Math.abs(after - before) <= 1e-9 * Math.max(before, 1), `${after}, before ${before}`);
      }),
    );
  });
});
