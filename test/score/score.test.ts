import assert from 'node:assert/strict';
import { capturesOrPending } from '../support/captures.ts';
import { runPart } from './suite.ts';

describe('the scoreboard', function () {
  this.timeout(900_000);

  it('is no worse on what is labelled', function () {
    capturesOrPending(this, 'floods');
    assertNoWorse('labelled');
  });

  for (const part of ['recorded']) it(`is no worse on what is ${part}`, () => assertNoWorse(part));
});

const assertNoWorse = (part: string): void =>
  assert.deepEqual(runPart(part).worse, [], `UPDATE_SCORE=1 npm run score -- ${part} writes the table anew`);
