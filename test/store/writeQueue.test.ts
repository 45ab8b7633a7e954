import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { WriteQueue } from '../../daemon/store/writeQueue.ts';
import { bytesOf, type UsageWrite, type Write } from '../../daemon/store/writes.ts';

const usage = (minute: number, ...rows: number[]): UsageWrite => ({
  kind: 'usage',
  minute,
  rows: Float64Array.from(rows),
});
const memory = (detector: string, state: string): Write => ({
  kind: 'memory',
  point: 'eth0',
  detector,
  savedMs: 0,
  state,
});

const level = (value: number, tenant = 'acme') =>
  ({ signature: 'synFlood', tenant, direction: 'inbound', value }) as const;

describe('WriteQueue', () => {
  it('adds up what was used in one minute, and keeps the order of things', () => {
    const queue = new WriteQueue(10_000);
    for (const write of [usage(1, 1, 2), memory('a', '1'), usage(2, 5, 5), usage(1, 10, 20), memory('a', '2')])
      queue.put(write);
    assert.deepEqual(queue.take(), [usage(1, 11, 22), memory('a', '2'), usage(2, 5, 5)]);
    assert.deepEqual([queue.length, queue.dropped], [0, 0]);
  });

  it('keeps the largest of a level', () => {
    const queue = new WriteQueue(10_000);
    queue.put({ kind: 'levels', minute: 1, levels: [level(5), level(1, 'beta')] });
    queue.put({ kind: 'levels', minute: 1, levels: [level(3), level(9, 'beta')] });
    assert.deepEqual(queue.take(), [{ kind: 'levels', minute: 1, levels: [level(5), level(9, 'beta')] }]);
  });

  it('gives up the oldest beyond its room, and counts them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(2000)), { minLength: 1 }), (puts) => {
        const queue = new WriteQueue(10_000);
        puts.forEach(([name, length]) => queue.put(memory(String(name), 'x'.repeat(length))));
        const waiting = queue.length;
        const left = queue.take();
        assert.equal(left.length, waiting);
        assert.ok(left.reduce((sum, write) => sum + bytesOf(write), 0) <= 10_000);
        const last = puts.at(-1);
        assert.ok(left.some((write) => write.kind === 'memory' && write.detector === String(last?.[0])));
        const names = new Set(puts.map(([name]) => name)).size;
        assert.ok(queue.dropped >= names - left.length);
      }),
    );
  });
});
