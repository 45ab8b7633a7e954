import assert from 'node:assert/strict';
import type { EnforcedLimit } from '../../daemon/enforcement/enforcer.ts';
import { noticesOf } from '../../daemon/enforcement/notices.ts';
import { standingLimit } from './limits.ts';

const NOW_MS = 1_000_000;
const well = { stoppedMs: null, limitsPerMinute: 30, error: null };
const enforced = (changes: Partial<EnforcedLimit> = {}): EnforcedLimit => ({
  limit: standingLimit(),
  decision: { tenant: 'acme', action: 'limit', reason: '' },
  inForce: true,
  failure: null,
  offeredBps: null,
  callsUp: null,
  voiceDroppedMs: null,
  outbound: [],
  inbound: [],
  ...changes,
});
const none = enforced({ limit: null, inForce: false });
const failed = enforced({ inForce: false, failure: 'Cannot run tc' });

describe('noticesOf', () => {
  const cases: [string, EnforcedLimit[], typeof well | Parameters<typeof noticesOf>[1], string[]][] = [
    ['nothing', [], well, []],
    ['a limit in force', [enforced()], well, ['portLimited acme warning']],
    ['what is only observed, or exempt', [none], well, []],
    ['limits that fail, as one', [failed, failed], well, ['limitsFailing critical']],
    ['a kernel that is not as wanted', [], { ...well, error: 'Cannot run tc' }, ['limitsFailing critical']],
    ['limiting that has stopped', [], { ...well, stoppedMs: 1 }, ['limitingStopped critical']],
    [
      'calls that a limit has dropped lately',
      [enforced({ voiceDroppedMs: NOW_MS - 299_999 })],
      well,
      ['portLimited acme warning', 'limitDropsVoice acme critical'],
    ],
    [
      'none that it dropped long ago',
      [enforced({ voiceDroppedMs: NOW_MS - 300_000 })],
      well,
      ['portLimited acme warning'],
    ],
  ];
  for (const [title, limits, state, expected] of cases) {
    it(`tells ${title}`, () => {
      const notices = noticesOf(limits, state, NOW_MS);
      assert.deepEqual(
        notices.map(({ labels }) => Object.values(labels).join(' ')),
        expected,
      );
    });
  }

  it('says to what, why and until when', () => {
    const [notice] = noticesOf([enforced()], well, NOW_MS);
    assert.equal(notice?.summary, 'The port of acme is limited to 20 Mbit/s each way');
    assert.match(notice.description, /^outbound bandwidthThreshold, incident bt-0; until 1970-01-01T00:15:01\.000Z/);
    const [byHand] = noticesOf([enforced({ limit: standingLimit({ by: 'ada', untilMs: null }) })], well, NOW_MS);
    assert.match(byHand?.description ?? '', /\(set by ada\); until it is released/);
  });
});
