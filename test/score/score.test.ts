import assert from 'node:assert/strict';
import { capturesOrPending } from '../support/captures.ts';
import { pendingWithout } from '../support/needs.ts';
import { runPart, tableOf } from './suite.ts';

describe('the scoreboard', function () {
  this.timeout(1_800_000);

  it('is no worse on what is labelled', function () {
    capturesOrPending(this, 'floods');
    assertNoWorse('labelled');
  });

  it('is no worse on what is recorded', () => assertNoWorse('recorded'));

  // A minute of CPU each.
  for (const part of ['simulated', 'morning', 'sampledWeek']) {
    it(`is no worse in the part ${part}`, function () {
      if (process.env['CI'] !== 'true') return pendingWithout(this, `CI=true, or npm run score -- ${part}`);
      return assertNoWorse(part);
    });
  }

  it('has every scan of a probe a minute named within 15 first contacts', () => {
    const slow = tableOf('simulated').filter(
      ({ expected, latencyMs }) => isScan(expected) && (latencyMs ?? 0) > 60_000,
    );
    assert.equal(slow.length, 19);
    for (const { trial, expected, latencyPackets } of slow)
      assert((latencyPackets ?? Infinity) <= 15, `${trial}: ${expected}: ${latencyPackets} packets`);
  });
});

const isScan = (expected: string): boolean => /^(?:portScan|hostSweep)\b/.test(expected);

const assertNoWorse = (part: string): void =>
  assert.deepEqual(runPart(part).worse, [], `UPDATE_SCORE=1 npm run score -- ${part} writes the table anew`);
