import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { IpfixSequence, Sequence } from '../../../probes/netflow/sequence.ts';

/** Data records of a message, and how many of them are of flows. */
type Sizes = readonly (readonly [records: number, flowRecords: number])[];

/** As softflowd sends them: short messages before and after those with a template, which have an options record, too. */
const SIZES: Sizes = Array.from({ length: 200 }, (_, i) => {
  const flows = i % 16 === 15 ? 24 : 32 - (i % 3);
  return i % 16 === 15 ? [flows + 1, flows] : [flows, flows];
});

/** Numbers as RFC 7011 has them, from `start`. */
const ofFirst = (sizes: Sizes, start: number): number[] => numbers(sizes, start, ([records]) => records, 0);

/** As softflowd 1.1.0 gives them. */
const ofLast = (sizes: Sizes, start: number): number[] => numbers(sizes, start, ([, flows]) => flows, 1);

function numbers(sizes: Sizes, start: number, count: (size: Sizes[number]) => number, own: 0 | 1): number[] {
  let before = start;
  return sizes.map((size) => {
    const number = (before + own * count(size)) >>> 0;
    before += count(size);
    return number;
  });
}

function lostOf(sizes: Sizes, sequence: readonly number[], isLost: (index: number) => boolean): number {
  const observed = new IpfixSequence();
  sizes.forEach(([records, flows], i) => {
    if (!isLost(i)) observed.observe(sequence[i] ?? 0, records, flows);
  });
  return observed.lost;
}

const isMissing = (i: number): boolean => i === 60 || i === 61 || i === 95;

describe('IpfixSequence', () => {
  it('never takes back what it told as lost, while it is not plain yet what messages are numbered by', () => {
    const size = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat(1));
    const messages = fc.array(fc.tuple(size, fc.nat(9)), { minLength: 30, maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(messages, fc.constantFrom(ofFirst, ofLast), (all, numbered) => {
        const sizes = all.map(([[flows, options]]) => [flows + options, flows] as const);
        const sequence = numbered(sizes, 0);
        const observed = new IpfixSequence();
        let told = 0;
        sizes.forEach(([records, flows], i) => {
          if (all[i]?.[1] === 0) return;
          observed.observe(sequence[i] ?? 0, records, flows);
          assert(observed.lost >= told, `${observed.lost} after ${told}`);
          told = observed.lost;
        });
      }),
      { numRuns: 2000 },
    );
  });

  const CONVENTIONS = [
    ['the first data record (RFC 7011)', ofFirst, 0],
    ['the last flow record (softflowd 1.1.0)', ofLast, 1],
  ] as const;
  for (const [title, numbered, counted] of CONVENTIONS) {
    for (const start of [0, 2 ** 32 - 500]) {
      it(`knows what is missing where messages have the number of ${title}, from ${start} on`, () => {
        const sequence = numbered(SIZES, start);
        assert.equal(
          lostOf(SIZES, sequence, () => false),
          0,
        );
        const missing = SIZES.filter((_, i) => isMissing(i)).reduce((sum, size) => sum + size[counted], 0);
        assert.equal(lostOf(SIZES, sequence, isMissing), missing);
      });
    }
  }
});

const lostOfNumbers = (all: readonly number[]): number => {
  const sequence = new Sequence();
  for (const number of all) sequence.observe(number, 1);
  return sequence.lost;
};
const upTo = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('Sequence', () => {
  it('takes a stray message with a number of its own for no loss of all between', () => {
    assert.equal(lostOfNumbers([...upTo(0, 50), 2 ** 27, ...upTo(50, 100)]), 0);
    assert.equal(lostOfNumbers([...upTo(0, 50), 2 ** 27, 2 ** 27 + 1, ...upTo(50, 100)]), 0);
  });

  it('counts what is missing around messages that overtook others', () => {
    assert.equal(lostOfNumbers([...upTo(0, 50), 60, ...upTo(50, 60), ...upTo(61, 100)]), 0);
    assert.equal(lostOfNumbers([...upTo(0, 50), 60, ...upTo(51, 60), ...upTo(61, 100)]), 1);
    assert.equal(lostOfNumbers([...upTo(0, 50), 60, 52, 51, ...upTo(61, 100)]), 8);
  });

  it('counts what was lost before a restart', () => {
    assert.equal(lostOfNumbers([...upTo(0, 50), ...upTo(60, 90), ...upTo(0, 50)]), 10);
  });
});
