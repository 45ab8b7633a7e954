import assert from 'node:assert/strict';
import { ProbeLog } from '../daemon/probeLog.ts';
import type { Window } from '../daemon/metering/window.ts';
import { buildWindow } from './support/windowBuilder.ts';

const logged = (): { probeLog: ProbeLog; lines: string[] } => {
  const lines: string[] = [];
  const take = (_facts: object, message: string): void => void lines.push(message);
  return { probeLog: new ProbeLog({ warn: take, info: take }), lines };
};
const windowOf = (mark: (window: Window) => void = () => {}, dropped = 0): Window => {
  const window = buildWindow([], { dropped });
  mark(window);
  return window;
};

describe('ProbeLog', () => {
  it('says nothing where all is well', () => {
    const { probeLog, lines } = logged();
    probeLog.observe('eth0', windowOf(), null, 0);
    probeLog.observe('eth0', windowOf(), 0, 250);
    assert.deepEqual(lines, []);
  });

  it('says that the process that captures has ended, and why, once for each time', () => {
    const { probeLog, lines } = logged();
    const statistics = { received: 0, dropped: 0, state: 'up', reattached: 0, lastFailure: 'SIGKILL' } as const;
    for (const [restarts, nowMs] of [
      [0, 0],
      [1, 250],
      [1, 61_000],
      [2, 62_000],
      [3, 62_250],
    ] as const) {
      probeLog.observeRestarts('eth0', { ...statistics, restarts }, nowMs);
    }
    probeLog.observeRestarts('eth1', { received: 0, dropped: 0, state: 'up', reattached: 0 }, 0);
    const expected = 'the process that captures on eth0 ended: SIGKILL';
    assert.deepEqual(lines, [expected, expected]);
  });

  for (const [title, window, unseen, expected] of [
    ['losses', windowOf(() => {}, 7), 0, 'losing packets on eth0'],
    [
      'a clock set back',
      windowOf((each) => each.clockJumped(-3600_000)),
      0,
      'the clock was set back by 3600 s, as seen on eth0',
    ],
    [
      'a clock set forward',
      windowOf((each) => each.clockJumped(400)),
      0,
      'the clock was set forward by 0.4 s, as seen on eth0',
    ],
    ['unseen packets', windowOf(), 5e6, '5 MB passed eth0 unseen'],
  ] as const) {
    it(`tells of ${title} once a minute, for each interface`, () => {
      const { probeLog, lines } = logged();
      for (let nowMs = 0; nowMs <= 60_000; nowMs += 250)
        probeLog.observe('eth0', window, unseen && unseen + nowMs, nowMs);
      assert.deepEqual([lines[0], lines.length], [expected, 2]);
      probeLog.observe('eth1', window, unseen, 60_000);
      assert.equal(lines.length, 3);
    });
  }

  it('tells when one direction is missing, and when it is back, and no more for one that comes and goes', () => {
    const { probeLog, lines } = logged();
    for (let nowMs = 0; nowMs < 30_000; nowMs += 250) {
      probeLog.observe(
        'eth0',
        windowOf((each) => each.suspectOneWay(nowMs % 1000 < 500 ? 'inbound' : null)),
        0,
        nowMs,
      );
    }
    assert.deepEqual(lines, [
      'only inbound traffic is seen on eth0 (a mirror of one way, or asymmetric routes?)',
      'both directions are seen on eth0 again',
    ]);
  });
});
