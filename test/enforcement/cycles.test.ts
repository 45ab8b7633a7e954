import assert from 'node:assert/strict';
import { cycle, heldNow } from './cycles.ts';
import { LimiterBed } from './limiterBed.ts';
import { edgeLimit, portLimit } from './limits.ts';

const WARM_UP = 20;
const MEASURED_MS = 10_000;
/** A leak of a file descriptor a cycle would show at once, one of a class too. */
const LEAST_CYCLES = 20;
/** Of a heap that V8 lets grow: 10,000 cycles of the benchmark tell more. */
const RSS_BYTES = 24 * 2 ** 20;

describe('limits that come and go', function () {
  this.timeout(120_000);
  let bed: LimiterBed;
  before(() => {
    bed = new LimiterBed();
  });
  after(() => bed.lab.stop());

  it('leave no device, class, filter or file descriptor behind, and no memory', async () => {
    const limits = [edgeLimit('acme'), portLimit('cedar')];
    const untouched = await bed.lab.snapshot();
    const limiter = await bed.limiterWith([]);
    await cycle(limiter, limits, (cycles) => cycles === WARM_UP);
    const { rssBytes: rssBefore, ...before } = heldNow(bed.netns);
    const endMs = performance.now() + MEASURED_MS;
    await cycle(limiter, limits, (cycles) => cycles >= LEAST_CYCLES && performance.now() > endMs);
    const { rssBytes: rssAfter, ...after } = heldNow(bed.netns);
    assert.deepEqual(after, before);
    assert(rssAfter - rssBefore < RSS_BYTES, `${rssBefore} to ${rssAfter} bytes`);
    assert.deepEqual(await bed.lab.snapshot(), untouched);
    await limiter.stop();
  });
});
