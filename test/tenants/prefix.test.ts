import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { formatAddress } from '../../daemon/metering/address.ts';
import { formatPrefix, networkOf, parseAddress, parsePrefix } from '../../daemon/tenants/prefix.ts';

const word = fc.oneof(fc.constantFrom(0, -1, 0xffff, 1), fc.integer());
const words = fc.tuple(word, word, word, word);

describe('parsePrefix', () => {
  const read = [
    ['198.51.100.8/29', '198.51.100.8/29', 125],
    ['0.0.0.0/0', '0.0.0.0/0', 96],
    ['198.51.100.8', '198.51.100.8/32', 128],
    ['2001:DB8:0:0::/48', '2001:db8::/48', 48],
    ['2001:db8::1', '2001:db8::1/128', 128],
    ['::/0', '::/0', 0],
    ['::ffff:198.51.100.8/125', '198.51.100.8/29', 125],
  ] as const;
  for (const [text, canonical, length] of read) {
    it(`reads ${text}`, () => {
      const prefix = parsePrefix(text);
      assert.equal(prefix?.length, length);
      assert.equal(prefix === null ? null : formatPrefix(prefix), canonical);
    });
  }

  const refused =
    '|/|1|198.51.100|010.0.0.1|0x7f.0.0.1|198.51.100.256|198.51.100.8/33|198.51.100.8/|198.51.100.8/029|' +
    '198.51.100.8/-1|198.51.100.8/29/1| 198.51.100.8|2001:db8::/129|2001:db8::1::1|fe80::1%eth0|tenant';
  for (const text of refused.split('|')) {
    it(`refuses "${text}"`, () => assert.equal(parsePrefix(text), null));
  }

  it('reads back what formatPrefix writes', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 128 }), (address, length) => {
        const prefix = networkOf({ words: address, length });
        assert.deepEqual(parsePrefix(formatPrefix(prefix)), prefix);
      }),
    );
  });
});

describe('parseAddress', () => {
  it('reads back what formatAddress writes', () => {
    fc.assert(fc.property(words, (address) => assert.deepEqual(parseAddress(formatAddress(...address)), address)));
  });
});

const network = (text: string): string => formatPrefix(networkOf(parsePrefix(text) ?? assert.fail(text)));

describe('networkOf', () => {
  it('clears the host bits and no others', () => {
    assert.equal(network('198.51.100.9/29'), '198.51.100.8/29');
    assert.equal(network('2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/33'), '2001:db8:8000::/33');
    assert.equal(network('203.0.113.255/0'), '0.0.0.0/0');
  });
});
