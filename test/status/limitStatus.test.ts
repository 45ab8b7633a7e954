import assert from 'node:assert/strict';
import type { EnforcedLimit } from '../../daemon/enforcement/enforcer.ts';
import { limitStatus } from '../../daemon/status/limitStatus.ts';
import { standingLimit } from '../enforcement/limits.ts';
import { testTenant } from '../support/windowBuilder.ts';

const TENANTS = [testTenant('acme', ['198.51.100.8/29'], { limitBps: 20e6 })];
const counter = { packets: 10, bytes: 1000 };
const queue = { ...counter, drops: 2, backlogBytes: 0 };
const direction = { offered: counter, voice: queue, bulk: queue };
const nothing = {
  inForce: false,
  failure: null,
  offeredBps: null,
  callsUp: null,
  voiceDroppedMs: null,
  outbound: [],
  inbound: [],
};
const standing: EnforcedLimit = {
  limit: standingLimit({ rateBps: 5e6 }),
  decision: { tenant: 'acme', action: 'limit', reason: 'incident bt-1 is open' },
  inForce: true,
  failure: null,
  offeredBps: 7e6,
  callsUp: null,
  voiceDroppedMs: null,
  outbound: [direction, { ...direction, offered: null }],
  inbound: [direction, direction],
};
const byHand = { ...standing, limit: standingLimit({ by: 'ada', incident: null, untilMs: null, reason: 'a call' }) };
const none = (action: 'exempt' | 'would limit', reason: string): EnforcedLimit => ({
  ...nothing,
  limit: null,
  decision: { tenant: 'acme', action, reason },
});

describe('limitStatus', () => {
  for (const [title, limit, expected] of [
    ['in force', standing, { state: 'inForce', rateBps: 5e6, reason: 'outbound bandwidthThreshold, incident bt-0' }],
    ['by hand', byHand, { by: 'ada', incident: null, until: null, reason: 'a call (set by ada)' }],
    [
      'with what the kernel has counted, at two interfaces',
      standing,
      {
        offeredBps: 7e6,
        outbound: { offered: counter, voice: { ...counter, drops: 2 }, bulk: { ...counter, drops: 2 } },
        inbound: { offered: { packets: 20, bytes: 2000 } },
      },
    ],
    ['on its way', { ...standing, inForce: false }, { state: 'pending', rateBps: 5e6 }],
    ['that failed', { ...standing, failure: 'Cannot run tc' }, { state: 'failed', reason: 'Cannot run tc' }],
    [
      'of an exempt tenant',
      none('exempt', 'plan.guaranteed'),
      { state: 'exempt', reason: 'plan.guaranteed', until: null },
    ],
    ['that is only observed', none('would limit', 'observe'), { state: 'observed', rateBps: 20e6, until: null }],
  ] as const) {
    it(`tells a limit ${title}`, () => assert.partialDeepStrictEqual(limitStatus(limit, TENANTS, 0), expected));
  }
});
