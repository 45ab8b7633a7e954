import assert from 'node:assert/strict';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { Limit } from '../../daemon/enforcement/limit.ts';
import { objectsOf, planLimits } from '../../daemon/enforcement/plan.ts';
import { planSteps, renderSteps } from '../../daemon/enforcement/reconcile.ts';
import { assertGolden } from '../support/golden.ts';
import { edgeLimit, portLimit } from './limits.ts';

const GOLDEN = join(import.meta.dirname, '../golden/enforcement');
const fifo = { fqCodel: false, missing: [] };
const fqCodel = { fqCodel: true, missing: [] };

const planned = (limits: readonly Limit[], capabilities = fifo, exempt: readonly string[] = []) => {
  const { groups, refused } = planLimits(limits, { capabilities, exempt });
  return { objects: objectsOf(groups.values()), refused };
};

const commands = (limits: readonly Limit[], capabilities = fifo, exempt: readonly string[] = []): string[] =>
  renderSteps(planSteps(planned(limits, capabilities, exempt).objects, [])).flatMap(({ tool, lines }) =>
    lines
      .join('\n')
      .split('\n')
      .map((line) => `${tool} ${line}`),
  );

describe('planLimits', () => {
  const exempt = ['203.0.113.0/28', '2001:db8:f::/48'];
  const golden: [string, readonly Limit[], typeof fifo, (readonly string[])?][] = [
    ['edge', [edgeLimit('dogwood', { slot: 7 })], fifo],
    ['edge-fq_codel', [edgeLimit('dogwood', { slot: 7, rateBps: 500e6 })], fqCodel],
    ['spared', [edgeLimit('acme', { spared: ['198.51.100.9/32', '2001:db8:8::1/128'] })], fifo],
    ['exempt', [edgeLimit('acme'), portLimit('birch')], fifo, exempt],
    ['sharded', [edgeLimit('acme', { slot: 501 }), edgeLimit('birch', { slot: 65_000 })], fifo],
    ['port', [portLimit('acme', { rateBps: 20e6 })], fifo],
    ['wide', [edgeLimit('acme', { addresses: ['198.51.100.0/22', '2001:db8:8::/46'] })], fifo],
  ];
  for (const [name, limits, capabilities, prefixes] of golden) {
    it(`plans ${name} as in its golden file`, () => {
      assertGolden(join(GOLDEN, `${name}.txt`), `${commands(limits, capabilities, prefixes).join('\n')}\n`);
    });
  }

  it('plans nothing for no limits', () => assert.deepEqual(commands([]), []));

  const refused: [string, readonly Limit[], RegExp][] = [
    ['what is no prefix', [edgeLimit('acme', { addresses: ['acme.example'] })], /^acme\.example is no prefix$/],
    ['a slot that has no handles', [edgeLimit('acme', { slot: 65_001 })], /^only tenants 1 … 65000/],
    ['a slot of nobody', [edgeLimit('acme', { slot: 0 })], /^only tenants/],
    ['a rate too small for a frame', [edgeLimit('acme', { rateBps: 15_999 })], /^the limit is below 16 kbit\/s$/],
    ['a rate that is none', [edgeLimit('acme', { rateBps: Number.NaN })], /^the limit is below/],
    ['a name with a command in it', [edgeLimit('acme', { interface: 'a\nlink del b' })], /is no name of an interface/],
    ['nobody to look for', [edgeLimit('acme', { addresses: [] })], /^the tenant has no addresses$/],
    ['two rates for a tenant', [edgeLimit('acme'), portLimit('acme', { rateBps: 6e6 })], /another rate/],
    ['two tenants at a port', [portLimit('acme'), portLimit('birch', { interface: 'veth-acme' })], /the port of acme/],
    [
      'a port that faces the internet',
      [portLimit('acme'), edgeLimit('birch', { interface: 'veth-acme' })],
      /the port of/,
    ],
  ];
  for (const [name, limits, reason] of refused) {
    it(`refuses ${name}, and plans the others`, () => {
      const plan = planned([...limits, edgeLimit('cedar')], fifo);
      assert.equal(plan.refused.length, 1);
      assert.match(plan.refused[0]?.reason ?? '', reason);
      const others = limits.filter((limit) => limit !== plan.refused[0]?.limit);
      assert.deepEqual(plan.objects, planned([...others, edgeLimit('cedar')], fifo).objects);
    });
  }

  it('plans every tenant that can be configured, none of them on a pair of devices with too many others', () => {
    const limits = Array.from({ length: 65_000 }, (_, i) =>
      edgeLimit('acme', { tenant: `t${i}`, slot: i + 1, addresses: [`10.${i >> 8}.${i & 255}.0/24`] }),
    );
    const { groups, refused: none } = planLimits(limits, { capabilities: fifo, exempt: [] });
    assert.deepEqual(none, []);
    const tenants = [...groups].flatMap(([key, { container }]) => (key.startsWith('tenant') ? [container] : []));
    const shards = Map.groupBy(tenants, (container) => container);
    assert.deepEqual([tenants.length, shards.size], [65_000, 130]);
    assert([...shards.values()].every(({ length }) => length === 500));
  });

  it("refuses the tenant that has more of the host's addresses in a bucket than there is room for", () => {
    const spared = Array.from({ length: 16 }, (_, i) => `198.51.100.${i}/32`);
    const limit = edgeLimit('acme', { addresses: ['198.51.100.0/24'], spared });
    assert.match(
      planned([limit]).refused[0]?.reason ?? '',
      /^more than 15 of this host's addresses share a hash bucket$/,
    );
    assert.deepEqual(planned([{ ...limit, spared: spared.slice(1) }]).refused, []);
  });

  it('refuses the tenant whose prefixes no longer fit into a bucket', () => {
    const crowd = Array.from({ length: 4080 }, (_, i) => `10.${i >> 8}.0.${i & 255}/32`);
    const { refused: over } = planned(
      [edgeLimit('acme', { addresses: crowd }), edgeLimit('birch', { addresses: ['10.0.0.0/24'] })],
      fifo,
    );
    assert.deepEqual(
      over.map(({ limit, reason }) => [limit.tenant, reason]),
      [['birch', 'more than 4080 prefixes share a hash bucket']],
    );
  });
});

