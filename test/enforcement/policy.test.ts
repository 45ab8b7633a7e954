import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { DetectorMode } from '../../daemon/detectors/detector.ts';
import { Places } from '../../daemon/enforcement/places.ts';
import {
  type Action,
  CALL_BPS,
  decide,
  type EnforcementPolicy,
  NOTHING,
  order,
  type PolicyInput,
  type PolicyMemory,
  release,
} from '../../daemon/enforcement/policy.ts';
import type { Incident } from '../../daemon/incidents/incident.ts';
import type { Plan } from '../../daemon/tenants/tenant.ts';
import { testIncident } from '../support/incident.ts';
import { testTenant } from '../support/windowBuilder.ts';
import { standingLimit } from './limits.ts';

const HOLD_MS = 900_000;
const NOW_MS = 500_000;
const MINUTE_MS = 60_000;

const policy: EnforcementPolicy = {
  mode: 'enforce',
  holdMs: HOLD_MS,
  maxHoldMs: 5 * HOLD_MS,
  forgetAfterMs: 24 * 3_600_000,
  graceMs: 1_800_000,
  limitsPerMinute: 3,
  voiceFloorBps: 900_000,
  observedTenants: new Set(),
};
const ids = ['acme', 'birch', 'cedar', 'dogwood', 'elm'];
const placesOf = (plan: Partial<Plan> = {}): Places =>
  new Places({
    tenants: ids.map((id, i) => testTenant(id, [`10.0.${i}.0/24`], { limitBps: 20e6, ...plan })),
    interfaces: [{ name: 'eth0', faces: 'internet', tenant: null }],
    exempt: { tenants: [], prefixes: [] },
  });

const incident = (changes: Partial<Incident> = {}): Incident =>
  testIncident({
    id: 'bt-1',
    detector: 'bandwidthThreshold',
    signature: 'bandwidthThreshold',
    clause: 'network.throughput',
    direction: 'outbound',
    ...changes,
  });

const remember = (changes: Partial<PolicyMemory>): PolicyMemory => ({ ...NOTHING, ...changes });
const standing = remember({ limits: [standingLimit()] });
const byHand = remember({ limits: [standingLimit({ incident: null, by: 'ada', reason: 'a call', rateBps: 5e6 })] });

const decideWith = (changes: Partial<PolicyInput> = {}) =>
  decide({
    incidents: [incident()],
    places: placesOf(),
    memory: NOTHING,
    policy,
    detectorModes: { bandwidthThreshold: 'enforce', sustainedThroughput: 'enforce' },
    offeredBps: new Map(),
    calls: new Map(),
    nowMs: NOW_MS,
    seed: 7,
    ...changes,
  });
const after = (times: number): PolicyMemory =>
  remember({ histories: [{ tenant: 'acme', times, endedMs: NOW_MS - 1, graceUntilMs: 0 }] });
/** The hold of the limit that is set. */
const holdOf = (changes: Partial<PolicyInput>): number => decideWith(changes).memory.limits[0]?.holdMs ?? Number.NaN;

