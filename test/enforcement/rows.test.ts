import assert from 'node:assert/strict';
import { parseClasses, parseFilters, parseLinks, parseQdiscs } from '../../daemon/enforcement/rows.ts';

const match = (value: string, off: number): string =>
  `"match":{"value":"${value}","mask":"ffff","offmask":"","off":${off}}`;
const rule = (fh: string, matches: string): string =>
  `{"protocol":"ip","pref":4,"kind":"u32","chain":0,"options":{"fh":"${fh}",${matches}}}`;

describe('parseFilters', () => {
  it('keeps every match of a rule, though tc names them all alike', () => {
    const json = `[${rule('800::1', `${match('a', 0)},${match('b', 4)}`)},${rule('800::2', match('c', 8))}]`;
    const kept = parseFilters(json).map(({ options }) => [options?.match0?.value, options?.match1?.value]);
    assert.deepEqual(kept, [
      ['a', 'b'],
      ['c', undefined],
    ]);
  });

  it('keeps the pref of other classifiers, whatever their options are', () => {
    const json =
      '[{"protocol":"all","pref":7,"kind":"flower","chain":0,"options":{"handle":1,"keys":{"ip_proto":"tcp"}}}]';
    assert.deepEqual(parseFilters(json), [{ pref: 7, options: undefined }]);
  });
});

describe('parseLinks, parseQdiscs, parseFilters', () => {
  for (const parse of [parseLinks, parseQdiscs, parseFilters]) {
    it(`${parse.name} takes no text for no rows`, () => assert.deepEqual(parse(''), []));
    it(`${parse.name} throws on what is no JSON`, () => assert.throws(() => parse('qdisc noqueue 0: dev lo')));
  }
});

describe('parseClasses', () => {
  it('reads tc 6.1, in every unit, and passes over what is not HTB', () => {
    const text = [
      'class htb face:1d parent face:1c leaf 1d: prio 0 rate 4500Kbit ceil 5Mbit burst 3199b cburst 3200b ',
      ' Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0) ',
      'class htb face:1c root rate 1Gbit ceil 800bit burst 3200b cburst 3200b ',
      'class fq_codel 1d:2a parent 1d: ',
    ].join('\n');
    assert.deepEqual(parseClasses(text), [
      { classid: 'face:1d', parent: 'face:1c', rateKbit: 4500, ceilKbit: 5000 },
      { classid: 'face:1c', parent: null, rateKbit: 1e6, ceilKbit: 0.8 },
    ]);
  });
});
