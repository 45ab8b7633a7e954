import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { HeldLevel } from '../../../daemon/detectors/shared/heldLevel.ts';

const SPAN_MS = 90_000;
const STEP_MS = 5000;
const STEPS = SPAN_MS / STEP_MS;

/** The level after values that lasted 5 s each. */
function levelOf(values: readonly number[], { startMs = 1e12, stepMs = STEP_MS, spanMs = SPAN_MS } = {}): number {
  const level = new HeldLevel(spanMs, startMs);
  values.forEach((value, i) => level.add(startMs + i * stepMs, startMs + (i + 1) * stepMs, value));
  return level.at(startMs + values.length * stepMs);
}

const steps = (count: number, value: number): number[] => Array.from({ length: count }, () => value);

describe('HeldLevel', () => {
  it('is the value that lasts, and nothing before nine tenths of the span', () => {
    assert.equal(levelOf(steps(STEPS, 2)), 2);
    assert.equal(levelOf(steps(STEPS + 7, 2)), 2);
    assert.equal(levelOf(steps(17, 2)), 2);
    assert.equal(levelOf(steps(16, 2)), 0);
  });

  it('is not raised by a peak, however high, nor ended by a dip of a tenth of the time', () => {
    assert.equal(levelOf([...steps(9, 1), ...steps(9, 1000)]), 1);
    assert(levelOf([...steps(9, 2), 0, ...steps(8, 2)]) > 1.8);
    assert(levelOf([...steps(8, 2), 0, 0, 0, ...steps(7, 2)]) < 0.2);
  });

  it('is the same however the time is cut', () => {
    const finely = Array.from({ length: 360 }, (_, i) => (i % 2 === 0 ? 1 : 2));
    assert(Math.abs(levelOf(finely, { stepMs: 250 }) - levelOf(steps(STEPS, 1.5))) < 0.05);
    assert.equal(levelOf([3], { stepMs: 300_000 }), 3);
  });

  it('leaves out what is not known, and says nothing when that is more than half', () => {
    assert.equal(levelOf([...steps(10, 2), ...steps(8, Number.NaN)]), 2);
    assert.equal(levelOf([...steps(8, 2), ...steps(10, Number.NaN)]), 0);
  });

  it('does not count a gap as zero', () => {
    const level = new HeldLevel(SPAN_MS, 0);
    level.add(0, 60_000, 2);
    level.add(80_000, 90_000, 2);
    assert.equal(level.at(90_000), 2);
    assert.equal(level.at(1_000_000), 0);
  });

  it('begins anew when the clock was set back, or far forward', () => {
    for (const jumpMs of [-1e9, 1e9]) {
      const level = new HeldLevel(SPAN_MS, 1e12);
      level.add(1e12, 1e12 + SPAN_MS, 2);
      level.add(1e12 + jumpMs, 1e12 + jumpMs + STEP_MS, 2);
      assert.equal(level.at(1e12 + jumpMs + STEP_MS), 0);
    }
  });

  it('never says more than it was told, nor throws, whatever the times', () => {
    const event = fc.record({ startMs: fc.double(), endMs: fc.double(), value: fc.double({ min: 0, max: 10 }) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        const level = new HeldLevel(SPAN_MS, 0);
        for (const { startMs, endMs, value } of events) {
          level.add(startMs, endMs, value);
          const held = level.at(endMs);
          assert(held >= 0 && held <= 10.001, String(held));
        }
      }),
    );
  });
});
