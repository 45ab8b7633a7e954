import assert from 'node:assert/strict';
import type { DetectorMode } from '../../daemon/detectors/detector.ts';
import type { StandingLimit } from '../../daemon/enforcement/limit.ts';
import { type Action, type PolicyInput, wantedLimits } from '../../daemon/enforcement/policy.ts';
import type { Incident } from '../../daemon/incidents/incident.ts';
import type { Plan, Tenant } from '../../daemon/tenants/tenant.ts';
import { testIncident } from '../support/incident.ts';

const HOLD_MS = 900_000;
const NOW_MS = 1_000_000;

const plan: Plan = { portBps: 100e6, guaranteed: false, threshold: { rateBps: 80e6, forMs: 60_000 }, limitBps: 20e6 };
const tenant = (id: string, address: string, changes: Partial<Plan> = {}): Tenant => ({
  id,
  addresses: [address],
  macs: [],
  plan: { ...plan, ...changes },
});

const withPlan = (changes: Partial<Plan>): Tenant[] => [tenant('acme', '198.51.100.0/28', changes)];
const tenants = [
  tenant('acme', '198.51.100.0/28'),
  tenant('birch', '198.51.100.8/29'),
  tenant('cedar', '192.0.2.0/24'),
];
const interfaces = [
  { name: 'eth0', faces: 'internet', tenant: null },
  { name: 'veth-birch', faces: 'tenant', tenant: 'birch' },
] as const;

const incident = (changes: Partial<Incident> = {}): Incident =>
  testIncident({ id: 'bt-1', detector: 'bandwidthThreshold', signature: 'bandwidthThreshold', ...changes });

const standing: StandingLimit = {
  tenant: 'acme',
  slot: 1,
  rateBps: 20e6,
  addresses: ['198.51.100.0/29'],
  interface: 'eth0',
  faces: 'internet',
  sinceMs: 500_000,
  untilMs: 500_000 + HOLD_MS,
  reason: 'bt-0',
};

const decide = (changes: Partial<PolicyInput> = {}) =>
  wantedLimits({
    incidents: [incident()],
    tenants,
    interfaces,
    current: [],
    enforcement: { mode: 'enforce', holdMs: HOLD_MS },
    detectorModes: { bandwidthThreshold: 'enforce' },
    nowMs: NOW_MS,
    ...changes,
  });

describe('wantedLimits', () => {
  it('limits a tenant with an open incident, to its plan, for the hold, without the addresses of others', () => {
    assert.deepEqual(decide(), {
      limits: [{ ...standing, sinceMs: NOW_MS, untilMs: NOW_MS + HOLD_MS, reason: 'bt-1' }],
      decisions: [{ tenant: 'acme', action: 'limit', reason: 'incident bt-1 is open' }],
    });
  });

  it('limits a tenant at its own port, and there only', () => {
    const { limits } = decide({ incidents: [incident({ tenant: 'birch' })] });
    assert.deepEqual(
      limits.map(({ slot, interface: name, faces }) => [slot, name, faces]),
      [[2, 'veth-birch', 'tenant']],
    );
  });

  it('limits a tenant without a port at every interface to the internet', () => {
    const { limits } = decide({ interfaces: [...interfaces, { name: 'eth1', faces: 'internet', tenant: null }] });
    assert.deepEqual(
      limits.map(({ interface: name }) => name),
      ['eth0', 'eth1'],
    );
  });

  it('is one limit for several incidents', () => {
    const { limits, decisions } = decide({ incidents: [incident(), incident({ id: 'bt-2', direction: 'outbound' })] });
    assert.deepEqual([limits.length, decisions.length], [1, 1]);
  });

  it('keeps a limit since its beginning, and to the hold after the last open incident', () => {
    const [limit] = decide({ current: [standing] }).limits;
    assert.deepEqual(limit, { ...standing, untilMs: NOW_MS + HOLD_MS, reason: 'bt-1' });
  });

  it('takes up a new rate of the plan while a limit stands', () => {
    const changed = tenants.map((each) => tenant(each.id, each.addresses[0] ?? '', { limitBps: 5e6 }));
    const { limits } = decide({ incidents: [], current: [standing], tenants: changed });
    assert.deepEqual(limits, [{ ...standing, rateBps: 5e6 }]);
  });

  const observed: Record<string, DetectorMode> = { bandwidthThreshold: 'observe' };
  const enforcement = { mode: 'observe', holdMs: HOLD_MS } as const;
  const gone = standing.untilMs;
  const cases: [string, Partial<PolicyInput>, Action | null, RegExp, number][] = [
    ['another signature', { incidents: [testIncident()] }, null, /^$/, 0],
    ['a closed incident', { incidents: [incident({ state: 'closed' })] }, null, /^$/, 0],
    ['a guaranteed plan', { tenants: withPlan({ guaranteed: true }) }, 'exempt', /plan\.guaranteed/, 0],
    ['a plan without a limit', { tenants: withPlan({ limitBps: null }) }, 'exempt', /^plan\.limit is not set$/, 0],
    ['an unknown tenant', { tenants: [] }, 'exempt', /no such tenant/, 0],
    ['no place', { interfaces: [] }, 'exempt', /no interface faces the internet/, 0],
    ['observing', { enforcement }, 'would limit', /^enforcement\.mode is observe$/, 0],
    ['a detector that observes', { detectorModes: observed }, 'would limit', /^detectors\.bandwidthThreshold\.mode/, 0],
    ['a detector of no known mode', { detectorModes: {} }, 'would limit', /mode is not enforce/, 0],
    ['the hold', { incidents: [], current: [standing] }, 'hold', /^400s of the hold are left$/, 1],
    ['the last of the hold', { incidents: [], current: [standing], nowMs: gone - 1 }, 'hold', /^1s of/, 1],
    ['the hold over', { incidents: [], current: [standing], nowMs: gone }, 'release', /^the hold is over$/, 0],
    [
      'a plan guaranteed meanwhile',
      { incidents: [], current: [standing], tenants: withPlan({ guaranteed: true }) },
      'release',
      /guaranteed/,
      0,
    ],
    ['observing meanwhile', { incidents: [], current: [standing], enforcement }, 'release', /enforcement\.mode/, 0],
    ['a detector that observes meanwhile', { current: [standing], detectorModes: observed }, 'hold', /hold/, 1],
    ['a tenant gone meanwhile', { incidents: [], current: [standing], tenants: [] }, 'release', /no such tenant/, 0],
  ];
  for (const [name, changes, action, reason, count] of cases) {
    it(`${name}: ${action ?? 'no decision'}`, () => {
      const { limits, decisions } = decide(changes);
      assert.equal(decisions[0]?.action ?? null, action);
      assert.match(decisions[0]?.reason ?? '', reason);
      assert.equal(limits.length, count);
    });
  }
});
