import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { type AddressWords, formatAddress, hashAddress, hashPort } from '../../daemon/metering/address.ts';
import { parseAddress } from '../../daemon/tenants/prefix.ts';

const word = fc.oneof(fc.constantFrom(0, 1, 0xffff, 0x10000, -1), fc.integer());

/** RFC 5952 sections 4 and 5. */
const canonical = [
  '::',
  '::1',
  '1::',
  '2001:db8::',
  '2001:db8::2:1',
  '2001:db8:0:1:1:1:1:1',
  '2001:0:0:1::1',
  '2001:db8::1:0:0:1',
  'fe80::ff:fe00:1',
  '0:1::',
  '1:2:3:4:5:6:7:8',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  '0.0.0.0',
  '192.0.2.1',
  '255.255.255.255',
];

/** Many addresses of which only one part differs, as hosts, networks and attackers choose them. */
const families: readonly (readonly [name: string, words: (i: number) => AddressWords])[] = [
  ['IPv4 in a row', (i) => [0, 0, 0xffff, 0xc0000200 + i]],
  ['IPv4 by network', (i) => [0, 0, 0xffff, Math.imul(i, 0x100)]],
  ['IPv6 hosts in a row', (i) => [0x20010db8, 0, 0, i]],
  ['IPv6 by the third word', (i) => [0x20010db8, 0, i, 1]],
  ['IPv6 by network', (i) => [0x20010db8, i, 0, 1]],
  ['IPv6 by the first word', (i) => [0x20010000 + i, 0, 0, 1]],
  ['IPv6 of cards in a row (EUI-64)', (i) => [0x20010db8, 0, 0x020000ff, 0xfe000000 + i]],
  ['IPv6 with the same number in each word', (i) => [i, i, i, i]],
];

const SEEDS = [0, 0x5eed, -1];

/** Pearson's statistic of `count` hashes in 256 cells: 255 ± 23 for random ones. */
function chiSquare(cells: Iterable<number>, count: number): number {
  const found = new Float64Array(256);
  for (const cell of cells) found[cell]! += 1;
  return found.reduce((sum, n) => sum + (n - count / 256) ** 2 / (count / 256), 0);
}

describe('formatAddress', () => {
  for (const text of canonical)
    it(`writes ${text}`, () => assert.equal(formatAddress(...(parseAddress(text) ?? assert.fail(text))), text));

  it('writes what is read as the same address', () => {
    fc.assert(
      fc.property(word, word, word, word, (...words) => {
        assert.deepEqual(
          parseAddress(formatAddress(...words)),
          words.map((one) => one | 0),
        );
      }),
    );
  });
});

describe('hashAddress', () => {
  for (const [name, words] of families)
    it(`spreads ${name} evenly in all parts of a hash`, () => {
      const count = 65_536;
      for (const seed of SEEDS) {
        const hashes = Array.from({ length: count }, (_, i) => hashAddress(seed, ...words(i)));
        for (const shift of [0, 8, 12, 19, 24]) {
          const statistic = chiSquare(
            hashes.map((hash) => (hash >>> shift) & 255),
            count,
          );
          assert(statistic < 255 + 6 * 23, `seed ${seed}, bits from ${shift} on: ${statistic}`);
        }
        // Of 65,536 random hashes of 32 bits about half a pair is equal.
        assert(count - new Set(hashes).size < 8, `seed ${seed}: ${count - new Set(hashes).size} equal`);
      }
    });

  it('depends on each word, and on the seed', () => {
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.nat(3), fc.integer({ min: 0, max: 31 }), (words, at, bit) => {
        const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words.map((one, i) => (i === at ? one ^ (1 << bit) : one));
        assert.notEqual(hashAddress(7, w0, w1, w2, w3), hashAddress(7, ...words));
        assert.notEqual(hashAddress(8, ...words), hashAddress(7, ...words));
      }),
      { seed: 1 },
    );
  });
});

describe('hashPort', () => {
  for (const seed of SEEDS)
    it(`gives each port a hash of its own, seed ${seed}`, () => {
      const hashes = new Set(Array.from({ length: 65_537 }, (_, i) => hashPort(seed, i - 1)));
      assert.equal(hashes.size, 65_537);
    });
});
