import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Levels } from '../../daemon/advising/levels.ts';

const of = { signature: 'udpFlood', tenant: 'acme', direction: 'inbound' } as const;

describe('Levels', () => {
  it('has the peak, and what all but one step in a thousand do not pass, to 1 %', () => {
    const values = fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 5000 }), (noted, idle) => {
        const levels = new Levels();
        for (const value of noted) {
          levels.note({ ...of, value });
          levels.endStep();
        }
        const steps = noted.length + idle;
        const exact = [...noted.toSorted((a, b) => b - a), 0][Math.floor(steps / 1000)] ?? 0;
        const [heights] = levels.heights(steps);
        assert.equal(heights?.peak ?? 0, Math.max(...noted));
        const usual = heights?.usual ?? 0;
        assert(usual >= exact && usual <= exact * 1.0101, `${usual}, exactly ${exact}`);
      }),
    );
  });

  it('takes the largest of a step, for every series', () => {
    const levels = new Levels();
    for (const value of [5, 9, 7]) levels.note({ ...of, value });
    levels.note({ ...of, direction: 'outbound', value: 3 });
    levels.endStep();
    assert.deepEqual(
      levels.heights(1).map(({ direction, peak, usual }) => [direction, peak, Math.round(usual)]),
      [
        ['inbound', 9, 9],
        ['outbound', 3, 3],
      ],
    );
  });
});
