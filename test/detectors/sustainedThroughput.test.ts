import assert from 'node:assert/strict';
import type { Detector, Finding, PortUse, Reading } from '../../daemon/detectors/detector.ts';
import { sustainedThroughput } from '../../daemon/detectors/sustainedThroughput.ts';
import { BYTES_TCP, INBOUND, OUTBOUND, ROW, Window } from '../../daemon/metering/window.ts';
import { SAMPLE_MS } from '../../daemon/detectors/shared/throughputSamples.ts';
import { Incidents } from '../../daemon/incidents/incidents.ts';
import { percentile95 } from '../../daemon/store/percentile.ts';
import type { Plan } from '../../daemon/tenants/tenant.ts';
import { trafficEvidence } from '../support/trafficEvidence.ts';
import { buildWindow, testContext, testTenant } from '../support/windowBuilder.ts';

const PEER = '203.0.113.1';
const PORT_BPS = 100e6;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY_SAMPLES = (24 * HOUR) / SAMPLE_MS;

const contextOf = (plan: Partial<Plan> = {}, accountsFor?: () => boolean) => ({
  ...testContext([testTenant('acme', ['198.51.100.8/29'], { portBps: PORT_BPS, ...plan })]),
  ...(accountsFor && { accountsFor }),
});

const create = (options: object = {}, context = contextOf()): Detector =>
  sustainedThroughput.create(sustainedThroughput.config.parse(options), context);

/** The share of the port that is taken at an hour. */
type Load = (hour: number) => number;

interface Course {
  readonly hours: number;
  readonly startHour?: number;
  readonly detector?: Detector;
  readonly upload?: boolean;
}

const window = new Window({ tenants: 1, targetBits: 2, sourceBits: 2, details: 0, pairBits: 6 });

const bytesOf = (share: number, ms: number): number => (PORT_BPS * share * ms) / 8000;

/** A time in which one direction takes a share of the port. */
function windowOf(startMs: number, share: number, upload = false, ms = MINUTE): Window {
  window.open(startMs);
  window.tenants[(2 + (upload ? OUTBOUND : INBOUND)) * ROW + BYTES_TCP] = bytesOf(share, ms);
  window.close(startMs + ms, 0, 0);
  return window;
}

const restarted = (detector: Detector): Detector => {
  const after = create();
  after.restore(JSON.parse(JSON.stringify(detector.save())));
  return after;
};

/** In minutes; it lasts for a minute, in which nobody looks. */
interface Restarts {
  readonly first: number;
  readonly every: number;
}

/** The minutes in which what was found would open an incident. */
function openedMinutes(load: Load, hours: number, restarts: Restarts | null = null): number[] {
  const incidents = new Incidents({ closeAfterMs: 30_000, maxOpen: 10 });
  let detector = create();
  return Array.from({ length: hours * 60 }, (_, minute) => minute).filter((minute) => {
    if (restarts !== null && minute >= restarts.first && (minute - restarts.first) % restarts.every === 0) {
      detector = restarted(detector);
      return false;
    }
    const findings = detector.observe(windowOf(minute * MINUTE, load(minute / 60)));
    const changes = incidents.observe('eth0', (minute + 1) * MINUTE, MINUTE, findings);
    return changes.some(({ event }) => event === 'opened');
  });
}

/** The findings of every minute. */
function findingsOf(load: Load, { hours, startHour = 0, detector = create(), upload = false }: Course): Finding[][] {
  return Array.from({ length: hours * 60 }, (_, minute) => {
    const startMs = startHour * HOUR + minute * MINUTE;
    return detector.observe(windowOf(startMs, load(startMs / HOUR), upload));
  });
}

/** `opened 24.1 closed 31`: what becomes of incidents, and in which hour. */
function incidentsOf(load: Load, course: Course): string {
  const incidents = new Incidents({ closeAfterMs: 30_000, maxOpen: 10 });
  return findingsOf(load, course)
    .flatMap((findings, minute) => {
      const endMs = (course.startHour ?? 0) * HOUR + (minute + 1) * MINUTE;
      const changes = incidents.observe('eth0', endMs, MINUTE, findings);
      return changes
        .filter(({ event }) => event !== 'refreshed')
        .map(({ event }) => `${event} ${Math.round(endMs / HOUR)}`);
    })
    .join(' ');
}

const steady: Load = () => 0.8;
const isNight: Load = (hour) => (hour % 24 < 2 ? 1 : 0);
/** Up and down between two shares, sample by sample. */
const wave =
  (low: number, high: number): Load =>
  (hour) =>
    Math.floor(hour * 12) % 2 === 0 ? low : high;

const constant: [string, Load][] = [
  ['a stream of all the port', () => 1],
  ['a stream of 0.7 of the port', () => 0.7],
  ['a stream that varies by a quarter', wave(0.6, 0.95)],
  ['a stream with a pause of an hour', (hour) => (Math.floor(hour) % 24 === 12 ? 0 : 0.9)],
  ['a stream above the port, which the plan has wrong', () => 3],
];

