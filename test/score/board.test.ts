import assert from 'node:assert/strict';
import { compare, type Line, parse, render } from './board.ts';
import { summarize } from './summary.ts';

const FOUND: Line = {
  trial: 'flood in',
  kind: 'attack',
  expected: 'synFlood inbound',
  verdict: 'found',
  instead: '',
  latencyPackets: 12,
  latencyMs: 250,
  extra: [],
  hours: 0.5,
};
const MISSED: Line = { ...FOUND, verdict: 'missed', latencyPackets: null, latencyMs: null };
const SILENT: Line = { ...MISSED, trial: 'office', kind: 'benign', expected: 'silence', verdict: 'silent' };
const LOUD: Line = { ...SILENT, verdict: 'loud', extra: ['udpFlood inbound a > b', 'portScan outbound c > many'] };

const TWICE: Line = { ...LOUD, trial: 'night', extra: ['udpFlood inbound a > b', 'udpFlood inbound a > b'] };

describe('render and parse', () => {
  it("are each other's inverse", () => {
    const lines = [
      FOUND,
      { ...MISSED, verdict: 'misnamed' as const, instead: 'udpFlood inbound a > b' },
      SILENT,
      LOUD,
      TWICE,
    ];
    assert.deepEqual(parse(render(lines)), lines);
  });
});

describe('compare', () => {
  const cases: readonly [what: string, before: Line, now: Line, worse: number, better: number][] = [
    ['the same', FOUND, FOUND, 0, 0],
    ['a miss', FOUND, MISSED, 1, 0],
    ['a find', MISSED, FOUND, 0, 1],
    ['another type', FOUND, { ...FOUND, verdict: 'mistyped', instead: 'fin' }, 1, 0],
    ['a wrong name in place of none', MISSED, { ...MISSED, verdict: 'misnamed', instead: 'udpFlood' }, 1, 0],
    ['a find with something else', FOUND, { ...FOUND, extra: ['udpFlood inbound a > b'] }, 1, 0],
    ['a false alarm', SILENT, LOUD, 2, 0],
    ['another false alarm', LOUD, { ...LOUD, extra: [...LOUD.extra, 'icmpFlood inbound a > b'] }, 1, 0],
    ['the same false alarm twice', LOUD, { ...LOUD, extra: [...LOUD.extra, ...LOUD.extra] }, 1, 0],
    ['another false alarm instead', LOUD, { ...LOUD, extra: ['icmpFlood inbound a > b', 'x'] }, 1, 1],
    ['a window later', FOUND, { ...FOUND, latencyMs: 500 }, 0, 0],
    ['much later', FOUND, { ...FOUND, latencyMs: 1000 }, 1, 0],
    ['something else', SILENT, FOUND, 2, 0],
  ];
  for (const [what, before, now, worse, better] of cases) {
    it(`finds ${worse} worse and ${better} better in ${what}`, () => {
      const comparison = compare([before], [now]);
      assert.deepEqual(
        [comparison.worse.length, comparison.better.length],
        [worse, better],
        JSON.stringify(comparison),
      );
    });
  }

  it('takes a trial that was not run for worse', () => {
    assert.deepEqual(compare([FOUND, SILENT], [FOUND]).worse, ['office: silence: was not tried']);
  });
});

describe('summarize', () => {
  it('counts by detector, and false alarms by the hour', () => {
    const text = summarize([FOUND, MISSED, { ...FOUND, expected: 'portScan/syn outbound', latencyMs: 750 }, LOUD]);
    const rows = text.split('\n').map((row) => row.split(/ {2,}/));
    assert.deepEqual(rows.find(([name]) => name === 'synFlood')?.slice(0, 4), ['synFlood', '1', '0', '1']);
    assert.deepEqual(rows.find(([name]) => name === 'all')?.slice(0, 4), ['all', '2', '0', '1']);
    assert.match(text, /^Benign traffic: 1 trials, 0\.50 h, 2 false alarms, 4\.000 an hour$/m);
  });
});
