import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { ownPrefixes } from '../../daemon/enforcement/ownPrefixes.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { formatPrefix, networkOf } from '../../daemon/tenants/prefix.ts';
import type { Tenant } from '../../daemon/tenants/tenant.ts';

const plan = { portBps: null, guaranteed: false, threshold: null, limitBps: null };
const tenant = (id: string, ...addresses: string[]): Tenant => ({ id, addresses, macs: [], plan });

describe('ownPrefixes', () => {
  const cases: [string, string[], string[], string[]][] = [
    ['alone', ['198.51.100.0/24'], ['192.0.2.0/24'], ['198.51.100.0/24']],
    ['around a narrower one', ['198.51.100.0/29'], ['198.51.100.4/31'], ['198.51.100.0/30', '198.51.100.6/31']],
    ['within a wider one', ['198.51.100.4/31'], ['198.51.100.0/29'], ['198.51.100.4/31']],
    ['IPv6', ['2001:db8:8::/47'], ['2001:db8:9::/48'], ['2001:db8:8::/48']],
    ['taken whole by two halves', ['198.51.100.0/31'], ['198.51.100.0/32', '198.51.100.1/32'], []],
  ];
  for (const [name, mine, others, expected] of cases) {
    it(name, () => {
      const acme = tenant('acme', ...mine);
      assert.deepEqual(ownPrefixes(acme, [acme, tenant('birch', ...others)]), expected);
    });
  }

  it('is worked out once for a list of tenants, for every tick asks again', () => {
    const acme = tenant('acme', '198.51.100.0/29');
    const tenants = [acme, tenant('birch', '198.51.100.4/31')];
    assert.equal(ownPrefixes(acme, tenants), ownPrefixes(acme, tenants));
    assert.deepEqual(ownPrefixes(acme, [acme]), ['198.51.100.0/29']);
  });

  it("covers exactly the addresses that are the tenant's by longest prefix", () => {
    const prefix = fc
      .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 120, max: 128 }))
      .map(([last, length]) => formatPrefix(networkOf({ words: [0, 0, 0xffff, 0xc6336400 | last], length })));
    const prefixes = fc.uniqueArray(prefix, { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(prefixes, fc.integer({ min: 1, max: 7 }), (all, split) => {
        const acme = tenant('acme', ...all.slice(0, split));
        const birch = tenant('birch', ...all.slice(split));
        const directory = new TenantDirectory([acme, birch]);
        const own = new TenantDirectory([tenant('own', ...ownPrefixes(acme, [acme, birch]))]);
        for (let last = 0; last < 256; last++) {
          const address = 0xc6336400 | last;
          assert.equal(own.lookupIPv4(address) === 1, directory.lookupIPv4(address) === 1);
        }
      }),
    );
  });
});
