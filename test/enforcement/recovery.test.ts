import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { FaultyExecutor } from './faultyExecutor.ts';
import { LimiterBed } from './limiterBed.ts';
import { A, B, edgeLimit, portLimit } from './limits.ts';

const PROCESS = join(import.meta.dirname, 'limiterProcess.ts');

/** An administrator's own: a shaper at the root, filters of several kinds on both hooks. */
const ADMINISTRATORS = [
  'qdisc add dev eth0 root handle 1: htb default 10',
  'class add dev eth0 parent 1: classid 1:10 htb rate 900mbit quantum 1514',
  'filter add dev eth0 parent 1: pref 5 protocol ip u32 match ip dst 203.0.113.7/32 flowid 1:10',
  'qdisc add dev eth0 clsact',
  'filter add dev eth0 egress pref 10 protocol ip u32 match ip dst 203.0.113.8/32 action mirred egress mirror dev lo',
  'filter add dev eth0 ingress pref 20 protocol ipv6 u32 match ip6 src 2001:db8:ffff::8/128 flowid 1:10',
];

const ofEth0 = (snapshot: Readonly<Record<string, unknown>>): unknown[] =>
  Object.entries(snapshot).filter(([question]) => / eth0\b/.test(question));

describe('Limiter after a crash and beside others', function () {
  this.timeout(60_000);
  let bed: LimiterBed;
  let untouched: Awaited<ReturnType<Lab['snapshot']>>;

  before(async () => {
    bed = new LimiterBed();
    untouched = await bed.lab.snapshot();
  });
  afterEach(async () => {
    await (await bed.limiterWith([])).stop();
    assert.deepEqual(await bed.lab.snapshot(), untouched);
  });
  after(() => bed.lab.stop());

  it('adopts what a killed process left, without a change', async () => {
    const args = [PROCESS, bed.netns, JSON.stringify(A)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const before = await bed.standing();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const counting = new FaultyExecutor(bed.tc);
    await bed.limiterWith(A, counting);
    assert.equal(counting.runs, 0);
    assert.deepEqual(await bed.standing(), before);
    await bed.limiterWith([]);
    assert.deepEqual(await bed.lab.snapshot(), untouched);
  });

  for (let objects = 1; objects < 160; objects += 13) {
    it(`finishes what a killed daemon began: after ${objects} objects`, async () => {
      const dying = new FaultyExecutor(bed.tc);
      dying.failAfter(objects, 'die');
      await Promise.race([bed.limiterWith(A, dying), dying.died]);
      const limiter = await bed.limiterWith(A);
      assert.deepEqual(await bed.standing(), await bed.fromScratch(A));
      await limiter.apply(A);

      const leaving = new FaultyExecutor(bed.tc);
      const left = await bed.limiterWith(A, leaving);
      leaving.failAfter(objects, 'die');
      await Promise.race([left.apply(B), leaving.died]);
      await bed.limiterWith([]);
      assert.deepEqual(await bed.lab.snapshot(), untouched);
    });
  }

  describe("beside an administrator's own", () => {
    let found: typeof untouched;
    beforeEach(async () => {
      bed.tcIn(...ADMINISTRATORS);
      found = await bed.lab.snapshot();
    });
    afterEach(async () => {
      await (await bed.limiterWith([])).stop();
      bed.tcIn('qdisc del dev eth0 root', 'qdisc del dev eth0 clsact');
    });

    it('keeps it before, during and after, byte for byte', async () => {
      const before = bed.administrators();
      const limiter = await bed.limiterWith(A);
      assert.deepEqual(bed.administrators(), before);
      await limiter.apply(B);
      assert.deepEqual(bed.administrators(), before);
      await limiter.stop();
      assert.deepEqual(await bed.lab.snapshot(), found);
    });

    it('limits nobody at an interface with an ingress qdisc, and keeps that and its filters', async () => {
      bed.tcIn(
        'qdisc del dev eth0 clsact',
        'qdisc add dev eth0 ingress',
        'filter add dev eth0 parent ffff: pref 20 protocol ip u32 match ip src 203.0.113.9/32 action mirred egress mirror dev lo',
      );
      const before = await bed.lab.snapshot();
      const limiter = await bed.limiterWith([edgeLimit('dogwood')]);
      assert.deepEqual(
        limiter.state().limits.map(({ refused }) => refused),
        ['eth0 has an ingress qdisc'],
      );
      assert.deepEqual(await bed.lab.snapshot(), before);
      await limiter.apply([portLimit('acme')]);
      assert.deepEqual(ofEth0(await bed.lab.snapshot()), ofEth0(before));
      await limiter.stop();
      assert.deepEqual(await bed.lab.snapshot(), before);
      bed.tcIn('qdisc del dev eth0 ingress', 'qdisc add dev eth0 clsact');
    });

    it('finds tables that outlived their list, and can come again', async () => {
      const limiter = await bed.limiterWith(A);
      const before = await bed.standing();
      bed.tcIn('filter del dev eth0 egress pref 64206');
      await limiter.verify();
      assert.deepEqual(await bed.standing(), before);
      await limiter.stop();
      assert.deepEqual(await bed.lab.snapshot(), found);
    });

    it('keeps filters that came to a clsact of ours, and then the clsact', async () => {
      bed.tcIn('qdisc del dev eth0 clsact');
      const limiter = await bed.limiterWith(A);
      bed.tcIn(
        'filter add dev eth0 egress pref 10 protocol ip u32 match ip dst 203.0.113.8/32 action mirred egress mirror dev lo',
      );
      const before = bed.administrators();
      await limiter.stop();
      assert.deepEqual(bed.administrators(), before);
      assert.deepEqual(await bed.standing(), ['eth0 clsact: present']);
      const counting = new FaultyExecutor(bed.tc);
      await bed.limiterWith(A, counting);
      assert.equal(counting.runs, 1, 'no table outlived its list');
    });
  });
});
