import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NOTHING, type PolicyMemory } from '../../daemon/enforcement/policy.ts';
import { parseMemory } from '../../daemon/enforcement/savedPolicy.ts';
import { standingLimit } from './limits.ts';

describe('parseMemory', () => {
  it('reads what was written', () => {
    const memory: PolicyMemory = {
      limits: [standingLimit(), standingLimit({ tenant: 'birch', untilMs: null, by: 'ada', incident: null })],
      histories: [{ tenant: 'cedar', times: 2, endedMs: 1, graceUntilMs: 2 }],
      setMs: [1],
      stoppedMs: 3,
    };
    assert.deepEqual(parseMemory(JSON.stringify(memory)), memory);
  });

  it('takes anything else for nothing', () => {
    const other = fc.oneof(fc.string(), fc.json(), fc.constantFrom(null, '{"limits":[{"tenant":1}]}'));
    fc.assert(fc.property(other, (text) => assert.deepEqual(parseMemory(text), NOTHING)));
  });
});
