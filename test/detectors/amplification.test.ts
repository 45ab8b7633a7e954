import assert from 'node:assert/strict';
import type { TimedFrame } from '../support/frames.ts';
import { at, each, opened, PBX, stranger } from './frameBed.ts';

const ROUND_TRIP_MS = 30;
const [QUERY, ANSWER] = [40, 160];

const portOf = (i: number): number => 20_000 + ((i * 7919) % 40_000);

const query = (i: number, afterMs: number): TimedFrame =>
  at(afterMs, {
    source: PBX,
    destination: stranger(i),
    protocol: 'udp',
    sourcePort: portOf(i),
    destinationPort: 53,
    payload: QUERY,
  });
const answer = (i: number, afterMs: number): TimedFrame =>
  at(afterMs, {
    source: stranger(i),
    destination: PBX,
    protocol: 'udp',
    sourcePort: 53,
    destinationPort: portOf(i),
    payload: ANSWER,
  });

/** So many servers are asked in two seconds, each for the first time; of so many the question is not captured. */
const resolver = (servers: number, isLost: (i: number) => boolean): TimedFrame[] =>
  each(servers, (i) => {
    const afterMs = (i * 2000) / servers;
    return [...(isLost(i) ? [] : [query(i, afterMs)]), answer(i, afterMs + ROUND_TRIP_MS)];
  });

describe('amplification on frames', () => {
  it('is silent on a resolver of whose questions a twentieth is not captured', () => {
    assert.deepEqual(opened(resolver(3000, (i) => i % 20 === 0)), []);
  });

  it('is silent on a resolver whose first questions were asked before the start', () => {
    assert.deepEqual(opened(resolver(3000, (i) => i < 150)), []);
  });

  it('names the answers that nobody asked for, also at a host that asks some', () => {
    const asked = resolver(100, () => false);
    const attack = each(600, (i) => [answer(1000 + (i % 200), i * 3)]);
    assert.deepEqual(opened([...asked, ...attack]), [`amplification inbound null > ${PBX}`]);
  });
});
