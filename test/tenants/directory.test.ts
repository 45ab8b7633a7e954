import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { AddressWords } from '../../daemon/metering/address.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { formatPrefix, isIPv4, networkOf, parseAddress, type Prefix } from '../../daemon/tenants/prefix.ts';
import type { Tenant } from '../../daemon/tenants/tenant.ts';

const plan = { portBps: null, guaranteed: false, threshold: null, limitBps: null };
const tenant = (addresses: readonly string[], i: number): Tenant => ({ id: `t${i + 1}`, addresses, macs: [], plan });
const directoryOf = (...addresses: readonly string[][]) => new TenantDirectory(addresses.map(tenant));
const wordsOf = (text: string): AddressWords => parseAddress(text) ?? assert.fail(text);

const toInteger = (words: AddressWords): bigint => words.reduce((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n);
const toWords = (value: bigint): AddressWords => {
  const word = (shift: bigint): number => Number(BigInt.asIntN(32, value >> shift));
  return [word(96n), word(64n), word(32n), word(0n)];
};

/** The law: of all prefixes of the address's family that contain it, the longest, and of equal ones the last. */
function longestPrefix(prefixes: readonly Prefix[], address: AddressWords): number {
  const family = isIPv4({ words: address, length: 128 });
  const contains = (prefix: Prefix): boolean =>
    isIPv4(prefix) === family &&
    toInteger(prefix.words) >> BigInt(128 - prefix.length) === toInteger(address) >> BigInt(128 - prefix.length);
  let best = -1;
  prefixes.forEach((prefix, i) => {
    if (contains(prefix) && prefix.length >= (prefixes[best]?.length ?? 0)) best = i;
  });
  return best + 1;
}

/** The ends of a prefix and the addresses just outside it. */
function edges({ words, length }: Prefix): AddressWords[] {
  const first = toInteger(words);
  const last = first | ((1n << BigInt(128 - length)) - 1n);
  return [first, last, first - 1n, last + 1n].map((value) => toWords(BigInt.asUintN(128, value)));
}

/** Few distinct values, so that prefixes nest, touch and repeat. */
const near = fc.oneof(fc.constantFrom(0, -1, 1, 0x0a000000, 0x0a000100, 0x20010db8), fc.integer());
const ipv4 = fc.tuple(fc.constant(0), fc.constant(0), fc.constant(0xffff), near);
const ipv6 = fc.tuple(near, near, near, near);
const prefixesOf = (address: fc.Arbitrary<AddressWords>, shortest: number, size: 'small' | 'large') =>
  fc.array(
    fc.tuple(address, fc.integer({ min: shortest, max: 128 })).map(([words, length]) => networkOf({ words, length })),
    size === 'small' ? { maxLength: 12 } : { minLength: 50, maxLength: 300 },
  );

function agreesWithTheLaw(prefixes: readonly Prefix[], others: readonly AddressWords[]): void {
  const directory = directoryOf(...prefixes.map((prefix) => [formatPrefix(prefix)]));
  for (const address of [...prefixes.flatMap(edges), ...others]) {
    assert.equal(directory.lookup(...address), longestPrefix(prefixes, address), address.join(' '));
  }
}

describe('TenantDirectory.lookup', () => {
  for (const [family, address, shortest] of [
    ['IPv4', ipv4, 96],
    ['IPv6', ipv6, 0],
    ['both families', fc.oneof(ipv4, ipv6), 0],
  ] as const) {
    for (const size of ['small', 'large'] as const) {
      it(`finds the longest prefix: ${family}, ${size} sets`, () => {
        const sample = fc.array(address, { maxLength: 20 });
        fc.assert(fc.property(prefixesOf(address, shortest, size), sample, agreesWithTheLaw), {
          numRuns: size === 'small' ? 1000 : 20,
        });
      });
    }
  }

  it('knows nobody when there are no tenants', () => {
    assert.equal(directoryOf().lookup(...wordsOf('198.51.100.8')), 0);
    assert.equal(directoryOf().lookup(...wordsOf('2001:db8::1')), 0);
  });

  it('numbers tenants by their order, whatever the order of their prefixes', () => {
    const directory = directoryOf(['203.0.113.0/24', '2001:db8:8::/48'], ['198.51.100.8/29'], ['198.51.100.0/24']);
    const numbers = ['203.0.113.7', '2001:db8:8::7', '198.51.100.15', '198.51.100.16', '192.0.2.1', '2001:db8:9::'];
    assert.deepEqual(
      numbers.map((text) => directory.lookup(...wordsOf(text))),
      [1, 1, 2, 3, 0, 0],
    );
  });

  it('keeps the families apart: 0.0.0.0/0 is no IPv6, ::/0 no IPv4', () => {
    const directory = directoryOf(['0.0.0.0/0'], ['::/0']);
    assert.equal(directory.lookup(...wordsOf('203.0.113.7')), 1);
    assert.equal(directory.lookup(...wordsOf('2001:db8::7')), 2);
    assert.equal(directory.lookup(...wordsOf('::ffff:203.0.113.7')), 1);
  });

  it('answers lookupIPv4 and lookupIPv6 alike', () => {
    const directory = directoryOf(['198.51.100.8/29'], ['2001:db8::/32']);
    assert.equal(directory.lookupIPv4(wordsOf('198.51.100.9')[3]), 1);
    assert.equal(directory.lookupIPv6(...wordsOf('2001:db8::9')), 2);
  });
});

const scattered = (i: number): number => Math.imul(i, 0x9e3779b1);

describe('TenantDirectory', () => {
  it('stays within 200 bytes a prefix at 10,000 scattered, paired or stacked prefixes', () => {
    const sets: ((i: number) => Prefix)[] = [
      (i) => ({ words: [0, 0, 0xffff, scattered(i)], length: 128 }),
      (i) => ({ words: [0x20010db8, scattered(i), scattered(i >>> 1), i], length: 128 }),
      (i) => ({ words: [0x20010db8, scattered(i >>> 1), 0, 0], length: 63 + (i & 1) }),
      (i) => ({ words: [0x20010db8, 1 << (i & 31), 1 << ((i >>> 5) & 31), scattered(i)], length: 128 }),
    ];
    for (const set of sets) {
      const prefixes = Array.from({ length: 10_000 }, (_, i) => [formatPrefix(networkOf(set(i)))]);
      const perPrefix = directoryOf(...prefixes).byteLength / prefixes.length;
      assert.ok(perPrefix < 200, `${perPrefix} bytes a prefix`);
    }
  });

  it('refuses what is no prefix', () => {
    assert.throws(() => directoryOf(['198.51.100.0/33']), /Cannot index tenants: 198\.51\.100\.0\/33 is no prefix/);
  });
});