/** Devices, and classes and tables with their device, that must be there before the line. */
function namesUsed(line: string): string[] {
  const [, device = ''] = /^tc .*? dev (\S+)/.exec(line) ?? [];
  const [, table = ''] = / ht (\w+:)/.exec(line) ?? [];
  const [, target = ''] = / redirect dev (\S+)/.exec(line) ?? [];
  const names = [...line.matchAll(/ (?:parent|flowid|link) (\w+:\w*)/g)].map(([, name]) => name);
  return [target, ...[table, ...names].map((name) => (name ? `${device} ${name}` : ''))].filter((name) => name !== '');
}

/** The device that comes up; the class, qdisc or table with its device. */
function nameAdded(line: string): string {
  const [, up] = /^ip link set dev (\S+) .*up$/.exec(line) ?? [];
  const [, device = ''] = / dev (\S+)/.exec(line) ?? [];
  const [, name = ''] = / (?:classid|handle) (\w+:\w*) (?!u32 ht)/.exec(line) ?? [];
  return up ?? `${device} ${name}`;
}

describe('planLimits of any limits', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const prefix = fc.oneof(
    fc
      .tuple(octet, octet, octet, fc.integer({ min: 14, max: 32 }))
      .map(([a, b, c, bits]) => `10.${a}.${b}.${c}/${bits}`),
    fc.tuple(octet, fc.integer({ min: 38, max: 128 })).map(([a, bits]) => `2001:db8:${a.toString(16)}::/${bits}`),
  );
  const limit = fc
    .record({
      slot: fc.integer({ min: 1, max: 40 }),
      addresses: fc.array(prefix, { minLength: 1, maxLength: 4 }),
      interface: fc.constantFrom('eth0', 'eth1', 'port1', 'port2', 'port3'),
    })
    .map((record) =>
      edgeLimit('acme', {
        ...record,
        tenant: `t${record.slot}`,
        faces: record.interface.startsWith('p') ? 'tenant' : 'internet',
      }),
    );
  const limits = fc.array(limit, { maxLength: 8 });

  it('names no object twice', () => {
    fc.assert(
      fc.property(limits, (some) => {
        const keys = planned(some, fifo).objects.map(({ key }) => key);
        assert.equal(new Set(keys).size, keys.length);
      }),
    );
  });

  it('refers to nothing that was not added before', () => {
    fc.assert(
      fc.property(limits, (some) => {
        const added = new Set<string>();
        for (const line of commands(some)) {
          for (const name of namesUsed(line)) assert(added.has(name), `${line}: ${name}`);
          added.add(nameAdded(line));
        }
      }),
    );
  });

  it('does not depend on their order', () => {
    fc.assert(
      fc.property(limits, (some) => {
        const distinct = some.filter((a, i) => !some.slice(0, i).some((b) => b.slot === a.slot));
        assert.deepEqual(planned(distinct.toReversed(), fifo).objects, planned(distinct, fifo).objects);
      }),
    );
  });
});
