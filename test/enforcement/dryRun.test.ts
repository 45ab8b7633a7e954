import assert from 'node:assert/strict';
import { DryRun } from '../../daemon/enforcement/dryRun.ts';
import { Limiter } from '../../daemon/enforcement/limiter.ts';
import { edgeLimit, portLimit } from './limits.ts';

const started = async (): Promise<{ dryRun: DryRun; limiter: Limiter }> => {
  const dryRun = new DryRun(['eth0', 'veth-acme']);
  const limiter = new Limiter(dryRun);
  await limiter.start();
  return { dryRun, limiter };
};

describe('DryRun', () => {
  it('keeps the commands that would have set a limit, and those that would have lifted it', async () => {
    const { dryRun, limiter } = await started();
    await limiter.apply([portLimit('acme')]);
    const set = dryRun.lines;
    assert(set.some((line) => line.startsWith('tc class add dev weir-out')));
    await limiter.stop();
    assert.deepEqual(dryRun.lines.slice(-2), ['ip link del dev weir-out', 'ip link del dev weir-in']);
    await limiter.apply([portLimit('acme')]);
    assert.deepEqual(dryRun.lines.slice(-set.length), set);
  });

  it('has nothing more to do where the limits are the same', async () => {
    const { dryRun, limiter } = await started();
    await limiter.apply([portLimit('acme'), edgeLimit('dogwood')]);
    const before = dryRun.lines.length;
    await limiter.apply([edgeLimit('dogwood'), portLimit('acme')]);
    await limiter.check();
    assert.equal(dryRun.lines.length, before);
  });

  it('says what is refused', async () => {
    const { limiter } = await started();
    await limiter.apply([portLimit('birch')]);
    assert.equal(limiter.state().limits[0]?.refused, 'there is no interface veth-birch');
  });
});
