import assert from 'node:assert/strict';
import { udpFlood } from '../../daemon/detectors/udpFlood.ts';
import { strangers, type Traffic } from '../support/windowBuilder.ts';
import { findings, told } from './findings.ts';
import { trafficEvidence } from '../support/trafficEvidence.ts';

const PBX = '198.51.100.9';
const PEER = '203.0.113.1';
const datagrams = (from: Traffic['from'], to: string, packets: number): Traffic => ({
  from,
  to,
  kind: 'udp',
  packets,
  ports: [5060],
});

const found: [string, readonly Traffic[], string][] = [
  ['20,000 packets/s from everywhere', [datagrams(strangers(200), PBX, 5000)], `inbound acme ${PBX} by many`],
  ['20,000 packets/s from one address', [datagrams(PEER, PBX, 5000)], `inbound acme ${PBX} by ${PEER}`],
  [
    'a flood beside 1,000 calls',
    [
      datagrams(strangers(200), PBX, 12_500),
      ...strangers(100).map((peer) => datagrams(PBX, peer, 125)),
      datagrams('2001:db8:f::1', PBX, 5000),
    ],
    `inbound acme ${PBX} by many`,
  ],
  ["a tenant's flood to the outside", [datagrams(PBX, PEER, 5000)], `outbound acme ${PEER} by ${PBX}`],
  [
    'a flood that is answered now and then',
    [datagrams(PEER, PBX, 5200), datagrams(PBX, PEER, 100)],
    `inbound acme ${PBX} by ${PEER}`,
  ],
];

const silent: [string, readonly Traffic[]][] = [
  ['one below the threshold', [datagrams(strangers(200), PBX, 4999)]],
  [
    '1,000 calls of one PBX',
    [datagrams(strangers(200), PBX, 12_500), ...strangers(100).map((peer) => datagrams(PBX, peer, 125))],
  ],
  ['1,000 calls over one trunk', [datagrams(PEER, PBX, 12_500), datagrams(PBX, PEER, 12_500)]],
  [
    'a download over QUIC, acknowledged in every tenth packet',
    [datagrams(PEER, PBX, 15_000), datagrams(PBX, PEER, 1500)],
  ],
  ['an upload over QUIC', [datagrams(PBX, PEER, 15_000), datagrams(PEER, PBX, 1500)]],
  ['a flood of TCP', [{ ...datagrams(PEER, PBX, 20_000), kind: 'tcpSyn' }]],
];

describe('udpFlood', () => {
  for (const [title, traffic, expected] of found) {
    it(`finds ${title}`, () => {
      assert.deepEqual(findings(udpFlood, traffic).map(told), [expected]);
    });
  }

  for (const [title, traffic] of silent) {
    it(`is silent on ${title}`, () => {
      assert.deepEqual(findings(udpFlood, traffic).map(told), []);
    });
  }

  it('counts only what nobody asked for', () => {
    const calls = [datagrams(strangers(200), PBX, 6000), datagrams(PBX, PEER, 6000)];
    const [finding] = findings(udpFlood, [...calls, datagrams('2001:db8:f::1', PBX, 7000)]);
    assert.equal(finding?.value, 28_000);
    assert.equal(trafficEvidence(finding).packetsPerSecond, 52_000);
  });
});
