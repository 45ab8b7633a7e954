import assert from 'node:assert/strict';
import { synFlood } from '../../daemon/detectors/synFlood.ts';
import { strangers, type Traffic } from '../support/windowBuilder.ts';
import { findings, told } from './findings.ts';
import { trafficEvidence } from '../support/trafficEvidence.ts';

const PBX = '198.51.100.9';
const ports = (count: number): number[] => Array.from({ length: count }, (_, i) => 1 + i);

const syns = (packets: number, changes: Partial<Traffic> = {}): Traffic => ({
  from: strangers(200),
  to: PBX,
  kind: 'tcpSyn',
  packets,
  ports: [443],
  ...changes,
});

const found: [string, readonly Traffic[], string][] = [
  ['a spoofed flood of 300 SYN/s', [syns(75)], `inbound acme ${PBX} by many`],
  ['a flood from one address', [syns(250, { from: '203.0.113.1' })], `inbound acme ${PBX} by 203.0.113.1`],
  [
    'a flood beside the completed connections of others',
    [syns(400), syns(700, { kind: 'tcpAck' })],
    `inbound acme ${PBX} by many`,
  ],
  [
    'a flood at ten times the threshold, whatever is completed',
    [syns(2500), syns(20_000, { kind: 'tcpAck' })],
    `inbound acme ${PBX} by many`,
  ],
  [
    'one address that repeats itself on many ports',
    [syns(2500, { from: '203.0.113.1', ports: ports(100) })],
    `inbound acme ${PBX} by 203.0.113.1`,
  ],
  [
    "a tenant's flood to the outside",
    [syns(250, { from: PBX, to: '203.0.113.1' })],
    `outbound acme 203.0.113.1 by ${PBX}`,
  ],
  [
    "a flood by several of a tenant's addresses",
    [syns(250, { from: [PBX, '198.51.100.10'], to: '203.0.113.1' })],
    'outbound acme 203.0.113.1 by acme',
  ],
  [
    "a flood by a tenant's random addresses",
    [syns(1000, { from: strangers(250, 6).map((a) => a.replace(':f:', ':8:')), to: '203.0.113.1' })],
    'outbound acme 203.0.113.1 by acme',
  ],
  [
    'a flood of one tenant by another, as its victim has it',
    [syns(250, { from: '198.51.100.17' })],
    `inbound acme ${PBX} by 198.51.100.17`,
  ],
];

const silent: [string, readonly Traffic[]][] = [
  ['one below the threshold', [syns(74)]],
  ['a big download', [syns(20), syns(20_000, { kind: 'tcpAck', from: '203.0.113.1', bytes: 1514 })]],
  ['500 phones that register again over TLS', [syns(500), syns(3000, { kind: 'tcpAck' })]],
  [
    'connections that are opened and closed at once',
    [syns(500), syns(500, { kind: 'tcpAck' }), syns(500, { kind: 'tcpFin' })],
  ],
  ['a port scan', [syns(1000, { from: '203.0.113.1', ports: ports(1000) })]],
  ['a flood between strangers', [syns(2500, { to: '203.0.113.250' })]],
  ['a flood to the outside that no tenant sends', [syns(2500, { to: '203.0.113.250', from: strangers(9) })]],
];

describe('synFlood', () => {
  for (const [title, traffic, expected] of found) {
    it(`finds ${title}`, () => {
      assert.deepEqual(findings(synFlood, traffic).map(told), [expected]);
    });
  }

  for (const [title, traffic] of silent) {
    it(`is silent on ${title}`, () => {
      assert.deepEqual(findings(synFlood, traffic).map(told), []);
    });
  }

  it('finds each victim once', () => {
    const victims = ['198.51.100.9', '198.51.100.10', '2001:db8:8::9'];
    const traffic = victims.map((to) => syns(300, { to }));
    assert.deepEqual(
      findings(synFlood, traffic).map(({ victim }) => victim),
      victims,
    );
  });

  it('measures SYN/s, and is critical at five times the threshold', () => {
    const [warning] = findings(synFlood, [syns(374)]);
    const [critical] = findings(synFlood, [syns(375)]);
    assert.deepEqual([warning?.value, warning?.threshold, warning?.severity], [1496, 300, 'warning']);
    assert.deepEqual([critical?.value, critical?.severity], [1500, 'critical']);
  });

  it('shows its evidence', () => {
    const [finding] = findings(synFlood, [syns(480), syns(20, { kind: 'udp', from: '203.0.113.250', ports: [53] })]);
    const evidence = trafficEvidence(finding);
    assert.deepEqual(evidence.packetsByKind, { udp: 20, tcpSyn: 480 });
    assert.equal(evidence.packetsPerSecond, 2000);
    assert.equal(evidence.bitsPerSecond, 2000 * 60 * 8);
    assert.equal(evidence.topPorts[0]?.port, 443);
    assert.equal(evidence.distinctPorts, 2);
    assert(finding?.sources !== undefined);
  });

  it('takes rates over a usual window where nothing tells the time of the packets, and divides by no moment', () => {
    assert.deepEqual(findings(synFlood, [syns(74)], { windowMs: 20 }), []);
    assert.deepEqual(findings(synFlood, [syns(74)], { windowMs: 0 }), []);
    assert.equal(findings(synFlood, [syns(75)], { windowMs: 20 })[0]?.value, 300);
    assert.equal(findings(synFlood, [syns(1000)], { windowMs: 1000 })[0]?.value, 1000);
  });

  const confidences: [string, object, number][] = [
    ['nothing lost', { dropped: 0 }, 0.95],
    ['1 % lost', { dropped: 2 }, 0.95],
    ['more lost', { dropped: 20 }, 0.76],
    ['more than a tenth lost', { dropped: 100 }, 0.57],
    ['loss unknown', { dropped: null }, 0.9],
    ['no closer look', { details: 0 }, 0.7],
  ];
  for (const [title, options, confidence] of confidences) {
    it(`has a confidence of ${confidence} with ${title}`, () => {
      assert.equal(findings(synFlood, [syns(250)], options)[0]?.confidence, confidence);
    });
  }
});
