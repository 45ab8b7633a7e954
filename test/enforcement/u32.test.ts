import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { bucketsOf, HASH, prefixWords, protocolOf, renderRule, type Word } from '../../daemon/enforcement/u32.ts';
import { networkOf, parsePrefix, type Prefix } from '../../daemon/tenants/prefix.ts';

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert(parsed);
  return networkOf(parsed);
}

/** An IPv4 or IPv6 header with the address as its source. */
function header(address: Prefix): DataView {
  const view = new DataView(new ArrayBuffer(40));
  const start = protocolOf(address) === 'ip' ? 12 - 12 : 8;
  address.words.forEach((word, i) => view.setInt32(start + i * 4, word));
  return view;
}

const matches = (words: readonly Word[], bytes: DataView): boolean =>
  words.every(({ value, mask, at }) => ((bytes.getInt32(at) ^ value) & mask) === 0);

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const ipv4 = fc
  .tuple(word, fc.integer({ min: 96, max: 128 }))
  .map(([last, length]): Prefix => networkOf({ words: [0, 0, 0xffff, last], length }));
const ipv6 = fc
  .tuple(fc.tuple(word, word, word, word), fc.integer({ min: 0, max: 128 }))
  .map(([[w0, w1, w2, w3], length]): Prefix => networkOf({ words: [w0 | 0x2000_0000, w1, w2, w3], length }));
/** A prefix and an address of the same family. */
const pairs = fc.oneof(fc.tuple(ipv4, ipv4), fc.tuple(ipv6, ipv6));

describe('bucketsOf', () => {
  const cases: [string, number, number][] = [
    ['198.51.100.8/29', 1, 100],
    ['198.51.100.0/24', 1, 100],
    ['198.51.100.0/23', 2, 100],
    ['198.51.0.0/16', 256, 0],
    ['0.0.0.0/0', 256, 0],
    ['2001:db8:8::/48', 1, 8],
    ['2001:db8:108::/64', 1, 8],
    ['2001:db8:8::/45', 8, 8],
    ['2001:db8::/32', 256, 0],
  ];
  for (const [text, count, first] of cases) {
    it(`${text} has ${count} from ${first}`, () => {
      assert.deepEqual(
        bucketsOf(prefix(text)),
        Array.from({ length: count }, (_, i) => first + i),
      );
    });
  }
});

const bucketIn = (address: Prefix): number => {
  const { mask, at } = HASH[protocolOf(address)].src;
  return (header(address).getInt32(at) & mask) >>> (31 - Math.clz32(mask & -mask));
};
const covers = (a: Prefix, b: Prefix): boolean =>
  networkOf({ words: b.words, length: a.length }).words.every((bits, i) => bits === a.words[i]);

describe('prefixWords and bucketsOf', () => {
  it('match an address of the prefix, in a bucket of the prefix, and no other', () => {
    fc.assert(
      fc.property(pairs, ([wide, other]) => {
        const inside: Prefix = { words: wide.words, length: 128 };
        for (const address of [inside, { ...other, length: 128 }]) {
          const isCovered = covers(wide, address);
          assert.equal(matches(prefixWords(wide, 'src'), header(address)), isCovered);
          if (isCovered) assert(bucketsOf(wide).includes(bucketIn(address)));
        }
      }),
    );
  });
});

describe('renderRule', () => {
  it('writes what tc takes', () => {
    const words = prefixWords(prefix('2001:db8:8::/48'), 'dst');
    assert.equal(
      renderRule({ words, indev: 'eth0', flowid: 'face:1d' }),
      'match u32 0x20010db8 0xffffffff at 24 match u32 0x00080000 0xffff0000 at 28 indev eth0 flowid face:1d',
    );
  });

  it('compares a word even of a prefix of no bits', () => {
    assert.equal(renderRule({ words: prefixWords(prefix('::/0'), 'src') }), 'match u32 0x00000000 0x00000000 at 0');
  });
});
