import assert from 'node:assert/strict';
import { ip } from '../support/namespace.ts';
import { FAR_INTERFACE, NEAR_INTERFACE, runOnStage } from './stage.ts';

const left = (): string[] => ip('netns', 'list').match(new RegExp(`wb-\\w+-${process.pid}\\b`, 'g')) ?? [];

describe('runOnStage', () => {
  it('gives the command an end of a veth pair, and leaves nothing behind', async () => {
    assert.equal(await runOnStage(['test', '-e', `/sys/class/net/${NEAR_INTERFACE}`]), 0);
    assert.deepEqual(left(), []);
  });

  it('lets the command reach the other end', async () => {
    const script = `ip netns exec $WEIR_BENCH_FAR test -e /sys/class/net/${FAR_INTERFACE}`;
    assert.equal(await runOnStage(['sh', '-c', script]), 0);
  });

  it('passes on how the command ended, and ends what it left running', async () => {
    assert.equal(await runOnStage(['sh', '-c', 'sleep 60 & exit 3']), 3);
    assert.deepEqual(left(), []);
  });
});
