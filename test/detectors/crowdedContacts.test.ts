/** More first contacts than a window has room for. */
import assert from 'node:assert/strict';
import type { TimedFrame } from '../support/frames.ts';
import { at, each, opened, PBX, stranger } from './frameBed.ts';

const HOSTS = 5000;
const ROUND_TRIP_MS = 30;

/** A question to each of the hosts within a second, and the answers of so many of them. */
const polled = (isAnswered: (i: number) => boolean): TimedFrame[] =>
  each(HOSTS, (i) => {
    const afterMs = (i * 1000) / HOSTS;
    const [sourcePort, destinationPort] = [20_000 + ((i * 7919) % 40_000), 161];
    const common = { protocol: 'udp', payload: 40 } as const;
    const question = at(afterMs, { ...common, source: PBX, destination: stranger(i), sourcePort, destinationPort });
    const answer = at(afterMs + ROUND_TRIP_MS, {
      ...common,
      source: stranger(i),
      destination: PBX,
      sourcePort: destinationPort,
      destinationPort: sourcePort,
    });
    return isAnswered(i) ? [question, answer] : [question];
  });

describe('scans among more contacts than there is room for', () => {
  it('are not those of a poller that is answered', () => {
    assert.deepEqual(opened(polled(() => true)), []);
  });

  it('are those of whom hardly anybody answers', () => {
    assert.deepEqual(opened(polled((i) => i % 10 === 0)), [`hostSweep outbound ${PBX} > null`]);
  });
});
