import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { keepLatest } from '../../../daemon/detectors/shared/keepLatest.ts';

const MOST = 5;

type Step = number | { readonly remove: number } | 'clear';

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.nat(20) },
  { weight: 1, arbitrary: fc.record({ remove: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.constant('clear' as const) },
);

/** What is left of a list, the oldest first. */
function listed(list: readonly number[], what: Step): number[] {
  if (what === 'clear') return [];
  if (typeof what !== 'number') return list.filter((key) => key !== what.remove);
  return [...list.filter((key) => key !== what), what].slice(-MOST);
}

describe('keepLatest', () => {
  it('keeps those that were set last, in that order, whatever else is done to the map', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const map = new Map<number, number>();
        let list: number[] = [];
        for (const what of steps) {
          if (what === 'clear') map.clear();
          else if (typeof what === 'number') keepLatest(map, what, -what, MOST);
          else map.delete(what.remove);
          list = listed(list, what);
          assert.deepEqual([...map.keys()], list);
        }
      }),
    );
  });
});
