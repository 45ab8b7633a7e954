import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { mix } from '../../../daemon/detectors/shared/firstContacts.ts';
import { MEMORY_MS, Reach } from '../../../daemon/detectors/shared/reach.ts';

const NOW = Date.UTC(2026, 0, 5);
const met = (count: number, seed = 0): Reach => {
  const reach = new Reach();
  for (let i = 0; i < count; i++) reach.meet(mix(seed, i), NOW);
  return reach;
};

describe('Reach', () => {
  it('is exact of few', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 24 }), (hashes) => {
        const reach = new Reach();
        const stoodFor = hashes.reduce((sum, hash) => sum + reach.meet(hash, NOW), 0);
        assert.deepEqual([stoodFor, reach.count(NOW, 0)], [new Set(hashes).size, new Set(hashes).size]);
      }),
    );
  });

  it('is within a fifth of up to two thousand, by its cells and by what they stood for', () => {
    for (const count of [30, 100, 300, 1000, 2000]) {
      const reach = new Reach();
      let stoodFor = 0;
      for (let i = 0; i < count; i++) stoodFor += reach.meet(mix(count, i), NOW);
      for (const estimate of [stoodFor, reach.count(NOW, 0)])
        assert(Math.abs(estimate - count) <= count / 5, `${estimate} of ${count}`);
    }
  });

  for (const count of [20, 200]) {
    it(`forgets each of ${count} after its time, by span`, () => {
      const reach = met(count);
      const later = NOW + 10 * 60_000;
      reach.meet(-1, later);
      assert.equal(reach.count(later, 60_000), 1);
      assert(reach.count(later, 15 * 60_000) > count * 0.8);
      assert.equal(reach.count(NOW + MEMORY_MS + 20_000, MEMORY_MS), 1);
    });

    it(`is the same after save and restore, of ${count}`, () => {
      const reach = met(count);
      const again = Reach.restore(JSON.parse(JSON.stringify(reach.save())));
      assert.deepEqual(again.save(), reach.save());
      assert.equal(again.count(NOW, MEMORY_MS), reach.count(NOW, MEMORY_MS));
    });
  }
});
