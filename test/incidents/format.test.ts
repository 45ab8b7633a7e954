import assert from 'node:assert/strict';
import { formatQuantity, formatRate, formatShare, signatureWords } from '../../daemon/incidents/format.ts';

const quantities: readonly [number, string][] = [
  [0, '0 pps'],
  [7, '7 pps'],
  [0.125, '0.125 pps'],
  [999, '999 pps'],
  [999.4, '999 pps'],
  [999.6, '1 kpps'],
  [52_104, '52.1 kpps'],
  [999_499, '999 kpps'],
  [999_500, '1 Mpps'],
  [1e18, '1000 Ppps'],
];

describe('formatQuantity', () => {
  for (const [value, text] of quantities)
    it(`writes ${value} as ${text}`, () => assert.equal(formatQuantity(value, 'pps'), text));
});

describe('formatRate', () => {
  it('writes every unit as it is said', () => {
    assert.deepEqual(
      [formatRate(1.25, 'cores'), formatRate(1.5e9, 'bytes'), formatRate(3, 'kills')],
      ['1.25 cores', '1.5 GB', '3 kills'],
    );
  });
});

describe('formatShare', () => {
  it('is never 0 % or 100 % for what is not quite that', () => {
    assert.deepEqual([0, 0.001, 0.5, 0.999, 1].map(formatShare), ['0 %', '< 1 %', '50 %', '> 99 %', '100 %']);
  });
});

describe('signatureWords', () => {
  it('writes protocols in capitals', () => {
    assert.deepEqual(['synFlood', 'udpFlood', 'portScan', 'cpuOveruse', 'oomKills'].map(signatureWords), [
      'SYN flood',
      'UDP flood',
      'port scan',
      'CPU overuse',
      'OOM kills',
    ]);
  });
});
