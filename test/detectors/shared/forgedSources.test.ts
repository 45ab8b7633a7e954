import assert from 'node:assert/strict';
import { ForgedSources } from '../../../daemon/detectors/shared/forgedSources.ts';
import { Target } from '../../../daemon/detectors/shared/target.ts';
import type { SightingSpec } from '../../support/sightings.ts';
import { addSightings } from '../../support/sightings.ts';
import { buildWindow, testContext, testTenant, type Traffic } from '../../support/windowBuilder.ts';

const context = testContext([testTenant('acme', ['8.8.4.8/29'])]);
const PBX = '8.8.4.9';
const spread = (count: number, address: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => address(i));
const flood = (from: readonly string[], packets: number): Traffic => ({ from, to: PBX, kind: 'tcpSyn', packets });

function areForged(traffic: Traffic, contacts: readonly string[]): boolean {
  const window = buildWindow([traffic], { context });
  const sightings = contacts.map((initiator): SightingSpec => ({
    sighting: 'syn',
    initiator,
    responder: PBX,
    port: 80,
  }));
  addSightings(window, context, sightings);
  const [line] = window.targets.used();
  assert(line !== undefined);
  return new ForgedSources(context).areAt(new Target(window, line, context.hashSeed));
}

const real = (i: number): string => `9.9.${i >> 8}.${i & 255}`;
const cases: readonly (readonly [what: string, traffic: Traffic, contacts: readonly string[], areForged: boolean])[] = [
  ['a thousand that send one packet each', flood(spread(1000, real), 1000), [], true],
  ['a thousand that send three each', flood(spread(1000, real), 3000), [], false],
  [
    'some that cannot be, among many',
    flood(spread(9, real), 900),
    [...spread(57, real), '240.1.1.1', '127.0.0.1', '10.0.0.1'],
    true,
  ],
  ['one that cannot be, among many', flood(spread(9, real), 900), [...spread(40, real), '10.0.0.1'], false],
  ['few, whatever they are', flood(spread(9, real), 900), ['240.1.1.1', '127.0.0.1'], false],
];

describe('ForgedSources', () => {
  for (const [what, traffic, contacts, expected] of cases)
    it(`takes ${what} for ${expected ? 'forged' : 'real'}`, () => assert.equal(areForged(traffic, contacts), expected));
});
