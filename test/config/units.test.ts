import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  count,
  decimal,
  formatDuration,
  formatRate,
  parseDuration,
  parsePacketRate,
  parseRate,
  parseSize,
  writePacketRate,
  writeRate,
} from '../../daemon/config/units.ts';

const table = (
  name: string,
  parse: (text: string) => number | null,
  rows: readonly (readonly [text: string, value: number | null])[],
): void => {
  describe(name, () => {
    for (const [text, value] of rows)
      it(`${value === null ? 'refuses' : 'reads'} "${text}"`, () => assert.equal(parse(text), value));
  });
};

table('parseRate', parseRate, [
  ['80mbit', 80e6],
  ['1.5gbit', 1.5e9],
  ['256kbit', 256_000],
  ['9600bit', 9600],
  ['2.3kbit', 2300],
  ['1tbit', 1e12],
  ['10Mbit', 10e6],
  ['80', null],
  ['80mbps', null],
  ['80mibit', null],
  ['80 mbit', null],
  ['-80mbit', null],
  ['1e3mbit', null],
  ['.5mbit', null],
  ['mbit', null],
  ['1constructor', null],
  ['', null],
]);

table('parsePacketRate', parsePacketRate, [
  ['50kpps', 50_000],
  ['1.2Mpps', 1_200_000],
  ['999pps', 999],
  ['50', null],
  ['50kbit', null],
  ['1gpps', null],
]);

table('parseDuration', parseDuration, [
  ['250ms', 250],
  ['60s', 60_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['90d', 7_776_000_000],
  ['15M', null],
  ['15min', null],
  ['15', null],
  ['1h30m', null],
]);

table('parseSize', parseSize, [
  ['64kb', 64_000],
  ['64kib', 65_536],
  ['1MiB', 1_048_576],
  ['512b', 512],
  ['64kbit', null],
  ['64', null],
]);

describe('formatRate', () => {
  const rows = [
    [0, '0 bit/s'],
    [999, '999 bit/s'],
    [1500, '1.5 kbit/s'],
    [100e6, '100 Mbit/s'],
    [1.2346e9, '1.235 Gbit/s'],
    [10e12, '10 Tbit/s'],
  ] as const;
  for (const [bps, text] of rows) it(`writes ${text}`, () => assert.equal(formatRate(bps), text));
});

describe('writeRate and writePacketRate', () => {
  it('are read back by parseRate and parsePacketRate', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), (value) => {
        assert.equal(parseRate(writeRate(value)), value);
        assert.equal(parsePacketRate(writePacketRate(value)), value);
      }),
    );
  });
});

describe('formatDuration', () => {
  it('is read back by parseDuration', () => {
    fc.assert(fc.property(fc.nat(2 ** 40), (ms) => assert.equal(parseDuration(formatDuration(ms)), ms)));
  });
});

describe('count', () => {
  it('takes the whole numbers from its minimum to its maximum', () => {
    const accepted = [0, 1, 1.5, 3, 4, '2', Infinity, NaN, null].filter(
      (value) => count(1, 3).safeParse(value).success,
    );
    assert.deepEqual(accepted, [1, 3]);
  });
});

describe('decimal', () => {
  it('takes the numbers from its minimum to its maximum', () => {
    const accepted = [-0.1, 0, 0.25, 1, 1.01, '0.5', NaN].filter((value) => decimal(0, 1).safeParse(value).success);
    assert.deepEqual(accepted, [0, 0.25, 1]);
  });
});