describe('decide', () => {
  it('limits a tenant with an open incident, to its plan, for the hold', () => {
    const { memory, decisions } = decideWith();
    const holdMs = memory.limits[0]?.holdMs ?? 0;
    const reason = 'outbound bandwidthThreshold, incident bt-1';
    assert(holdMs >= HOLD_MS && holdMs <= HOLD_MS * 1.1);
    assert.deepEqual(memory.limits, [
      standingLimit({ sinceMs: NOW_MS, untilMs: NOW_MS + holdMs, holdMs, reason, incident: 'bt-1' }),
    ]);
    assert.deepEqual(decisions, [{ tenant: 'acme', action: 'limit', reason }]);
  });

  it('takes every signature of the clause for a cause', () => {
    const sustained = incident({ detector: 'sustainedThroughput', signature: 'sustainedThroughput', direction: null });
    assert.equal(decideWith({ incidents: [sustained] }).memory.limits[0]?.reason, 'sustainedThroughput, incident bt-1');
  });

  it('is one limit for several incidents', () => {
    const { memory, decisions } = decideWith({ incidents: [incident(), incident({ id: 'bt-2' })] });
    assert.deepEqual([memory.limits.length, decisions.length], [1, 1]);
  });

  it('keeps a limit since its beginning, and to its hold after the last open incident', () => {
    const [limit] = decideWith({ memory: standing }).memory.limits;
    const reason = 'outbound bandwidthThreshold, incident bt-1';
    assert.deepEqual(limit, standingLimit({ untilMs: NOW_MS + HOLD_MS, reason, incident: 'bt-1' }));
  });

  it('takes up a new rate of the plan while a limit stands', () => {
    const { memory } = decideWith({ incidents: [], memory: standing, places: placesOf({ limitBps: 5e6 }) });
    assert.deepEqual(memory.limits, [standingLimit({ rateBps: 5e6 })]);
  });

  const observed: Record<string, DetectorMode> = { bandwidthThreshold: 'observe' };
  const observing = { policy: { ...policy, mode: 'observe' } } as const;
  const gone = 901_000;
  const offering = (bps: number) => ({ incidents: [], memory: standing, offeredBps: new Map([['acme', bps]]) });
  const threshold = (rateBps: number | null) => ({
    places: placesOf({ threshold: { rateBps, packetsPerSecond: rateBps === null ? 50_000 : null, forMs: 60_000 } }),
  });
  const released = (nowMs: number) => ({ memory: release(standing, 'acme', policy.graceMs, NOW_MS), nowMs });
  const over = { places: placesOf({ guaranteed: true }), incidents: [] };
  const cases: [string, Partial<PolicyInput>, Action | null, RegExp, number][] = [
    ['another clause', { incidents: [testIncident()] }, null, /^$/, 0],
    ['a closed incident', { incidents: [incident({ state: 'closed' })] }, null, /^$/, 0],
    ['a guaranteed plan', { places: placesOf({ guaranteed: true }) }, 'exempt', /plan\.guaranteed/, 0],
    ['a plan without a limit', { places: placesOf({ limitBps: null }) }, 'exempt', /^plan\.limit is not set$/, 0],
    ['an unknown tenant', { incidents: [incident({ tenant: 'globex' })] }, 'exempt', /no such tenant/, 0],
    ['observing', observing, 'would limit', /^enforcement\.mode is observe$/, 0],
    [
      'a tenant that is observed',
      { policy: { ...policy, observedTenants: new Set(['acme']) } },
      'would limit',
      /^tenants\.acme\.enforcement is observe$/,
      0,
    ],
    ['a detector that observes', { detectorModes: observed }, 'would limit', /^detectors\.bandwidthThreshold\.mode/, 0],
    ['a detector of no known mode', { detectorModes: {} }, 'would limit', /mode is not enforce/, 0],
    ['the hold', { incidents: [], memory: standing }, 'hold', /^401s of the hold are left$/, 1],
    ['the last of the hold', { incidents: [], memory: standing, nowMs: gone - 1 }, 'hold', /^1s of/, 1],
    ['the hold over', { incidents: [], memory: standing, nowMs: gone }, 'release', /^the hold is over$/, 0],
    [
      'the hold over, while more is offered',
      { ...offering(300e6), nowMs: gone },
      'limit',
      /^300 Mbit\/s are offered/,
      1,
    ],
    [
      'the hold over, at 0.7 of the threshold',
      { ...offering(28e6), ...threshold(40e6), nowMs: gone },
      'limit',
      /^28 Mbit\/s are offered to it still, it stays from 28 Mbit\/s on$/,
      1,
    ],
    [
      'the hold over, below that, though the limit is full',
      { ...offering(20e6), ...threshold(40e6), nowMs: gone },
      'release',
      /hold is over/,
      0,
    ],
    ['0.7 of the threshold within the hold', { ...offering(28e6), ...threshold(40e6) }, 'limit', /^28 Mbit/, 1],
    ['less offered within the hold', { ...offering(27.9e6), ...threshold(40e6) }, 'hold', /left$/, 1],
    ['the hold over, half the port, without a threshold', { ...offering(50e6), nowMs: gone }, 'limit', /^50 Mbit/, 1],
    ['the hold over, less, without a threshold', { ...offering(49e6), nowMs: gone }, 'release', /hold is over/, 0],
    [
      'the hold over, a threshold of packets alone',
      { ...offering(49e6), ...threshold(null), nowMs: gone },
      'release',
      /hold is over/,
      0,
    ],
    [
      'the hold over, nothing known of the port',
      { ...offering(300e6), places: placesOf({ portBps: null }), nowMs: gone },
      'release',
      /hold is over/,
      0,
    ],
    ['the grace after a release', released(NOW_MS + policy.graceMs - 1), 'would limit', /another 1s$/, 0],
    ['the grace over', released(NOW_MS + policy.graceMs), 'limit', /bt-1$/, 1],
    ['a plan guaranteed meanwhile', { ...over, memory: standing }, 'release', /guaranteed/, 0],
    ['observing meanwhile', { ...observing, incidents: [], memory: standing }, 'release', /enforcement\.mode/, 0],
    ['a detector that observes meanwhile', { memory: standing, detectorModes: observed }, 'hold', /hold/, 1],
    ['an order by hand', { incidents: [], memory: byHand }, 'limit', /^a call \(set by ada\)$/, 1],
    ['an order, while an incident is open', { memory: byHand }, 'limit', /set by ada/, 1],
    [
      'an order without a limit in the plan',
      { memory: byHand, places: placesOf({ limitBps: null }) },
      'limit',
      /ada/,
      1,
    ],
    ['an order, its time over', { incidents: [], memory: byHand, nowMs: gone }, 'release', /^its time is over$/, 0],
    ['an order, its time over, while an incident is open', { memory: byHand, nowMs: gone }, 'limit', /bt-1$/, 1],
    ['an order for a guaranteed plan', { ...over, incidents: [incident()], memory: byHand }, 'exempt', /guaranteed/, 0],
    ['an order while all observes', { ...observing, memory: byHand }, 'would limit', /enforcement\.mode/, 0],
  ];
  for (const [name, changes, action, reason, count] of cases) {
    it(`${name}: ${action ?? 'no decision'}`, () => {
      const { memory, decisions } = decideWith(changes);
      assert.equal(decisions[0]?.action ?? null, action);
      assert.match(decisions[0]?.reason ?? '', reason);
      assert.equal(memory.limits.length, count);
    });
  }

  it('keeps a limit for the hold after the last time that too much was offered', () => {
    const pressed = decideWith({ ...offering(28e6), ...threshold(40e6), nowMs: gone - 1 }).memory;
    const at = (nowMs: number) =>
      decideWith({ ...threshold(40e6), incidents: [], memory: pressed, nowMs }).decisions[0];
    assert.equal(at(gone - 2 + HOLD_MS)?.action, 'hold');
    assert.equal(at(gone - 1 + HOLD_MS)?.action, 'release');
  });

  describe('for a tenant that comes again', () => {
    it('doubles the hold each time, up to the longest', () => {
      const holds = [0, 1, 2, 3, 40].map((times) => holdOf({ memory: after(times) }) / holdOf({}));
      assert.deepEqual(holds.map(Math.round), [1, 2, 4, 5, 5]);
    });

    it('counts a limit when it is lifted, and forgets in time', () => {
      const { memory } = decideWith({ incidents: [], memory: standing, nowMs: 901_000 });
      assert.deepEqual(memory.histories, [{ tenant: 'acme', times: 1, endedMs: 901_000, graceUntilMs: 0 }]);
      const later = decideWith({ memory, nowMs: 901_000 + policy.forgetAfterMs });
      assert.deepEqual(later.memory.histories, []);
    });

    it('counts no order by hand', () => {
      assert.deepEqual(decideWith({ incidents: [], memory: byHand, nowMs: 901_000 }).memory.histories, []);
    });
  });

  it('spreads the holds of limits that are set together, alike for the same seed', () => {
    const incidents = ids.map((tenant) => incident({ tenant }));
    const holds = (seed: number) =>
      decideWith({ incidents, seed, policy: { ...policy, limitsPerMinute: 9 } }).memory.limits.map(
        ({ holdMs }) => holdMs,
      );
    assert.equal(new Set(holds(1)).size, ids.length);
    assert.deepEqual(holds(1), holds(1));
    assert.notDeepEqual(holds(1), holds(2));
  });

  it('limits nobody below the calls that are up, or those that may be', () => {
    const places = placesOf({ limitBps: 256_000 });
    const rate = (changes: Partial<PolicyInput>) => decideWith({ places, ...changes }).memory.limits[0]?.rateBps;
    assert.equal(rate({}), policy.voiceFloorBps);
    assert.equal(rate({ calls: new Map([['acme', 0]]) }), 256_000);
    assert.equal(rate({ calls: new Map([['acme', 30]]) }), 30 * CALL_BPS);
    assert.equal(rate({ memory: byHand, calls: new Map([['acme', 100]]) }), 100 * CALL_BPS);
  });

  describe('when too many limits come within a minute', () => {
    const incidents = ids.map((tenant) => incident({ id: `bt-${tenant}`, tenant }));
    const first = decideWith({ incidents });
    const at = (nowMs: number, memory: PolicyMemory, open = incidents) =>
      decideWith({ incidents: open, memory, nowMs });

    it('sets as many as are allowed, and says of the others why not', () => {
      assert.deepEqual(
        first.memory.limits.map(({ tenant }) => tenant),
        ids.slice(0, 3),
      );
      assert.match(first.decisions[4]?.reason ?? '', /^limiting has stopped: more than 3 limits within a minute$/);
      assert.equal(first.memory.stoppedMs, NOW_MS);
    });

    it('sets no more as long as somebody waits, then goes on', () => {
      const later = at(NOW_MS + MINUTE_MS - 1, first.memory);
      const muchLater = at(NOW_MS + 2 * MINUTE_MS - 2, later.memory);
      assert.equal(muchLater.memory.limits.length, 3);
      const quiet = at(NOW_MS + 3 * MINUTE_MS, muchLater.memory, []);
      assert.equal(quiet.memory.stoppedMs, null);
      assert.equal(at(NOW_MS + 3 * MINUTE_MS, quiet.memory).memory.limits.length, 5);
    });

    it('keeps those that stand, and obeys orders', () => {
      const ordered = order(first.memory, standingLimit({ tenant: 'elm', incident: null, by: 'ada' }));
      assert.equal(at(NOW_MS + 1, ordered).memory.limits.length, 4);
    });
  });

  it('comes to the same when it is asked twice at once, whatever is remembered', () => {
    const limit = fc
      .record({ tenant: fc.constantFrom(...ids), untilMs: fc.option(fc.nat(1e6)), by: fc.option(fc.constant('ada')) })
      .map((some) => standingLimit({ ...some, incident: some.by === null ? 'bt-0' : null }));
    const limits = fc.uniqueArray(limit, { selector: ({ tenant }) => tenant });
    fc.assert(
      fc.property(limits, fc.subarray(ids), (some, open) => {
        const incidents = open.map((tenant) => incident({ tenant }));
        const once = decideWith({ incidents, memory: remember({ limits: some }) });
        const twice = decideWith({ incidents, memory: once.memory });
        assert.deepEqual(
          new Map(twice.memory.limits.map((each) => [each.tenant, each.rateBps])),
          new Map(once.memory.limits.map((each) => [each.tenant, each.rateBps])),
        );
      }),
    );
  });
});

describe('order and release', () => {
  const ordered = standingLimit({ sinceMs: NOW_MS, untilMs: null, incident: null, by: 'ada', rateBps: 1e6 });

  it('puts an order in place of what stands, and keeps its beginning', () => {
    assert.deepEqual(order(standing, ordered).limits, [{ ...ordered, sinceMs: 1_000 }]);
  });

  it('stays without an end until it is released', () => {
    const [limit] = decideWith({ memory: order(NOTHING, ordered), nowMs: 1e12 }).memory.limits;
    assert.equal(limit?.untilMs, null);
    assert.deepEqual(release(order(NOTHING, ordered), 'acme', 1, NOW_MS).limits, []);
  });
});
