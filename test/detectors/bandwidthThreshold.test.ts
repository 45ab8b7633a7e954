import assert from 'node:assert/strict';
import { bandwidthThreshold } from '../../daemon/detectors/bandwidthThreshold.ts';
import type { Detector, Finding } from '../../daemon/detectors/detector.ts';
import { WINDOW_MS } from '../../daemon/metering/window.ts';
import type { Plan } from '../../daemon/tenants/tenant.ts';
import { buildWindow, testContext, testTenant } from '../support/windowBuilder.ts';
import { trafficEvidence } from '../support/trafficEvidence.ts';

const PBX = '198.51.100.9';
const PEER = '203.0.113.1';
const RATE_BPS = 8e6;
/** Bytes of a window at the threshold. */
const WINDOW_BYTES = RATE_BPS / 8 / 4;

function contextOf(plan: Partial<Plan> = { threshold: { rateBps: RATE_BPS, packetsPerSecond: null, forMs: 60_000 } }) {
  return testContext([testTenant('acme', [`${PBX}/29`], plan), testTenant('globex', ['198.51.100.16/29'])]);
}

const create = (context = contextOf()): Detector =>
  bandwidthThreshold.create(bandwidthThreshold.config.parse({}), context);

interface Load {
  readonly level: number;
  readonly from?: string;
  readonly to?: string;
  readonly windowMs?: number;
}

/** The findings of `seconds` of load, by window. */
function observe(detector: Detector, startMs: number, seconds: number, load: Load, context = contextOf()): Finding[][] {
  const { level, from = PEER, to = PBX, windowMs = WINDOW_MS } = load;
  const bytes = (WINDOW_BYTES * level * (windowMs / WINDOW_MS)) / 100;
  const traffic = level === 0 ? [] : [{ from, to, kind: 'tcpAck' as const, packets: 100, bytes }];
  return Array.from({ length: (seconds * 1000) / windowMs }, (_, i) =>
    detector.observe(buildWindow(traffic, { context, startMs: startMs + i * windowMs, windowMs })),
  );
}

const passed = (windows: readonly Finding[][]): Finding[] =>
  windows.flat().filter(({ value, threshold }) => value >= threshold);

describe('bandwidthThreshold', () => {
  it('names the tenant, in both directions, by the mean over the time of its plan', () => {
    for (const [from, to, direction] of [
      [PEER, PBX, 'inbound'],
      [PBX, PEER, 'outbound'],
    ] as const) {
      const [finding] = passed(observe(create(), 0, 60, { level: 1, from, to }));
      assert(finding !== undefined);
      assert.deepEqual(
        [finding.tenant, finding.direction, finding.offender, finding.victim],
        ['acme', direction, 'acme', null],
      );
      assert.deepEqual([finding.value, finding.threshold, finding.signature.unit], [RATE_BPS, RATE_BPS, 'bit/s']);
      assert.equal(trafficEvidence(finding).bitsPerSecond, RATE_BPS);
    }
  });

  it('does not fire early while it is warming up', () => {
    assert.equal(passed(observe(create(), 0, 59.75, { level: 1 })).length, 0);
    assert.equal(passed(observe(create(), 0, 29.75, { level: 2 })).length, 0);
    assert.equal(passed(observe(create(), 0, 30, { level: 2 })).length, 1);
  });

  const exempt: [string, Partial<Plan>][] = [
    ['a guaranteed plan', { guaranteed: true, threshold: { rateBps: RATE_BPS, packetsPerSecond: null, forMs: 1000 } }],
    ['a plan without a threshold', { threshold: null }],
  ];
  for (const [title, plan] of exempt) {
    it(`is silent on ${title}`, () => {
      const context = contextOf(plan);
      assert.deepEqual(observe(create(context), 0, 10, { level: 100 }, context).flat(), []);
    });
  }

  const reasons: [string, Partial<Plan>, (string | null)[]][] = [
    ['both thresholds', { threshold: { rateBps: 1, packetsPerSecond: 1, forMs: 1000 } }, [null, null, null, null]],
    [
      'one of them',
      { threshold: { rateBps: 1, packetsPerSecond: null, forMs: 1000 } },
      [null, null, 'plan.threshold.packets is not set'],
    ],
    ['none', {}, ['plan.threshold is not set', 'plan.threshold is not set']],
    ['a guaranteed plan', { guaranteed: true }, ['exempt: plan.guaranteed', 'exempt: plan.guaranteed']],
  ];
  for (const [title, plan, expected] of reasons) {
    it(`explains a plan with ${title}`, () => {
      const readings = create(contextOf({ threshold: null, ...plan })).explain(buildWindow([]), 1);
      assert.deepEqual(
        readings.map(({ reason }) => reason),
        expected,
      );
    });
  }

  it('counts a gap in time as zero traffic', () => {
    const detector = create();
    observe(detector, 0, 60, { level: 1 });
    const [[finding] = []] = observe(detector, 75_000, 0.25, { level: 1 });
    assert(finding !== undefined);
    assert.equal(finding.value, (RATE_BPS * 45) / 60);
    assert.deepEqual(observe(detector, 1_000_000, 0.25, { level: 1 }), [[]]);
  });

  it('leaves below 0.7 of the threshold', () => {
    const detector = create();
    observe(detector, 0, 60, { level: 1 });
    const after = observe(detector, 60_000, 30, { level: 0 }).map((findings) => findings.length);
    assert.deepEqual([after.indexOf(0), after.lastIndexOf(1)], [72, 71]);
  });

  it('gives the same mean in longer windows', () => {
    const [finding] = observe(create(), 0, 60, { level: 1, windowMs: 7500 }).at(-1) ?? [];
    assert.equal(finding?.value, RATE_BPS);
  });

  it('names the mean packet rate too, where the plan has a threshold for it, beside that of bits or alone', () => {
    const alone = contextOf({ threshold: { rateBps: null, packetsPerSecond: 400, forMs: 60_000 } });
    const found = passed(observe(create(alone), 0, 60, { level: 0.01 }, alone));
    assert.deepEqual(
      found.map(({ signature, direction, value, threshold }) => [signature.id, direction, value, threshold]),
      [['packetThreshold', 'inbound', 400, 400]],
    );
    const both = contextOf({ threshold: { rateBps: RATE_BPS, packetsPerSecond: 500, forMs: 60_000 } });
    const ids = (seconds: number, level: number): string[] =>
      passed(observe(create(both), 0, seconds, { level }, both)).map(({ signature }) => signature.id);
    assert.deepEqual(ids(60, 1), ['bandwidthThreshold']);
    assert.deepEqual(ids(60, 0.9), []);
  });

  it('is not confused by a clock that was set back', () => {
    const detector = create();
    observe(detector, 1_000_000_000, 60, { level: 10 });
    assert.deepEqual(observe(detector, 0, 10, { level: 1 }).flat(), []);
    assert.equal(passed(observe(detector, 10_000, 50, { level: 1 })).length, 1);
  });

  it('takes up its buckets after a restart, of those tenants that are still there', () => {
    const before = create();
    observe(before, 0, 59.75, { level: 1 });
    const after = create();
    after.restore(before.save());
    assert.equal(passed(observe(after, 59_750, 0.25, { level: 1 })).length, 1);
    const changed = contextOf({ threshold: { rateBps: RATE_BPS, packetsPerSecond: null, forMs: 900_000 } });
    const other = create(changed);
    other.restore(before.save());
    assert.deepEqual(observe(other, 59_750, 0.25, { level: 1 }, changed).flat(), []);
  });
});
