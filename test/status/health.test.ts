import assert from 'node:assert/strict';
import { assessHealth } from '../../daemon/status/health.ts';
import type { StatusSnapshot } from '../../daemon/status/snapshot.ts';
import { testInterface, testSnapshot } from '../support/snapshot.ts';

const ABSENT = testInterface({ name: 'veth-acme', state: 'absent', lastWindowAt: null });
const STARTED = '2026-03-01T10:00:10.000Z';

const cases: readonly [title: string, Partial<StatusSnapshot>, reasons: readonly string[]][] = [
  ['is ok with windows from an interface that is up', {}, []],
  ['is ok while one of several interfaces is absent', { interfaces: [testInterface(), ABSENT] }, []],
  [
    'is ok until the first window is due',
    { interfaces: [testInterface({ state: 'starting', lastWindowAt: null })], startedAt: STARTED },
    [],
  ],
  [
    'fails when the first window does not come',
    { interfaces: [testInterface({ state: 'starting', lastWindowAt: null })], startedAt: '2026-03-01T10:00:07.900Z' },
    ['Cannot watch eth0: no window for 5.1 s'],
  ],
  [
    'fails when no window came for more than 5 s',
    { interfaces: [testInterface({ lastWindowAt: '2026-03-01T10:00:07.750Z' })] },
    ['Cannot watch eth0: no window for 5.3 s'],
  ],
  [
    'fails when a worker is dead, and says all that is wrong',
    { interfaces: [testInterface({ state: 'dead' }), testInterface({ name: 'eth1', state: 'dead' })] },
    ['Cannot watch eth0: its worker is dead', 'Cannot watch eth1: its worker is dead'],
  ],
  [
    'fails when the process that captures is dead, with its reason',
    {
      interfaces: [
        testInterface({ state: 'restarting', captureProcess: { restarts: 2, lastFailure: 'SIGABRT' } }),
        testInterface({ name: 'eth1' }),
      ],
    },
    ['Cannot watch eth0: the process that captures is dead (SIGABRT)'],
  ],
  [
    'fails when every interface is down or absent',
    { interfaces: [testInterface({ state: 'down' }), ABSENT] },
    ['Cannot see any traffic: eth0 is down, veth-acme is absent'],
  ],
  ['fails when nothing is watched', { interfaces: [] }, ['Cannot see any traffic: no interface is watched']],
];

describe('assessHealth', () => {
  for (const [title, changes, reasons] of cases) {
    it(title, () => {
      const expected = reasons.length === 0 ? { status: 'ok' } : { status: 'failing', reasons };
      assert.deepEqual(assessHealth(testSnapshot(changes)), expected);
    });
  }
});
