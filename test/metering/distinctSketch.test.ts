import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { DetailTable } from '../../daemon/metering/detailTable.ts';
import {
  type DistinctSketch,
  estimateDistinct,
  SKETCH_ERROR,
  SKETCH_REGISTERS,
  uniteSketch,
} from '../../daemon/metering/distinctSketch.ts';
import { randomFrom } from '../support/random.ts';

function sketchOf(hashes: Iterable<number>): DistinctSketch {
  const table = new DetailTable(new ArrayBuffer(DetailTable.byteLength(1)), 0, 1);
  table.claim(0);
  for (const hash of hashes) table.observe(0, hash, -1);
  return table.sketch(0);
}

function* randomHashes(seed: number, count: number): Generator<number> {
  const random = randomFrom(seed);
  for (let i = 0; i < count; i++) yield random();
}

const RUNS = 100;
const hashes = fc.array(fc.integer(), { maxLength: 1000, size: 'max' });
const union = (a: DistinctSketch, b: DistinctSketch): DistinctSketch => {
  const into = a.slice();
  uniteSketch(into, b);
  return into;
};

describe('estimateDistinct', () => {
  it('is 0 of nothing', () => assert.equal(estimateDistinct(sketchOf([])), 0));

  for (const count of [1, 10, 100, 500, 640, 1000, 1300, 5000, 50_000])
    it(`is right on average for ${count}, with the error that the paper gives`, () => {
      const estimates = Array.from({ length: RUNS }, (_, seed) =>
        estimateDistinct(sketchOf(randomHashes(seed, count))),
      );
      const mean = estimates.reduce((sum, one) => sum + one, 0) / RUNS;
      const deviation = Math.sqrt(estimates.reduce((sum, one) => sum + (one / count - 1) ** 2, 0) / RUNS);
      assert(deviation < 1.25 * SKETCH_ERROR, `${deviation} standard error`);
      assert(Math.abs(mean / count - 1) < 0.04, `${mean} on average`);
    });

  it('never lies outside three standard errors by much, up to millions', () => {
    for (const count of [1_000_000, 4_000_000]) {
      const estimate = estimateDistinct(sketchOf(randomHashes(1, count)));
      assert(Math.abs(estimate / count - 1) < 3 * SKETCH_ERROR, `${estimate} of ${count}`);
    }
  });

  it('is finite for any registers', () => {
    assert(Number.isFinite(estimateDistinct(new Uint8Array(SKETCH_REGISTERS).fill(25))));
  });
});

describe('uniteSketch', () => {
  it('gives the sketch of the union, in any order, and again', () => {
    fc.assert(
      fc.property(hashes, hashes, (a, b) => {
        const both = sketchOf([...a, ...b]);
        const [one, other] = [sketchOf(a), sketchOf(b)];
        assert.deepEqual(union(one, other), both);
        assert.deepEqual(union(other, one), both);
        assert.deepEqual(union(both, other), both);
      }),
    );
  });
});
