import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { SAMPLE_MS, ThroughputSamples } from '../../../daemon/detectors/shared/throughputSamples.ts';

const DAY = 288;
/** A month of 30 days, at its start. */
const JUNE_MS = Date.UTC(2026, 5, 1);

/** Bytes of a sample at `bps`. */
const bytesAt = (bps: number, ms = SAMPLE_MS): number => (bps * ms) / 8000;

/** Whole samples of these rates, one after the other, and the beginning of one more. */
function sampled(rates: readonly number[], startMs = JUNE_MS, count = DAY): ThroughputSamples {
  const samples = new ThroughputSamples(count);
  rates.forEach((bps, i) => samples.add(startMs + i * SAMPLE_MS, startMs + (i + 1) * SAMPLE_MS, bytesAt(bps)));
  const endMs = startMs + rates.length * SAMPLE_MS;
  samples.add(endMs, endMs + 250, 0);
  return samples;
}

/** A sample, 250 ms without anything, silence, and two samples more. */
function afterSilence(silenceMs: number): readonly number[] {
  const samples = sampled([8000]);
  const startMs = JUNE_MS + SAMPLE_MS + 250 + silenceMs;
  samples.add(startMs, startMs + 2 * SAMPLE_MS, bytesAt(8000, 2 * SAMPLE_MS));
  return [...samples.recent(DAY)].map(Math.round);
}

/** As a billing department does it: sort, drop a twentieth, take the largest. */
const billed = (rates: readonly number[]): number | undefined =>
  rates.toSorted((a, b) => b - a)[Math.floor(rates.length / 20)];

const rate = fc.integer({ min: 0, max: 2 ** 24 });

describe('ThroughputSamples', () => {
  it('has the means of whole 5 minutes, the latest first, however they are cut into windows', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(cuts, rate, (lengths, bps) => {
        const samples = new ThroughputSamples(DAY);
        let nowMs = JUNE_MS;
        let complete = 0;
        for (const lengthMs of [SAMPLE_MS, ...lengths]) {
          if (samples.add(nowMs, nowMs + lengthMs, bytesAt(bps, lengthMs))) complete += 1;
          nowMs += lengthMs;
        }
        const known = samples.recent(DAY);
        assert.equal(known.length, Math.ceil((nowMs - JUNE_MS) / SAMPLE_MS) - 1);
        assert(complete <= known.length);
        assert(known.every((each) => Math.abs(each - bps) <= bps * 1e-6));
      }),
    );
  });

  it('has as many as asked for of those that it keeps', () => {
    const samples = sampled([1, 2, 3, 4, 5], JUNE_MS, 4);
    assert.deepEqual([...samples.recent(2)], [5, 4]);
    assert.deepEqual([...samples.recent(9)], [5, 4, 3, 2]);
  });

  it('takes the 95th percentile of the month as billing does', () => {
    fc.assert(
      fc.property(fc.array(rate, { minLength: 1, maxLength: 600 }), (rates) => {
        assert.equal(sampled(rates).percentile95Bps, billed(rates));
      }),
    );
    assert.equal(new ThroughputSamples(DAY).percentile95Bps, null);
  });

  it('drops 36 hours of 30 days, whole months long, and begins anew with the next one', () => {
    const month = Array.from({ length: 8640 }, (_, i) => (i * 7919) % 8640);
    assert.equal(sampled(month).percentile95Bps, 8639 - 432);
    assert.equal(sampled([...month, 17]).percentile95Bps, 17);
    const longest = Array.from({ length: 8928 }, (_, i) => i);
    assert.equal(sampled(longest, Date.UTC(2026, 6, 1)).percentile95Bps, 8927 - 446);
  });

  it('takes silence for none, and a long one for time in which nobody looked', () => {
    assert.deepEqual(afterSilence(0), [8000, 7993, 8000]);
    assert.deepEqual(afterSilence(SAMPLE_MS / 2), [8000, 3993, 8000]);
    assert.deepEqual(afterSilence(10 * SAMPLE_MS), [8000, 8000, 8000]);
  });

  it('forgets what a clock that was set back takes again', () => {
    const samples = sampled([1, 2, 3, 4, 5, 6]);
    const startMs = JUNE_MS + 2 * SAMPLE_MS;
    samples.add(startMs, startMs + SAMPLE_MS, bytesAt(9));
    samples.add(startMs + SAMPLE_MS, startMs + SAMPLE_MS + 250, 0);
    assert.deepEqual([...samples.recent(DAY)], [9, 2, 1]);
  });

  it('takes any time, and keeps what it keeps', () => {
    const time = fc.double({ noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(time, fc.double({ min: 0, max: 1e9, noNaN: true }))), (times) => {
        const samples = new ThroughputSamples(12);
        for (const [startMs, lengthMs] of times) samples.add(startMs, startMs + lengthMs, 1000);
        assert(samples.recent(1000).length <= 12);
        assert(JSON.stringify(samples.save()).length < 4000);
      }),
    );
  });

  it('is the same after save and restore', () => {
    fc.assert(
      fc.property(fc.array(rate, { minLength: 1, maxLength: 600 }), (rates) => {
        const samples = sampled(rates);
        const restored = new ThroughputSamples(DAY);
        const saved = samples.save();
        assert(saved !== null);
        restored.restore(saved);
        assert.deepEqual(restored.save(), saved);
        assert.deepEqual(restored.recent(DAY), samples.recent(DAY));
        assert.equal(restored.percentile95Bps, samples.percentile95Bps);
      }),
    );
  });
});