const inconstant: [string, Load][] = [
  ['nothing', () => 0],
  ['a stream just below 0.7 of the port', () => 0.699],
  ['a nightly backup of 2 h', isNight],
  ['an office day of 10 h at nine tenths', (hour) => (hour % 24 >= 8 && hour % 24 < 18 ? 0.9 : 0.05)],
  ['a backup of 12 h', (hour) => (hour % 24 < 12 ? 1 : 0.1)],
  ['three hours of pause a day', (hour) => (hour % 24 < 3 ? 0 : 1)],
  ['much, but now and then', wave(0.4, 1)],
  ['bursts that vary by more than a quarter', (hour) => (Math.floor(hour * 12) % 4 === 0 ? 2.5 : 0.7)],
];

const reading = (detector: Detector): Reading[] => [...detector.explain(windowOf(0, 0), 1)];
const inbound = (detector: Detector): Reading | undefined =>
  reading(detector).find(({ direction }) => direction === 'inbound');

describe('sustainedThroughput', () => {
  for (const [title, load] of constant) {
    it(`names ${title}, once`, () => assert.match(incidentsOf(load, { hours: 72 }), /^opened 2[1-4]$/));
  }

  for (const [title, load] of inconstant) {
    it(`is silent on ${title}`, () => assert.equal(incidentsOf(load, { hours: 72 }), ''));
  }

  it('names the tenant in the direction that is busy, with the use of its port', () => {
    for (const [upload, direction] of [
      [false, 'inbound'],
      [true, 'outbound'],
    ] as const) {
      const [finding] = findingsOf(wave(0.72, 0.88), { hours: 25, upload }).at(-1) ?? [];
      assert(finding !== undefined);
      const { tenant, offender, victim, value, threshold } = finding;
      assert.deepEqual([tenant, finding.direction, offender, victim], ['acme', direction, 'acme', null]);
      assert.deepEqual([value, threshold], [80e6, 70e6]);
      const expected: PortUse = {
        portBps: PORT_BPS,
        overMs: 24 * HOUR,
        medianBps: 80e6,
        dutyShare: 1,
        variation: 0.1,
        percentile95Bps: 88e6,
      };
      assert.deepEqual(trafficEvidence(finding).port, expected);
    }
  });

  it('stays open until the median has been below half of the port for 6 h', () => {
    assert.equal(
      incidentsOf((hour) => (hour < 30 ? 1 : 0.6), { hours: 72 }),
      'opened 22',
    );
    // The median of 6 h falls once 3 of them are over.
    assert.equal(
      incidentsOf((hour) => (hour < 30 ? 1 : 0.4), { hours: 72 }),
      'opened 22 closed 33',
    );
    assert.equal(
      incidentsOf((hour) => (hour > 30 && hour < 32 ? 0 : 1), { hours: 72 }),
      'opened 22',
    );
  });

  it('says nothing before nine tenths of the time are known, and what is missing', () => {
    const detector = create();
    findingsOf(() => 1, { hours: 12, detector });
    assert.equal(inbound(detector)?.reason, '11.9 of 24 h are known, 90 % are needed');
    assert.equal(
      findingsOf(() => 1, { hours: 9.5, startHour: 12, detector })
        .flat()
        .filter((f) => f.value >= f.threshold).length,
      0,
    );
    const [finding] = findingsOf(() => 1, { hours: 0.25, startHour: 21.5, detector }).at(-1) ?? [];
    assert.equal(finding?.value, PORT_BPS);
    assert.equal(finding.confidence, 0.9);
  });

  it('does not take time for idle in which nobody looked', () => {
    const detector = create();
    findingsOf(() => 1, { hours: 20, detector });
    const [finding] = findingsOf(() => 1, { hours: 3, startHour: 22, detector }).at(-1) ?? [];
    assert.equal(finding?.value, PORT_BPS);
  });

  const readings: [string, Load, number, RegExp | null][] = [
    ['the median is below', () => 0.5, 50e6, /^the median is below the threshold$/],
    [
      'the port is not busy for long enough',
      (hour) => (hour % 24 < 4 ? 0 : 1),
      100e6,
      /^the port is busy in 83 % of the time, not in 90 %$/,
    ],
    ['it varies too much', wave(0.5, 1), 75e6, /^it varies: σ\/μ is 0\.333, above 0\.25$/],
    ['it is constant', () => 0.9, 90e6, null],
  ];
  for (const [title, load, value, reason] of readings) {
    it(`explains that ${title}`, () => {
      const detector = create();
      findingsOf(load, { hours: 48, detector });
      const read = inbound(detector);
      assert.equal(read?.value, value);
      if (reason === null) assert.equal(read.reason, null);
      else assert.match(read.reason ?? '', reason);
    });
  }

  const exempt: [string, Partial<Plan>, (() => boolean) | undefined, string][] = [
    ['a guaranteed plan', { guaranteed: true }, undefined, 'exempt: plan.guaranteed'],
    ['a plan without a port', { portBps: null }, undefined, 'plan.port is not set'],
    [
      'a tenant that is counted elsewhere',
      {},
      () => false,
      'its traffic is accounted for at another observation point',
    ],
  ];
  for (const [title, plan, accountsFor, reason] of exempt) {
    it(`does not judge ${title}, and says so`, () => {
      const detector = create({}, contextOf(plan, accountsFor));
      assert.deepEqual(findingsOf(() => 1, { hours: 26, detector }).flat(), []);
      assert.deepEqual(
        reading(detector).map((each) => [each.direction, each.value, each.reason]),
        [[null, null, reason]],
      );
    });
  }

  it('takes the figures of its section', () => {
    const options = { for: '2h', share: 0.2, busyShare: 0.15, releaseShare: 0.1, releaseAfter: '30m' };
    const [finding] = findingsOf(() => 0.2, { hours: 2.25, detector: create(options) }).at(-1) ?? [];
    assert.deepEqual([finding?.value, finding?.threshold, finding?.signature.leaveBelow], [20e6, 20e6, 0.5]);
    assert.throws(() => create({ share: 0.4 }), /must be below share \(0\.4\), got 0\.5/);
  });

  it('remembers over a restart, but for the tenants that are gone', () => {
    const before = create();
    findingsOf(() => 1, { hours: 20, detector: before });
    const after = create();
    after.restore(before.save());
    const [finding] = findingsOf(() => 1, { hours: 2, startHour: 20.5, detector: after }).at(-1) ?? [];
    assert.equal(finding?.value, PORT_BPS);
    const other = create({}, contextOf({ portBps: null }));
    other.restore(before.save());
    assert.deepEqual(other.save(), []);
  });

  it('names a stream of 24 h in its 22nd hour, also where there was a restart in the middle', () => {
    const opened = openedMinutes(steady, 24);
    assert.deepEqual(opened, [21 * 60 + 40]);
    assert.deepEqual(openedMinutes(steady, 24, { first: 12 * 60 - 7, every: Infinity }), opened);
  });

  it('is silent on seven nights of a backup of 2 h, also where each has a restart in the middle', () => {
    assert.deepEqual(openedMinutes(isNight, 7 * 24), []);
    assert.deepEqual(openedMinutes(isNight, 7 * 24, { first: 60, every: 24 * 60 }), []);
  });

  it('tells the 95th percentile of the bill, also after a restart', () => {
    const startMs = Date.UTC(2026, 5, 1);
    let detector = create();
    let told: number | null | undefined;
    const points = Array.from({ length: 30 * DAY_SAMPLES }, (_, sample) => {
      const share = 0.75 + 0.2 * (((sample * 7919) % 997) / 997) ** 2;
      const [finding] = detector.observe(windowOf(startMs + sample * SAMPLE_MS, share, false, SAMPLE_MS));
      if (finding !== undefined) told = trafficEvidence(finding).port?.percentile95Bps;
      if (sample % 1000 === 999) detector = restarted(detector);
      return { knownMs: SAMPLE_MS, inBytes: bytesOf(share, SAMPLE_MS), outBytes: 0, inPackets: 0, outPackets: 0 };
    });
    // The last sample is complete once another one has begun, in the next month.
    const billed = percentile95(points.slice(0, -1))?.inBps ?? 0;
    assert(Math.abs((told ?? 0) - billed) <= 8, `${told} bit/s, not ${billed}`);
  });

  it('judges a thousand tenants in turn, and all of them soon', () => {
    const tenants = Array.from({ length: 1000 }, (_, i) =>
      testTenant(`t${i}`, [`198.18.${i >> 8}.${i & 255}/32`], { portBps: 80 }),
    );
    const context = testContext(tenants);
    const detector = create({ for: '1h', releaseAfter: '5m' }, context);
    const traffic = tenants.map((_, i) => ({
      from: PEER,
      to: `198.18.${i >> 8}.${i & 255}`,
      kind: 'udp' as const,
      packets: 1,
    }));
    const full = buildWindow(traffic, { context, windowMs: 60 * MINUTE });
    full.tenants.fill(10 * 3600, 0);
    detector.observe(full);
    const counts = Array.from({ length: 40 }, (_, i) => {
      const startMs = 60 * MINUTE + i * 250;
      return detector.observe(buildWindow([], { context, startMs, windowMs: 250 })).length;
    });
    assert(
      counts.every((count, i) => count - (counts[i - 1] ?? 0) <= 64),
      counts.join(' '),
    );
    assert.equal(counts.at(-1), 2000);
  });
});
