import assert from 'node:assert/strict';
import { capturesOrPending } from '../support/captures.ts';
import { pendingWithout } from '../support/needs.ts';
import { runPart } from './suite.ts';

describe('the scoreboard', function () {
  this.timeout(1_800_000);

  it('is no worse on what is labelled', function () {
    capturesOrPending(this, 'floods');
    assertNoWorse('labelled');
  });

  it('is no worse on what is recorded', () => assertNoWorse('recorded'));

  // A minute of CPU each.
  for (const part of ['simulated', 'morning']) {
    it(`is no worse in the part ${part}`, function () {
      if (process.env['CI'] !== 'true') return pendingWithout(this, `CI=true, or npm run score -- ${part}`);
      return assertNoWorse(part);
    });
  }
});

const assertNoWorse = (part: string): void =>
  assert.deepEqual(runPart(part).worse, [], `UPDATE_SCORE=1 npm run score -- ${part} writes the table anew`);
