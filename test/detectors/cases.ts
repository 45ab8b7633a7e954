/** For every detector: what it must find, in any strength, for the suite that runs over all of them. */
import type { DetectorContext } from '../../daemon/detectors/detector.ts';
import { WINDOW_MS, type Window } from '../../daemon/metering/window.ts';
import { buildSampleWindow } from '../support/sampleWindow.ts';
import { buildWindow, strangers, testContext, testTenant, type Traffic } from '../support/windowBuilder.ts';

export interface DetectorCase {
  readonly id: string;
  readonly context: DetectorContext;
  /** Windows after which it must have been found. */
  readonly windows: number;
  /** Its length is that of all its windows. */
  readonly windowMs: number;
  /** One window at `level` times the threshold; at 0 there is nothing to find. */
  window(startMs: number, level: number, family: 4 | 6): Window;
  /** A window with as much of everything as a stranger can bring about. */
  crowd(startMs: number): Window;
}

/** Windows of traffic. */
function trafficCase(
  kase: Pick<DetectorCase, 'id' | 'context' | 'windows'> & { readonly windowMs?: number },
  traffic: (level: number, family: 4 | 6) => readonly Traffic[],
): DetectorCase {
  const { context, windowMs = WINDOW_MS } = kase;
  return {
    ...kase,
    windowMs,
    window: (startMs, level, family) =>
      buildWindow(level === 0 ? [] : traffic(level, family), { context, startMs, windowMs }),
    crowd: (startMs) => manyAddresses(context, startMs, windowMs),
  };
}

/** Thousands of addresses send to thousands. */
function manyAddresses(context: DetectorContext, startMs: number, windowMs: number): Window {
  const round = startMs / windowMs;
  const traffic: Traffic[] = Array.from({ length: 500 }, (_, i) => ({
    from: strangers(4, 6).map((address) => `${address}${round}`),
    to: `2001:db8:8::${(round * 500 + i).toString(16)}`,
    kind: (['udp', 'tcpSyn', 'icmp'] as const)[i % 3] ?? 'udp',
    packets: 4,
  }));
  return buildWindow(traffic, { context, startMs, windowMs });
}

const SAMPLES_MS = 5000;

/** Samples every 5 s of two tenants on a host of four processors and 16 GB; `use` is acme's. */
function sampleCase(
  id: string,
  forMs: number,
  use: (level: number) => { cpuCores?: number; memoryBytes?: number },
): DetectorCase {
  const context = testContext();
  return {
    id,
    context,
    windows: forMs / SAMPLES_MS,
    windowMs: SAMPLES_MS,
    window: (startMs, level) => buildSampleWindow({ startMs, windowMs: SAMPLES_MS, tenants: [use(level), {}] }),
    crowd: (startMs) => {
      const all = { cpuCores: 4, memoryBytes: 16e9, oomKills: 7 };
      return buildSampleWindow({ startMs, windowMs: SAMPLES_MS, tenants: [all, all], host: { suffers: true } });
    },
  };
}

const HALF_AN_HOUR = 30 * 60_000;

const THRESHOLD = { rateBps: 8e6, packetsPerSecond: null, forMs: 5000 };
const PER_WINDOW = WINDOW_MS / 1000;
const victim = (family: 4 | 6): string => (family === 4 ? '198.51.100.9' : '2001:db8:8::9');

const flood = (id: string, kind: Traffic['kind'], packetsPerSecond: number): DetectorCase =>
  trafficCase({ id, context: testContext(), windows: 3 }, (level, family) => [
    {
      from: strangers(200, family),
      to: victim(family),
      kind,
      packets: Math.floor(packetsPerSecond * PER_WINDOW * level),
      ports: [80],
    },
  ]);

const bandwidth: DetectorCase = trafficCase(
  {
    id: 'bandwidthThreshold',
    context: testContext([testTenant('acme', ['198.51.100.8/29', '2001:db8:8::/48'], { threshold: THRESHOLD })]),
    windows: THRESHOLD.forMs / WINDOW_MS + 1,
  },
  (level, family) => [
    {
      from: strangers(1, family),
      to: victim(family),
      kind: 'tcpAck',
      packets: 250,
      bytes: (THRESHOLD.rateBps / 8 / 1000) * level,
    },
  ],
);

const FIVE_MINUTES = 300_000;
const PORT_BPS = 8e6;

/** A whole day, and a window that completes its last sample. */
const sustained: DetectorCase = trafficCase(
  {
    id: 'sustainedThroughput',
    context: testContext([testTenant('acme', ['198.51.100.8/29', '2001:db8:8::/48'], { portBps: PORT_BPS })]),
    windows: 24 * 12 + 1,
    windowMs: FIVE_MINUTES,
  },
  (level, family) => [
    {
      from: strangers(1, family),
      to: victim(family),
      kind: 'tcpAck',
      packets: 100,
      bytes: (0.7 * PORT_BPS * FIVE_MINUTES * level) / 8 / 1000 / 100,
    },
  ],
);

export const detectorCases: readonly DetectorCase[] = [
  flood('synFlood', 'tcpSyn', 1000),
  flood('udpFlood', 'udp', 20_000),
  flood('icmpFlood', 'icmp', 1000),
  bandwidth,
  sustained,
  sampleCase('cpuOveruse', HALF_AN_HOUR, (level) => ({ cpuCores: 2 * level })),
  sampleCase('memoryOveruse', HALF_AN_HOUR, (level) => ({ memoryBytes: 8e9 * level })),
];

export function* windowsOf(kase: DetectorCase, level: number, count: number, family: 4 | 6 = 4): Generator<Window> {
  for (let i = 0; i < count; i++) yield kase.window(i * kase.windowMs, level, family);
}
