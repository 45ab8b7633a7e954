import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Executor } from '../../daemon/enforcement/executor.ts';
import type { StandingLimit } from '../../daemon/enforcement/limit.ts';
import { Limiter } from '../../daemon/enforcement/limiter.ts';
import { Tc } from '../../daemon/enforcement/tc.ts';
import { Lab } from '../lab/lab.ts';
import { INTERNET_IPV4, INTERNET_IPV6, type TenantId } from '../lab/topology.ts';
import { FaultyExecutor } from './faultyExecutor.ts';
import { edgeLimit, portLimit } from './limits.ts';

const PROCESS = join(import.meta.dirname, 'limiterProcess.ts');

const A: readonly StandingLimit[] = [portLimit('acme'), edgeLimit('birch', { rateBps: 20e6 }), edgeLimit('dogwood')];
const B: readonly StandingLimit[] = [
  edgeLimit('acme'),
  edgeLimit('birch', { rateBps: 6e6, addresses: ['198.51.100.0/23'] }),
  portLimit('cedar'),
];

/** An administrator's own: a shaper at the root, filters of several kinds on both hooks. */
const ADMINISTRATORS = [
  'qdisc add dev eth0 root handle 1: htb default 10',
  'class add dev eth0 parent 1: classid 1:10 htb rate 900mbit quantum 1514',
  'filter add dev eth0 parent 1: pref 5 protocol ip u32 match ip dst 203.0.113.7/32 flowid 1:10',
  'qdisc add dev eth0 clsact',
  'filter add dev eth0 egress pref 10 protocol ip u32 match ip dst 203.0.113.8/32 action mirred egress mirror dev lo',
  'filter add dev eth0 ingress pref 20 protocol ipv6 u32 match ip6 src 2001:db8:ffff::8/128 flowid 1:10',
];

