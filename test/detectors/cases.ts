/** For every detector: what it must find, in any strength, for the suite that runs over all of them. */
import type { DetectorContext } from '../../daemon/detectors/detector.ts';
import { WINDOW_MS, type Window } from '../../daemon/metering/window.ts';
import type { Sighting } from '../../daemon/metering/pairTable.ts';
import { addSightings, type SightingSpec } from '../support/sightings.ts';
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

/** More sightings than a window has room for, of addresses that are new each time. */
const crowdOf = (sighting: Sighting, startMs: number): SightingSpec[] =>
  Array.from({ length: 600 }, (_, i) => ({
    sighting,
    initiator: `2001:db8:f:${(startMs % 65_535).toString(16)}::${(i % 100).toString(16)}`,
    responder: `2001:db8:8::${i.toString(16)}`,
    port: [53, 123, 11_211][i % 3] ?? 53,
  }));

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

const flood = (
  id: string,
  kind: Traffic['kind'],
  packetsPerSecond: number,
  changes: Partial<Traffic> = {},
): DetectorCase =>
  trafficCase({ id, context: testContext(), windows: 3 }, (level, family) => [
    {
      from: strangers(200, family),
      to: victim(family),
      kind,
      packets: Math.floor(packetsPerSecond * PER_WINDOW * level),
      ports: [80],
      ...changes,
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

/** Answers by DNS that nobody asked for, from twelve resolvers in turn; the mean over four seconds is what counts. */
const reflected: DetectorCase = {
  id: 'amplification',
  context: testContext(),
  windows: 16,
  windowMs: WINDOW_MS,
  window(startMs, level, family) {
    const window = buildWindow([], { context: this.context, startMs });
    const packets = Math.floor(25 * PER_WINDOW * level);
    const reflectors = strangers(12, family);
    addSightings(
      window,
      this.context,
      Array.from({ length: packets }, (_, i) => ({
        sighting: 'response',
        initiator: reflectors[(startMs / WINDOW_MS + i) % reflectors.length] ?? '',
        responder: victim(family),
        port: 53,
        bytes: 1400,
      })),
    );
    return window;
  },
  crowd(startMs) {
    const window = buildWindow([], { context: this.context, startMs });
    addSightings(window, this.context, crowdOf('response', startMs));
    return window;
  },
};

/** Sightings of pairs: `packets` of a sort a minute at the threshold, from another address each time. */
const sightings = (
  id: string,
  sighting: Sighting,
  packets: number,
  context: DetectorContext = testContext(),
): DetectorCase => {
  return {
    id,
    context,
    // Four windows of 250 ms have them all; one more may be asked for.
    windows: 5,
    windowMs: WINDOW_MS,
    window(startMs, level, family) {
      const window = buildWindow([], { context, startMs });
      const isFirst = startMs % 60_000 < 4 * WINDOW_MS;
      const seen = Math.floor((packets * level) / 4);
      if (isFirst && seen > 0)
        addSightings(window, context, [
          { sighting, initiator: strangers(1, family)[0] ?? '', responder: victim(family), packets: seen },
        ]);
      return window;
    },
    crowd(startMs) {
      const window = buildWindow([], { context, startMs });
      addSightings(window, context, crowdOf(sighting, startMs));
      return window;
    },
  };
};

/** The same first contacts in every window, all of them refused. */
const scan = (
  id: string,
  threshold: number,
  contact: (i: number, family: 4 | 6) => Pick<SightingSpec, 'initiator' | 'responder' | 'port'>,
): DetectorCase => {
  const context = testContext();
  return {
    id,
    context,
    windows: 1,
    windowMs: WINDOW_MS,
    window(startMs, level, family) {
      const window = buildWindow([], { context, startMs });
      for (let i = 0; i < Math.floor(threshold * level); i++) {
        const pair = contact(i, family);
        addSightings(window, context, [
          { sighting: 'syn', ...pair },
          { sighting: 'refused', of: 'syn', ...pair },
        ]);
      }
      return window;
    },
    crowd(startMs) {
      const window = buildWindow([], { context, startMs });
      const contacts = crowdOf('syn', startMs);
      addSightings(
        window,
        context,
        contacts.flatMap((each) => [each, { ...each, sighting: 'refused', of: 'syn' }]),
      );
      return window;
    },
  };
};

/** Of 50 addresses each gets as much. */
const carpet: DetectorCase = trafficCase(
  { id: 'carpetBomb', context: testContext([testTenant('acme', ['198.51.100.0/24', '2001:db8:8::/48'])]), windows: 3 },
  (level, family) =>
    Array.from({ length: 50 }, (_, i) => ({
      from: strangers(20, family),
      to: family === 4 ? `198.51.100.${i}` : `2001:db8:8::${i}`,
      kind: 'tcpSyn',
      packets: Math.floor((1000 * PER_WINDOW * level) / 50),
    })),
);

export const detectorCases: readonly DetectorCase[] = [
  flood('synFlood', 'tcpSyn', 300),
  flood('tcpFlood', 'tcpAck', 20_000),
  flood('udpFlood', 'udp', 20_000),
  flood('icmpFlood', 'icmp', 1000),
  flood('fragmentFlood', 'fragment', 1000),
  flood('extensionHeaderFlood', 'ipv6Extension', 1000),
  flood('neighbourFlood', 'neighbour', 500),
  flood('protocolFlood', 'other', 10_000),
  reflected,
  carpet,
  scan('portScan', 9, (i, family) => ({
    initiator: strangers(1, family)[0] ?? '',
    responder: victim(family),
    port: 1000 + i,
  })),
  scan('hostSweep', 9, (i, family) => ({
    initiator: victim(family),
    responder: strangers(i + 1, family)[i] ?? '',
    port: 22,
  })),
  sightings('headerAnomaly', 'portZero', 10),
  sightings('spoofedSource', 'ownSource', 10, { ...testContext(), accountsFor: () => false }),
  bandwidth,
  sustained,
  sampleCase('cpuOveruse', HALF_AN_HOUR, (level) => ({ cpuCores: 2 * level })),
  sampleCase('memoryOveruse', HALF_AN_HOUR, (level) => ({ memoryBytes: 8e9 * level })),
];

export function* windowsOf(kase: DetectorCase, level: number, count: number, family: 4 | 6 = 4): Generator<Window> {
  for (let i = 0; i < count; i++) yield kase.window(i * kase.windowMs, level, family);
}
