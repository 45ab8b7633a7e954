import assert from 'node:assert/strict';
import type { QueueCounter } from '../../daemon/enforcement/kernelState.ts';
import type { LimitState } from '../../daemon/enforcement/limiter.ts';
import { OfferedLoad } from '../../daemon/enforcement/offeredLoad.ts';
import { edgeLimit } from './limits.ts';

const queue = (packets: number, drops = 0): QueueCounter => ({ packets, bytes: packets * 125, drops, backlogBytes: 0 });
const state = (bulkOut: QueueCounter | null, bulkIn: QueueCounter | null = queue(0)): LimitState => {
  const direction = (bulk: QueueCounter | null) => ({ offered: null, voice: queue(0), bulk });
  return { ...edgeLimit('acme'), refused: null, outbound: direction(bulkOut), inbound: direction(bulkIn) };
};

function voiceDropping(drops: number): LimitState {
  const limit = state(queue(0));
  return { ...limit, inbound: { ...limit.inbound, voice: queue(10, drops) } };
}

describe('OfferedLoad', () => {
  const cases: [string, LimitState, LimitState, number | undefined][] = [
    ['what passed', state(queue(1000)), state(queue(3000)), 1e6],
    ['what was dropped, too', state(queue(1000)), state(queue(2000, 3000)), 2e6],
    ['the larger direction', state(queue(0), queue(0)), state(queue(1000), queue(2000)), 1e6],
    ['nothing', state(queue(0)), state(queue(0)), 0],
    ['nothing of queues that were made anew', state(queue(9000), queue(9000)), state(queue(1000), queue(0)), undefined],
    ['nothing of what is not known', state(null), state(queue(5)), undefined],
  ];
  for (const [name, first, second, bps] of cases) {
    it(`tells ${name}, over the time between two readings`, () => {
      const load = new OfferedLoad();
      load.observe(1000, [first]);
      assert.equal(load.bps.size, 0);
      load.observe(3000, [second]);
      assert.equal(load.bps.get('acme'), bps);
    });
  }

  it('tells when a limit has dropped voice, until the limit is gone', () => {
    const load = new OfferedLoad();
    load.observe(1000, [voiceDropping(0)], 10);
    assert.equal(load.voiceDroppedMs('acme'), null);
    load.observe(2000, [voiceDropping(1)], 20);
    load.observe(3000, [voiceDropping(1)], 30);
    assert.equal(load.voiceDroppedMs('acme'), 20);
    load.observe(4000, [], 40);
    assert.equal(load.voiceDroppedMs('acme'), null);
  });

  it('keeps what it knew when the same reading is shown again', () => {
    const load = new OfferedLoad();
    for (const [atMs, packets] of [
      [1000, 0],
      [3000, 2000],
      [3000, 2000],
    ] as const)
      load.observe(atMs, [state(queue(packets))]);
    assert.equal(load.bps.get('acme'), 1e6);
  });
});