describe('Limiter in the kernel', function () {
  this.timeout(60_000);
  let lab: Lab;
  let tc: Tc;
  let untouched: Awaited<ReturnType<Lab['snapshot']>>;

  const tcIn = (...lines: string[]): string =>
    execFileSync('tc', ['-n', `${lab.name}-pbx`, '-batch', '-'], { input: `${lines.join('\n')}\n`, encoding: 'utf8' });
  const ipIn = (...lines: string[]): string =>
    execFileSync('ip', ['-n', `${lab.name}-pbx`, '-batch', '-'], { input: `${lines.join('\n')}\n`, encoding: 'utf8' });
  /** All of ours that stands, as text, without numbers that the kernel gives. */
  const standing = async (): Promise<string[]> =>
    (await tc.read('all')).objects.map(({ key, state }) => `${key}: ${state}`).toSorted();
  const limiterWith = async (limits: readonly StandingLimit[], executor: Executor = tc): Promise<Limiter> => {
    const limiter = new Limiter(executor);
    await limiter.start(limits);
    return limiter;
  };
  const fromScratch = async (limits: readonly StandingLimit[]): Promise<string[]> => {
    const limiter = await limiterWith(limits);
    const stands = await standing();
    await limiter.stop();
    return stands;
  };
  /** All that tc shows of `eth0` but ours. */
  const administrators = (): string[][] =>
    ['qdisc', 'class', 'filter parent 1:', 'filter egress', 'filter ingress'].map((question) => {
      const [kind, ...place] = question.split(' ');
      const rows = tcIn([kind, 'show dev eth0', ...place].join(' ')).split(/^(?=filter )/m);
      return rows.filter((row) => row !== '' && !/ pref 642\d\d /.test(row));
    });
  const reaches = (from: TenantId, to: string): Promise<void> =>
    assert.rejects(lab.agent(from).ask('get', `http://${to}:9999`), /ECONNREFUSED/);

  before(async () => {
    lab = new Lab();
    tc = new Tc({ netns: `${lab.name}-pbx` });
    untouched = await lab.snapshot();
  });
  afterEach(async () => {
    await (await limiterWith([])).stop();
    assert.deepEqual(await lab.snapshot(), untouched);
  });
  after(() => lab.stop());

  it('lets packets of both families through its limits, each way', async () => {
    await limiterWith(A);
    await Promise.all([
      reaches('acme', INTERNET_IPV4),
      reaches('acme', `[${INTERNET_IPV6}]`),
      reaches('birch', INTERNET_IPV4),
      reaches('birch', `[${INTERNET_IPV6}]`),
      reaches('dogwood', '198.51.100.26'),
      reaches('dogwood', '[2001:db8:24::26]'),
    ]);
    const limiter = await limiterWith(A);
    for (const { tenant, outbound, inbound } of limiter.state().limits) {
      for (const { offered, voice, bulk } of [outbound, inbound]) {
        const passed = (voice?.packets ?? 0) + (bulk?.packets ?? 0);
        assert(offered && offered.packets >= 2, `${tenant}: ${offered?.packets} packets offered`);
        assert.equal(passed, offered.packets, tenant);
      }
    }
  });

  it('leaves everything as it was found when it stops', async () => {
    const limiter = await limiterWith(A);
    assert.notDeepEqual(await lab.snapshot(), untouched);
    await limiter.stop();
    assert.deepEqual(await lab.snapshot(), untouched);
  });

  it('changes nothing where the limits stand', async () => {
    const counting = new FaultyExecutor(tc);
    const limiter = await limiterWith(A, counting);
    const runs = counting.runs;
    await limiter.apply(A.toReversed());
    await limiter.check();
    assert.equal(counting.runs, runs);
  });

  const changes: [string, readonly StandingLimit[], readonly StandingLimit[]][] = [
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
    it(`comes from one set of limits to ${name} as if it had begun there`, async () => {
      const limiter = await limiterWith(first);
      await limiter.apply(second);
      assert.deepEqual(await standing(), await fromScratch(second));
    });
  }

  it('refuses what it cannot steer, with the reason, and sets the others', async () => {
    ipIn('link add name spare type veth peer name spare2');
    tcIn(
      'qdisc add dev spare ingress',
      'qdisc add dev spare2 clsact',
      'filter add dev spare2 egress pref 64206 protocol ip u32 match u32 0 0',
    );
    const limits = ['spare', 'spare2', 'nowhere', 'eth0'].map((name, i) =>
      edgeLimit('acme', { slot: i + 1, interface: name }),
    );
    const limiter = await limiterWith(limits);
    assert.deepEqual(
      limiter.state().limits.map(({ refused }) => refused),
      [
        'spare has an ingress qdisc',
        "the filters of pref 64206 on spare2 are somebody else's",
        'there is no interface nowhere',
        null,
      ],
    );
    ipIn('link del dev spare');
  });

  const sabotage: [string, () => void][] = [
    ['a filter', () => tcIn('filter del dev weir-out parent face: pref 4 protocol ip handle 4a:64:2 u32')],
    ['a steering filter', () => tcIn('filter del dev eth0 egress pref 64206 protocol ip handle 7a0:64:2 u32')],
    ['a list of filters', () => tcIn('filter del dev eth0 ingress pref 64208')],
    ['the clsact', () => tcIn('qdisc del dev veth-acme clsact')],
    ['a queue', () => tcIn('qdisc replace dev weir-in parent face:5 handle 5: pfifo limit 7')],
    [
      'the kind of a queue',
      () =>
        tcIn('qdisc del dev weir-in parent face:5', 'qdisc add dev weir-in parent face:5 handle 5: bfifo limit 9000'),
    ],
    ['the root', () => tcIn('qdisc del dev weir-out root')],
    ['a rate', () => tcIn('class change dev weir-out parent face: classid face:4 htb rate 1mbit')],
    ['a class of nobody', () => tcIn('class add dev weir-out parent face: classid face:999 htb rate 1mbit')],
    [
      'a filter of nobody',
      () =>
        tcIn(
          'filter add dev weir-in parent face: pref 4 protocol ip handle 4a:1:1 u32 ht 4a:1: match u32 0 0 flowid face:5',
        ),
    ],
    ['both devices', () => ipIn('link del dev weir-out', 'link del dev weir-in')],
    ['a device down', () => ipIn('link set dev weir-in down')],
  ];
  for (const [name, change] of sabotage) {
    it(`restores what somebody else changed: ${name}`, async () => {
      const limiter = await limiterWith(A);
      const before = await standing();
      change();
      assert.notDeepEqual(await standing(), before);
      await limiter.apply(A);
      assert.deepEqual(await standing(), before);
    });
  }

  const losses: [string, () => void][] = [
    ['gone', () => ipIn('link del dev weir-out')],
    ['down', () => ipIn('link set dev weir-out down')],
    ['made anew', () => ipIn('link del dev weir-out', 'link add name weir-out type ifb', 'link set dev weir-out up')],
  ];
  for (const [name, lose] of losses) {
    it(`check: no packet is lost to a device that is ${name}`, async () => {
      const limiter = await limiterWith(A);
      lose();
      await limiter.check();
      await reaches('acme', INTERNET_IPV4);
      await reaches('birch', INTERNET_IPV4);
      if (name === 'made anew') ipIn('link del dev weir-out');
    });
  }

  it('check: removes the steering even where the device cannot be made again, and says why', async () => {
    const limiter = await limiterWith(A);
    ipIn('link del dev weir-out', 'link add name weir-out type veth peer name weir-peer');
    await limiter.check();
    await reaches('acme', INTERNET_IPV4);
    const { limits } = limiter.state();
    assert.deepEqual([...new Set(limits.map(({ refused }) => refused))], ["weir-out exists and is not Weir's"]);
    ipIn('link del dev weir-out');
    await limiter.check();
    assert.deepEqual(await standing(), await fromScratch(A));
  });

  it('check: follows an interface that is made anew', async () => {
    ipIn('link add name spare type veth peer name spare2', 'link set dev spare up');
    const limits = [portLimit('acme', { interface: 'spare' })];
    const limiter = await limiterWith(limits);
    const before = await standing();
    ipIn('link del dev spare');
    await limiter.check();
    assert.equal(limiter.state().limits[0]?.refused, 'there is no interface spare');
    ipIn('link add name spare type veth peer name spare2', 'link set dev spare up');
    await limiter.check();
    assert.deepEqual(await standing(), before);
    ipIn('link del dev spare');
  });

  it('tells what failed, and goes on from there', async () => {
    const faulty = new FaultyExecutor(tc);
    const limiter = await limiterWith(A, faulty);
    faulty.failAfter(20);
    await assert.rejects(limiter.apply(B), /^Error: Cannot go on: the test says so$/);
    assert.equal(limiter.state().error, 'Cannot go on: the test says so');
    faulty.failAfter(Infinity);
    await limiter.check();
    assert.equal(limiter.state().error, null);
    assert.deepEqual(await standing(), await fromScratch(B));
  });

  it('carries out calls one after the other', async () => {
    const limiter = await limiterWith([]);
    await Promise.all([limiter.apply(A), limiter.apply(B), limiter.check(), limiter.apply([]), limiter.apply(A)]);
    assert.deepEqual(await standing(), await fromScratch(A));
  });

  it('adopts what a killed process left, without a change', async () => {
    const args = [PROCESS, `${lab.name}-pbx`, JSON.stringify(A)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const before = await standing();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const counting = new FaultyExecutor(tc);
    await limiterWith(A, counting);
    assert.equal(counting.runs, 0);
    assert.deepEqual(await standing(), before);
    await limiterWith([]);
    assert.deepEqual(await lab.snapshot(), untouched);
  });

  for (let objects = 1; objects < 160; objects += 13) {
    it(`finishes what a killed daemon began: after ${objects} objects`, async () => {
      const dying = new FaultyExecutor(tc);
      dying.failAfter(objects, 'die');
      await Promise.race([limiterWith(A, dying), dying.died]);
      const limiter = await limiterWith(A);
      assert.deepEqual(await standing(), await fromScratch(A));
      await limiter.apply(A);

      const leaving = new FaultyExecutor(tc);
      const left = await limiterWith(A, leaving);
      leaving.failAfter(objects, 'die');
      await Promise.race([left.apply(B), leaving.died]);
      await limiterWith([]);
      assert.deepEqual(await lab.snapshot(), untouched);
    });
  }

  describe("beside an administrator's own", () => {
    let found: typeof untouched;
    beforeEach(async () => {
      tcIn(...ADMINISTRATORS);
      found = await lab.snapshot();
    });
    afterEach(async () => {
      await (await limiterWith([])).stop();
      tcIn('qdisc del dev eth0 root', 'qdisc del dev eth0 clsact');
    });

    it('keeps it before, during and after, byte for byte', async () => {
      const before = administrators();
      const limiter = await limiterWith(A);
      assert.deepEqual(administrators(), before);
      await limiter.apply(B);
      assert.deepEqual(administrators(), before);
      await limiter.stop();
      assert.deepEqual(await lab.snapshot(), found);
    });

    it('finds tables that outlived their list, and can come again', async () => {
      const limiter = await limiterWith(A);
      const before = await standing();
      tcIn('filter del dev eth0 egress pref 64206');
      await limiter.apply(A);
      assert.deepEqual(await standing(), before);
      await limiter.stop();
      assert.deepEqual(await lab.snapshot(), found);
    });

    it('keeps filters that came to a clsact of ours, and then the clsact', async () => {
      tcIn('qdisc del dev eth0 clsact');
      const limiter = await limiterWith(A);
      tcIn(
        'filter add dev eth0 egress pref 10 protocol ip u32 match ip dst 203.0.113.8/32 action mirred egress mirror dev lo',
      );
      const before = administrators();
      await limiter.stop();
      assert.deepEqual(administrators(), before);
      assert.deepEqual(await standing(), ['eth0 clsact: present']);
      const counting = new FaultyExecutor(tc);
      await limiterWith(A, counting);
      assert.equal(counting.runs, 1, 'no table outlived its list');
    });
  });
});
