import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { percentile, renderSection, spread } from './report.ts';

const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });

describe('percentile', () => {
  it('is the smallest value that at least this share of them do not pass', () => {
    const sorted = Array.from({ length: 100 }, (_, i) => i + 1);
    assert.deepEqual(
      [0, 1, 50, 99, 99.1, 100].map((percent) => percentile(sorted, percent)),
      [1, 1, 50, 99, 100, 100],
    );
  });
});

describe('spread', () => {
  it('is ordered, and made of the values', () => {
    fc.assert(
      fc.property(values, (all) => {
        const { min, median, max } = spread(all);
        assert(min <= median && median <= max);
        for (const value of [min, median, max]) assert(all.includes(value));
      }),
    );
  });

  it('of no values is an error', () => {
    assert.throws(() => spread([]), /^RangeError: Cannot find the median: no values$/);
  });
});

describe('renderSection', () => {
  it('aligns text to the left and numbers to the right; unknown is a dash', () => {
    const text = renderSection({
      title: 'Lengths',
      notes: ['in metres'],
      columns: ['what', 'metres'],
      rows: [
        ['house', 12],
        ['a very long train', 400.4],
        ['ant', 0.0012345],
        ['string', null],
      ],
    });
    assert.equal(
      text,
      [
        'Lengths',
        '  in metres',
        '',
        '  what                metres',
        '  house                   12',
        '  a very long train      400',
        '  ant                0.00123',
        '  string                   -',
        '',
      ].join('\n'),
    );
  });
});
