import assert from 'node:assert/strict';
import { Bogons } from '../../../daemon/detectors/shared/bogons.ts';
import { parseAddress } from '../../../daemon/tenants/prefix.ts';

function classify(bogons: Bogons, text: string) {
  const words = parseAddress(text);
  assert(words !== null);
  return bogons.classify(words);
}

const tenant = (...addresses: string[]) => [{ addresses }];

describe('Bogons', () => {
  it('knows what can be no source, what is not on the internet, and what is', () => {
    const bogons = new Bogons([], null);
    for (const address of ['0.1.2.3', '127.0.0.1', '239.255.255.250', '255.255.255.255', '::1', 'ff02::1'])
      assert.equal(classify(bogons, address), 'martian', address);
    for (const address of ['10.1.2.3', '100.127.255.255', '203.0.113.9', '198.19.0.1', 'fd00::1', '2001:db8::1'])
      assert.equal(classify(bogons, address), 'bogon', address);
    for (const address of ['9.255.255.255', '11.0.0.0', '100.128.0.0', '198.20.0.0', '2001:db9::1', '2606:4700::1111'])
      assert.equal(classify(bogons, address), null, address);
  });

  it('takes a purpose of which a tenant uses some for one that is in use', () => {
    const bogons = new Bogons(tenant('192.168.7.0/24', '2001:db8:8::/48'), null);
    assert.equal(classify(bogons, '10.1.2.3'), null);
    assert.equal(classify(bogons, '2001:db8:9::1'), null);
    assert.equal(classify(bogons, '100.64.0.1'), 'bogon');
    assert.equal(classify(bogons, 'fd00::1'), 'bogon');
  });

  it('goes by a list alone where there is one, but for what can be no source', () => {
    const bogons = new Bogons([], ['10.0.0.0/9', '0.0.0.0/32', '2001:db8:1::/48']);
    assert.equal(classify(bogons, '10.127.255.255'), 'bogon');
    assert.equal(classify(bogons, '10.128.0.0'), null);
    assert.equal(classify(bogons, '127.0.0.1'), 'martian');
    assert.equal(classify(bogons, '2001:db8:1:ffff::'), 'bogon');
    assert.equal(classify(bogons, '2001:db8:2::'), null);
  });

  it('takes no IPv4 address for one of an IPv6 prefix, as ::/8 of the lists of bogons', () => {
    const bogons = new Bogons([], ['::/8']);
    assert.equal(classify(bogons, '8.8.8.8'), null);
    assert.equal(classify(bogons, '::2'), 'bogon');
  });
});
