/** For every detector: the traffic that it must find, in any strength, for the suite that runs over all of them. */
import type { DetectorContext } from '../../daemon/detectors/detector.ts';
import { WINDOW_MS, type Window } from '../../daemon/metering/window.ts';
import { buildWindow, strangers, testContext, testTenant, type Traffic } from '../support/windowBuilder.ts';

export interface DetectorCase {
  readonly id: string;
  readonly context: DetectorContext;
  /** Windows after which it must have been found. */
  readonly windows: number;
  /** One window of traffic at `level` times the threshold. */
  traffic(level: number, family: 4 | 6): readonly Traffic[];
}

const THRESHOLD = { rateBps: 8e6, forMs: 5000 };
const PER_WINDOW = WINDOW_MS / 1000;
const victim = (family: 4 | 6): string => (family === 4 ? '198.51.100.9' : '2001:db8:8::9');

const flood = (id: string, kind: Traffic['kind'], packetsPerSecond: number): DetectorCase => ({
  id,
  context: testContext(),
  windows: 3,
  traffic: (level, family) => [
    {
      from: strangers(200, family),
      to: victim(family),
      kind,
      packets: Math.floor(packetsPerSecond * PER_WINDOW * level),
      ports: [80],
    },
  ],
});

export const detectorCases: readonly DetectorCase[] = [
  flood('synFlood', 'tcpSyn', 1000),
  flood('udpFlood', 'udp', 20_000),
  flood('icmpFlood', 'icmp', 1000),
  {
    id: 'bandwidthThreshold',
    context: testContext([testTenant('acme', ['198.51.100.8/29', '2001:db8:8::/48'], { threshold: THRESHOLD })]),
    windows: THRESHOLD.forMs / WINDOW_MS + 1,
    traffic: (level, family) => [
      {
        from: strangers(1, family),
        to: victim(family),
        kind: 'tcpAck',
        packets: 250,
        bytes: (THRESHOLD.rateBps / 8 / 1000) * level,
      },
    ],
  },
];

export function* windowsOf(kase: DetectorCase, level: number, count: number, family: 4 | 6 = 4): Generator<Window> {
  const { context } = kase;
  for (let i = 0; i < count; i++) yield buildWindow(kase.traffic(level, family), { context, startMs: i * WINDOW_MS });
}
