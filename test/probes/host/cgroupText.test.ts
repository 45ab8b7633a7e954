import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  parseCpuMax,
  parseField,
  parseMemoryLimit,
  parseNumber,
  parseStallSeconds,
} from '../../../probes/host/cgroupText.ts';

const PRESSURE =
  'some avg10=1.50 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n';
const some = (text: string): number | null => parseStallSeconds(text, 'some');
const full = (text: string): number | null => parseStallSeconds(text, 'full');
const oomKill = (text: string): number | null => parseField(text, 'oom_kill');

type Case = readonly [parse: (text: string) => number | null, text: string, value: number | null];

const CASES: readonly Case[] = [
  [parseNumber, '104857600\n', 104_857_600],
  [parseNumber, '0', 0],
  [parseNumber, '18446744073709551615\n', 2 ** 64],
  [parseNumber, '', null],
  [parseNumber, 'max\n', null],
  [parseNumber, '-1\n', null],
  [parseNumber, ' 1\n', null],
  [parseNumber, '1e3\n', null],
  [parseNumber, '123456789012345678901\n', null],

  [oomKill, 'oom 5\noom_kill 2\n', 2],
  [oomKill, 'oom_kill 3', 3],
  [oomKill, 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n', 1],
  [oomKill, 'oom_kill_disable 1\n', null],
  [oomKill, 'not_oom_kill 4\n', null],
  [oomKill, 'oom_kill\n', null],
  [oomKill, 'oom_kill \n', null],
  [oomKill, 'oom_kill 2x\n', null],
  [oomKill, '', null],

  [some, PRESSURE, 2.5],
  [full, PRESSURE, 7e-6],
  // /proc/pressure/cpu had no full before Linux 5.13.
  [full, 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n', null],
  [some, 'some avg10=0.00\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n', null],
  [some, 'some avg10=0.00 total=\n', null],
  [some, '', null],

  [parseCpuMax, '150000 100000\n', 1.5],
  [parseCpuMax, 'max 100000\n', Infinity],
  [parseCpuMax, '0 100000\n', null],
  [parseCpuMax, '100000 0\n', null],
  [parseCpuMax, '100000\n', null],
  [parseCpuMax, '', null],

  [parseMemoryLimit, '209715200\n', 209_715_200],
  [parseMemoryLimit, 'max\n', Infinity],
  [parseMemoryLimit, '9223372036854771712\n', Infinity],
  [parseMemoryLimit, '0\n', 0],
  [parseMemoryLimit, '\n', null],
];

describe('cgroupText', () => {
  for (const [parse, text, value] of CASES) {
    it(`${parse.name} gives ${value} for ${JSON.stringify(text)}`, () => assert.equal(parse(text), value));
  }

  it('gives a number that is none below zero, or null, for whatever it is given', () => {
    const line = fc.constantFrom('some', 'full', 'oom_kill', 'max', 'total=', '1', '100000', ' ', '\n');
    const text = fc.oneof(
      fc.string(),
      fc.array(line).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(text, (each) => {
        for (const parse of [parseNumber, oomKill, some, full, parseCpuMax, parseMemoryLimit]) {
          const value = parse(each);
          assert(value === null || value >= 0, `${parse.name}: ${value}`);
        }
      }),
    );
  });
});
