import assert from 'node:assert/strict';
import { synFlood } from '../../../daemon/detectors/synFlood.ts';
import { buildWindow, strangers, testContext } from '../../support/windowBuilder.ts';

const WINDOW_MS = 5000;
const INTERVAL = 4096;

/** Whether SYNs of flows are named of which so many were sampled. */
function isNamed(sampled: number): boolean {
  const detector = synFlood.create(synFlood.config.parse({}), testContext());
  const packets = sampled * INTERVAL;
  const traffic = [{ from: strangers(sampled), to: '198.51.100.9', kind: 'tcpSyn', packets, ports: [443] } as const];
  const window = buildWindow(traffic, { windowMs: WINDOW_MS });
  window.sampled(INTERVAL);
  return detector.observe(window).some(({ value, threshold }) => value >= threshold);
}

describe('floods of sampled flows', () => {
  it('are not made of a few packets, each of which stands for thousands', () => {
    assert.deepEqual([1, 2, 7].map(isNamed), [false, false, false]);
  });

  it('are named by more', () => {
    assert(isNamed(8));
  });
});
