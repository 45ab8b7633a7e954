import assert from 'node:assert/strict';
import { icmpFlood } from '../../../daemon/detectors/icmpFlood.ts';
import { rateSeconds, trust, trustInSilence } from '../../../daemon/detectors/shared/evidence.ts';
import { synFlood } from '../../../daemon/detectors/synFlood.ts';
import { udpFlood } from '../../../daemon/detectors/udpFlood.ts';
import type { PacketKind } from '../../../daemon/metering/decodeResult.ts';
import type { Window } from '../../../daemon/metering/window.ts';
import { buildWindow, strangers, testContext } from '../../support/windowBuilder.ts';

const floodOf = (kind: PacketKind): Window =>
  buildWindow([{ from: strangers(200), to: '198.51.100.9', kind, packets: 10_000 }]);

const doubts: [string, number, (window: Window) => void][] = [
  ['nothing', 1, () => {}],
  ['an unknown loss', 0.95, (window) => window.close(250, 10_000, null)],
  ['a loss of 1 %', 1, (window) => window.close(250, 9900, 100)],
  ['a loss of 2 %', 0.8, (window) => window.close(250, 9800, 200)],
  ['a loss of a fifth', 0.6, (window) => window.close(250, 8000, 2000)],
  ['every packet being looked at', 1, (window) => window.sampled(1)],
  ['one packet in 31', 0.95, (window) => window.sampled(31)],
  ['one packet in 100', 0.8, (window) => window.sampled(100)],
  ['one packet in 1,000', 0.7, (window) => window.sampled(1000)],
  ['the sparsest of several samplings', 0.7, (window) => [1000, 1].forEach((each) => window.sampled(each))],
  ['a sampling that nobody knows', 0.7, (window) => [null, 1].forEach((each) => window.sampled(each))],
  ['a clock that was set', 0.6, (window) => window.clockJumped(-3_600_000)],
  [
    'all of them',
    0.25,
    (window) => {
      window.close(250, 8000, 2000);
      window.sampled(1000);
      window.clockJumped(100);
    },
  ],
];

describe('trust', () => {
  for (const [title, expected, doubt] of doubts) {
    it(`is ${expected} with ${title}`, () => {
      const window = floodOf('udp');
      doubt(window);
      assert.equal(trust(window), expected);
      assert.equal(trustInSilence(window), expected);
    });
  }

  it('is halved where one direction alone is seen, for what rests on nobody answering', () => {
    const definitions = [udpFlood, icmpFlood, synFlood];
    const confidences = (['udp', 'icmp', 'tcpSyn'] as const).map((kind, i) => {
      const window = floodOf(kind);
      window.suspectOneWay('inbound');
      return definitions[i]
        ?.create({ mode: 'observe', allow: [], packetsPerSecond: 1000 }, testContext())
        .observe(window)[0]?.confidence;
    });
    assert.deepEqual(confidences, [0.48, 0.48, 0.95]);
  });
});

describe('rateSeconds', () => {
  for (const [title, expected, jumpMs, windowMs] of [
    ['a usual window', 0.25, 0, 250],
    ['at least a usual window', 0.25, 0, 20],
    ['a late main thread', 1, 0, 1000],
    ['the time that a clock set back takes to catch up', 1.15, -900, 250],
    ['no time, where the window was turned for it', 0.25, -3600_000, 250],
    ['no time for a clock set forward', 0.25, 900, 250],
  ] as const) {
    it(`is ${expected}: ${title}`, () => {
      const window = buildWindow([], { windowMs });
      window.clockJumped(jumpMs);
      assert.equal(rateSeconds(window), expected);
    });
  }
});
