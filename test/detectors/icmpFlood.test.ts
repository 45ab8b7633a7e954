import assert from 'node:assert/strict';
import { icmpFlood } from '../../daemon/detectors/icmpFlood.ts';
import { strangers, type Traffic } from '../support/windowBuilder.ts';
import { findings, told } from './findings.ts';

const PBX = '198.51.100.9';
const PEER = '203.0.113.1';
const REQUEST = 8 << 8;
const REPLY = 0;

const icmp = (from: Traffic['from'], to: string, type?: number, packets = 300): Traffic => ({
  from,
  to,
  kind: 'icmp',
  packets,
  ...(type === undefined ? {} : { ports: [type] }),
});

const cases: [string, readonly Traffic[], string[]][] = [
  ['finds a flood from everywhere', [icmp(strangers(200), PBX)], [`inbound acme ${PBX} by many`]],
  ['finds a flood from one address', [icmp(PEER, PBX)], [`inbound acme ${PBX} by ${PEER}`]],
  ["finds a tenant's flood to the outside", [icmp(PBX, PEER)], [`outbound acme ${PEER} by ${PBX}`]],
  [
    'does not blame a flooded tenant for its answers',
    [icmp(PEER, PBX, REQUEST), icmp(PBX, PEER, REPLY)],
    [`inbound acme ${PBX} by ${PEER}`],
  ],
  [
    'does not take the answers to a tenant for a flood of it',
    [icmp(PBX, PEER, REQUEST), icmp(PEER, PBX, REPLY)],
    [`outbound acme ${PEER} by ${PBX}`],
  ],
  [
    'does not blame a tenant where requests and answers cannot be told apart',
    [icmp(PEER, PBX), icmp(PBX, PEER)],
    [`inbound acme ${PBX} by ${PEER}`],
  ],
  [
    'finds the answers to requests in the name of the victim',
    [icmp(strangers(200), PBX, REPLY)],
    [`inbound acme ${PBX} by many`],
  ],
  ['is silent on one below the threshold', [icmp(PEER, PBX, REQUEST, 249)], []],
];

describe('icmpFlood', () => {
  for (const [title, traffic, expected] of cases) {
    it(title, () => {
      assert.deepEqual(findings(icmpFlood, traffic).map(told), expected);
    });
  }
});
