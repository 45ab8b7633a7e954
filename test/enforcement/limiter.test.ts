import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { Limiter } from '../../daemon/enforcement/limiter.ts';
import type { Limit } from '../../daemon/enforcement/limit.ts';
import { leafCounterKey, steeredKey } from '../../daemon/enforcement/kernelState.ts';
import { Tc } from '../../daemon/enforcement/tc.ts';
import { BULK, classidOf, cookieOf, inboundDevice, outboundDevice, VOICE } from '../../daemon/enforcement/tcObject.ts';
import type { Lab } from '../lab/lab.ts';
import { INTERNET_IPV4, INTERNET_IPV6 } from '../lab/topology.ts';
import { until } from '../lab/until.ts';
import { FaultyExecutor } from './faultyExecutor.ts';
import { LimiterBed } from './limiterBed.ts';
import { A, B, edgeLimit, portLimit } from './limits.ts';

describe('Limiter in the kernel', function () {
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

  it('lets packets of both families through its limits, each way', async () => {
    await bed.limiterWith(A);
    await Promise.all([
      bed.reaches('acme', INTERNET_IPV4),
      bed.reaches('acme', `[${INTERNET_IPV6}]`),
      bed.reaches('birch', INTERNET_IPV4),
      bed.reaches('birch', `[${INTERNET_IPV6}]`),
      bed.reaches('dogwood', '198.51.100.26'),
      bed.reaches('dogwood', '[2001:db8:24::26]'),
    ]);
    // What a packet was counted by first and last is read one after the other: a stray one may be between.
    await until('every packet that was steered has passed', 5000, async () => {
      const { steered, leaves } = await bed.tc.read();
      return A.every(({ slot, interface: name }) =>
        [outboundDevice(0), inboundDevice(0)].every(({ name: device }) => {
          const passed = [VOICE, BULK].map(
            (part) => leaves.get(leafCounterKey(device, classidOf(slot, part)))?.packets,
          );
          const { packets = 0 } = steered.get(steeredKey(name, device, cookieOf(slot))) ?? {};
          return packets >= 2 && packets === (passed[0] ?? 0) + (passed[1] ?? 0);
        }),
      );
    });
    const limiter = await bed.limiterWith(A);
    await limiter.count();
    for (const { outbound, inbound } of limiter.state().limits)
      for (const { offered, voice, bulk } of [outbound, inbound])
        assert.equal(offered?.packets, (voice?.packets ?? 0) + (bulk?.packets ?? 0));
  });

  it('steers no packet of its own addresses, nor any from or to who is exempt', async () => {
    const spared = ['198.51.100.10/32', '2001:db8:8::10/128'];
    const limiter = new Limiter(bed.tc, [`${INTERNET_IPV4}/32`]);
    await limiter.start([edgeLimit('acme', { spared }), edgeLimit('birch'), portLimit('cedar')]);
    await Promise.all([
      bed.reaches('acme', `[${INTERNET_IPV6}]`),
      bed.reaches('birch', INTERNET_IPV4),
      bed.reaches('cedar', INTERNET_IPV4),
    ]);
    const { steered } = await bed.tc.read();
    assert.deepEqual(
      [...steered.values()].map(({ packets }) => packets),
      [...steered.values()].map(() => 0),
    );
    await bed.reaches('birch', `[${INTERNET_IPV6}]`);
    assert([...(await bed.tc.read()).steered.values()].some(({ packets }) => packets > 0));
    await limiter.stop();
  });

  it('holds limits of two shards on two pairs of devices, and takes a pair away with its last one', async () => {
    const far = edgeLimit('birch', { slot: 501 });
    const limiter = await bed.limiterWith([edgeLimit('acme'), far]);
    await Promise.all([bed.reaches('acme', INTERNET_IPV4), bed.reaches('birch', INTERNET_IPV4)]);
    const both = await bed.standing();
    assert(both.some((line) => line.startsWith('weir-out1 class')));
    await limiter.apply([edgeLimit('acme')]);
    assert.deepEqual(await bed.standing(), await bed.fromScratch([edgeLimit('acme')]));
    await limiter.apply([]);
    await limiter.apply([far, edgeLimit('acme')]);
    assert.deepEqual(await bed.standing(), both);
  });

  it('leaves everything as it was found when it stops', async () => {
    const limiter = await bed.limiterWith(A);
    assert.notDeepEqual(await bed.lab.snapshot(), untouched);
    await limiter.stop();
    assert.deepEqual(await bed.lab.snapshot(), untouched);
  });

  it('clean() takes away what another limiter left, and changes nothing where nothing is left', async () => {
    await bed.limiterWith(A);
    const counting = new FaultyExecutor(bed.tc);
    const observing = new Limiter(counting);
    await observing.clean();
    assert.deepEqual(await bed.lab.snapshot(), untouched);
    const { runs } = counting;
    await observing.clean();
    assert.equal(counting.runs, runs);
  });

  it('changes nothing where the limits stand', async () => {
    const counting = new FaultyExecutor(bed.tc);
    const limiter = await bed.limiterWith(A, counting);
    const runs = counting.runs;
    await limiter.apply(A.toReversed());
    await limiter.check();
    await limiter.verify();
    await limiter.verify();
    assert.equal(counting.runs, runs);
  });

  const changes: [string, readonly Limit[], readonly Limit[]][] = [
    ['others', A, B],
    ['fewer', A, A.slice(1)],
    ['more', A.slice(1), A],
    ['other rates', A, A.map((limit) => ({ ...limit, rateBps: limit.rateBps * 1.5 }))],
    [
      'other prefixes',
      [edgeLimit('acme')],
      [edgeLimit('acme', { addresses: ['198.51.100.8/30', '2001:db8:8:1::/64', '0.0.0.0/0'] })],
    ],
    ['the port in place of the edge', [edgeLimit('acme')], [portLimit('acme')]],
    ['the same slot for another tenant', [edgeLimit('acme')], [edgeLimit('cedar', { slot: 1 })]],
    [
      'prefixes in bucket 0',
      [edgeLimit('acme')],
      [edgeLimit('acme', { addresses: ['198.51.0.0/24', '2001:db8::/48'] })],
    ],
  ];
  for (const [name, first, second] of changes) {
    it(`comes from one set of limits to ${name} as if it had begun there, and reads no more than what it changes`, async () => {
      const executor = new FaultyExecutor(bed.tc);
      const limiter = await bed.limiterWith(first, executor);
      executor.fullReads = 0;
      await limiter.apply(second);
      assert.equal(executor.fullReads, 0);
      assert.deepEqual(await bed.standing(), await bed.fromScratch(second));
    });
  }

  it('comes from any set of limits to any other as if it had begun there', async () => {
    const limit = fc
      .record({
        make: fc.constantFrom(edgeLimit, portLimit),
        tenant: fc.constantFrom('acme', 'birch', 'cedar'),
        rateBps: fc.integer({ min: 16_000, max: 10e9 }),
        bits: fc.integer({ min: 20, max: 32 }),
      })
      .map(({ make, tenant, rateBps, bits }) =>
        make(tenant, { rateBps, addresses: [`198.51.100.0/${bits}`, '2001:db8:8::/47'] }),
      );
    const limits = fc.array(limit, { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(limits, limits, async (first, second) => {
        const limiter = await bed.limiterWith(first);
        await limiter.apply(second);
        assert.deepEqual(await bed.standing(), await bed.fromScratch(second));
      }),
      { numRuns: 10 },
    );
  });

  it('refuses what it cannot steer, with the reason, and sets the others', async () => {
    bed.ipIn('link add name spare type veth peer name spare2');
    bed.tcIn(
      'qdisc add dev spare ingress',
      'qdisc add dev spare2 clsact',
      'filter add dev spare2 egress pref 64206 protocol ip u32 match u32 0 0',
    );
    const limits = ['spare', 'spare2', 'nowhere', 'eth0'].map((name, i) =>
      edgeLimit('acme', { slot: i + 1, interface: name }),
    );
    const limiter = await bed.limiterWith(limits);
    assert.deepEqual(
      limiter.state().limits.map(({ refused }) => refused),
      [
        'spare has an ingress qdisc',
        "the filters of pref 64206 on spare2 are somebody else's",
        'there is no interface nowhere',
        null,
      ],
    );
    bed.ipIn('link del dev spare');
  });

  /** Acme's for voice: the kernel keeps one that a filter leads to. */
  async function deleteClass(): Promise<void> {
    const { objects } = await bed.tc.read();
    const filters = objects.filter(({ key, state }) => key.startsWith('weir-out ') && / flowid face:5\b/.test(state));
    bed.tcIn(...filters.map(({ remove }) => remove ?? ''), 'class del dev weir-out classid face:5');
  }

  const sabotage: [string, () => unknown][] = [
    ['a filter', () => bed.tcIn('filter del dev weir-out parent face: pref 4 protocol ip handle 4a:64:11 u32')],
    ['a steering filter', () => bed.tcIn('filter del dev eth0 egress pref 64206 protocol ip handle 7a0:64:11 u32')],
    ['a list of filters', () => bed.tcIn('filter del dev eth0 ingress pref 64208')],
    ['the clsact', () => bed.tcIn('qdisc del dev veth-acme clsact')],
    ['a queue', () => bed.tcIn('qdisc replace dev weir-in parent face:5 handle 5: pfifo limit 7')],
    [
      'the kind of a queue',
      () =>
        bed.tcIn(
          'qdisc del dev weir-in parent face:5',
          'qdisc add dev weir-in parent face:5 handle 5: bfifo limit 9000',
        ),
    ],
    ['the root', () => bed.tcIn('qdisc del dev weir-out root')],
    ['a rate', () => bed.tcIn('class change dev weir-out parent face: classid face:4 htb rate 1mbit')],
    ['a class of nobody', () => bed.tcIn('class add dev weir-out parent face: classid face:999 htb rate 1mbit')],
    [
      'a filter of nobody',
      () =>
        bed.tcIn(
          'filter add dev weir-in parent face: pref 4 protocol ip handle 4a:1:1 u32 ht 4a:1: match u32 0 0 flowid face:5',
        ),
    ],
    ['a class, with what hangs on it', deleteClass],
    ['both devices', () => bed.ipIn('link del dev weir-out', 'link del dev weir-in')],
    ['a device down', () => bed.ipIn('link set dev weir-in down')],
  ];
  for (const [name, change] of sabotage) {
    it(`restores what somebody else changed: ${name}`, async () => {
      const limiter = await bed.limiterWith(A);
      const before = await bed.standing();
      await change();
      assert.notDeepEqual(await bed.standing(), before);
      await limiter.verify();
      assert.deepEqual(await bed.standing(), before);
    });
  }

  const losses: [string, () => void][] = [
    ['gone', () => bed.ipIn('link del dev weir-out')],
    ['down', () => bed.ipIn('link set dev weir-out down')],
    [
      'made anew',
      () => bed.ipIn('link del dev weir-out', 'link add name weir-out type ifb', 'link set dev weir-out up'),
    ],
  ];
  for (const [name, lose] of losses) {
    it(`check: no packet is lost to a device that is ${name}`, async () => {
      const limiter = await bed.limiterWith(A);
      lose();
      await limiter.check();
      await bed.reaches('acme', INTERNET_IPV4);
      await bed.reaches('birch', INTERNET_IPV4);
      if (name === 'made anew') bed.ipIn('link del dev weir-out');
    });
  }

  it('check: removes the steering even where the device cannot be made again, and says why', async () => {
    const limiter = await bed.limiterWith(A);
    bed.ipIn('link del dev weir-out', 'link add name weir-out type veth peer name weir-peer');
    await limiter.check();
    await bed.reaches('acme', INTERNET_IPV4);
    const { limits } = limiter.state();
    assert.deepEqual([...new Set(limits.map(({ refused }) => refused))], ["weir-out exists and is not Weir's"]);
    bed.ipIn('link del dev weir-out');
    await limiter.check();
    assert.deepEqual(await bed.standing(), await bed.fromScratch(A));
  });

  it('check: follows an interface that is made anew', async () => {
    bed.ipIn('link add name spare type veth peer name spare2', 'link set dev spare up');
    const limits = [portLimit('acme', { interface: 'spare' })];
    const limiter = await bed.limiterWith(limits);
    const before = await bed.standing();
    bed.ipIn('link del dev spare');
    await limiter.check();
    assert.equal(limiter.state().limits[0]?.refused, 'there is no interface spare');
    bed.ipIn('link add name spare type veth peer name spare2', 'link set dev spare up');
    await limiter.check();
    assert.deepEqual(await bed.standing(), before);
    bed.ipIn('link del dev spare');
  });

  it('check: leaves nothing on an interface that was renamed', async () => {
    bed.ipIn('link add name spare type veth peer name spare2', 'link set dev spare up');
    const limiter = await bed.limiterWith([portLimit('acme', { interface: 'spare' })]);
    bed.ipIn('link set dev spare down', 'link set dev spare name spare3', 'link set dev spare3 up');
    await limiter.check();
    assert.deepEqual(await bed.standing(), []);
    bed.ipIn('link del dev spare3');
  });

  it('keeps its limits on an interface that goes down and up again, without a change', async () => {
    const counting = new FaultyExecutor(bed.tc);
    const limiter = await bed.limiterWith([edgeLimit('acme'), portLimit('cedar')], counting);
    const [before, runs] = [await bed.standing(), counting.runs];
    bed.ipIn('link set dev veth-cedar down');
    await limiter.check();
    await limiter.verify();
    bed.ipIn('link set dev veth-cedar up');
    await limiter.check();
    await limiter.verify();
    assert.deepEqual([await bed.standing(), counting.runs], [before, runs]);
    await until('a way to cedar', 5000, () => bed.reaches('cedar', INTERNET_IPV4).then(() => true));
    const { steered } = await bed.tc.read();
    assert((steered.get(steeredKey('veth-cedar', 'weir-out', cookieOf(3)))?.packets ?? 0) > 0);
  });

  it('goes on where what it would add is there already: somebody was faster', async () => {
    const meddled = new FaultyExecutor(bed.tc);
    const limiter = await bed.limiterWith([edgeLimit('birch')], meddled);
    meddled.meddle = () =>
      bed.tcIn('class add dev weir-in parent face: classid face:4 htb rate 1mbit', 'qdisc add dev veth-acme clsact');
    await limiter.apply(A);
    assert.equal(limiter.state().error, null);
    const stands = await bed.standing();
    await limiter.stop();
    bed.tcIn('qdisc del dev veth-acme clsact');
    assert.deepEqual(stands, await bed.fromScratch(A));
  });

  const broken: [string, string | null, RegExp][] = [
    ['hangs', '#!/bin/sh\nexec /bin/sleep 60\n', /^Cannot run .*: no end within 2 s$/],
    ['is gone', null, /^Cannot run .*: (?:ip|tc): not found: install the Debian package iproute2$/],
  ];
  for (const [what, script, says] of broken) {
    it(`tells of a tool that ${what}, loses no packet, and goes on when it works again`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'weir-tools-'));
      const works = (): void => {
        for (const tool of ['ip', 'tc']) symlinkSync(`/usr/sbin/${tool}`, join(folder, tool));
      };
      works();
      const tc = new Tc({ netns: bed.netns, path: folder, timeoutMs: 2000, sys: bed.sys });
      const limiter = await bed.limiterWith(A, tc);
      for (const tool of ['ip', 'tc']) {
        rmSync(join(folder, tool));
        if (script !== null) writeFileSync(join(folder, tool), script, { mode: 0o755 });
      }
      await assert.rejects(limiter.apply(B), { name: 'TcError', message: says });
      assert.match(limiter.state().error ?? '', says);
      await bed.reaches('acme', INTERNET_IPV4);
      await bed.reaches('birch', `[${INTERNET_IPV6}]`);
      for (const tool of ['ip', 'tc']) rmSync(join(folder, tool), { force: true });
      works();
      await limiter.check();
      assert.equal(limiter.state().error, null);
      assert.deepEqual(await bed.standing(), await bed.fromScratch(B));
      rmSync(folder, { recursive: true });
    });
  }

  it('tells what failed, and goes on from there', async () => {
    const faulty = new FaultyExecutor(bed.tc);
    const limiter = await bed.limiterWith(A, faulty);
    faulty.failAfter(20);
    await assert.rejects(limiter.apply(B), /^Error: Cannot go on: the test says so$/);
    assert.equal(limiter.state().error, 'Cannot go on: the test says so');
    faulty.failAfter(Infinity);
    await limiter.check();
    assert.equal(limiter.state().error, null);
    assert.deepEqual(await bed.standing(), await bed.fromScratch(B));
  });

  it('carries out calls one after the other', async () => {
    const limiter = await bed.limiterWith([]);
    await Promise.all([limiter.apply(A), limiter.apply(B), limiter.check(), limiter.apply([]), limiter.apply(A)]);
    assert.deepEqual(await bed.standing(), await bed.fromScratch(A));
  });
});
