import assert from 'node:assert/strict';
import { carpetBomb } from '../../daemon/detectors/carpetBomb.ts';
import { testContext, testTenant, type Traffic } from '../support/windowBuilder.ts';
import { findings, told } from './findings.ts';

const PBX = '198.51.100.9';
const context = testContext([testTenant('acme', ['198.51.100.0/24']), testTenant('globex', ['192.0.2.0/24'])]);
const range = (count: number, address: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => address(i));
const NETWORK = range(250, (i) => `203.0.113.${i + 1}`);
const NETWORKS = range(250, (i) => `9.${i}.7.7`);

/** Packets of a window in all: 5,000 are the threshold. */
const each = (from: Traffic['from'], to: readonly string[], packets: number): Traffic[] =>
  to.map((address) => ({ from, to: address, kind: 'udp', packets: Math.ceil(packets / to.length), ports: [7000] }));
const answers = (to: string, from: readonly string[], packets: number): Traffic[] =>
  from.map((address) => ({ from: address, to, kind: 'udp', packets: Math.ceil(packets / from.length) }));

const cases: readonly (readonly [what: string, traffic: readonly Traffic[], told: readonly string[]])[] = [
  ["a tenant's datagrams to all of a network", each(PBX, NETWORK, 5250), [`outbound acme nobody by ${PBX}`]],
  [
    'those of several addresses of a tenant',
    each(
      range(10, (i) => `198.51.100.${i + 1}`),
      NETWORK,
      5250,
    ),
    ['outbound acme nobody by acme'],
  ],
  ['those below the threshold', each(PBX, NETWORK, 4700), []],
  ['those to fifteen addresses', each(PBX, NETWORK.slice(0, 15), 8000), []],
  ['those to one address above all', [...each(PBX, NETWORK, 4700), ...each(PBX, ['203.0.113.251'], 5000)], []],
  ['those to many networks, as reflectors and peers are', each(PBX, NETWORKS, 6000), []],
  ['those to a group', each(PBX, ['239.1.1.1'], 20_000), []],
  [
    'a server of QUIC, whose clients acknowledge every tenth packet',
    [...each(PBX, NETWORK, 10_000), ...answers(PBX, NETWORK, 1000)],
    [],
  ],
  [
    'another tenant, who streams to one address meanwhile',
    [...each(PBX, NETWORK, 15_000), ...each('192.0.2.7', ['203.0.113.250'], 6000)],
    [`outbound acme nobody by ${PBX}`],
  ],
];

describe('carpetBomb', () => {
  for (const [what, traffic, expected] of cases)
    it(`${expected.length === 0 ? 'is silent on' : 'finds'} ${what}`, () =>
      assert.deepEqual(findings(carpetBomb, traffic, { context }).map(told), expected));
});
