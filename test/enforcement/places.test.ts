import assert from 'node:assert/strict';
import { Places, type PlacesOptions } from '../../daemon/enforcement/places.ts';
import { testTenant } from '../support/windowBuilder.ts';
import { standingLimit } from './limits.ts';

const tenants = [
  testTenant('acme', ['198.51.100.0/28', '2001:db8:8::/48']),
  testTenant('birch', ['198.51.100.8/29']),
  testTenant('cedar', ['192.0.2.0/24'], { guaranteed: true }),
];
const interfaces = [
  { name: 'eth0', faces: 'internet', tenant: null },
  { name: 'veth-birch', faces: 'tenant', tenant: 'birch' },
] as const;

const places = (changes: Partial<PlacesOptions> = {}, own: readonly string[] = []): Places => {
  const made = new Places({ tenants, interfaces, exempt: { tenants: [], prefixes: [] }, ...changes });
  made.observeOwn(own);
  return made;
};
const exempt = (changes: Partial<PlacesOptions['exempt']>) => ({ exempt: { tenants: [], prefixes: [], ...changes } });

describe('Places', () => {
  it("places a tenant's limit at each interface to the internet, without the addresses of others", () => {
    const two = [...interfaces, { name: 'eth1', faces: 'internet', tenant: null }] as const;
    const limit = { tenant: 'acme', slot: 1, rateBps: 20e6, spared: [], faces: 'internet' };
    const addresses = ['198.51.100.0/29', '2001:db8:8::/48'];
    assert.deepEqual(places({ interfaces: two }).of(standingLimit()), [
      { ...limit, addresses, interface: 'eth0' },
      { ...limit, addresses, interface: 'eth1' },
    ]);
  });

  it('places it at the port where the tenant has one, and there only', () => {
    const placed = places().of(standingLimit({ tenant: 'birch' }));
    assert.deepEqual(
      placed.map(({ slot, interface: name, faces }) => [slot, name, faces]),
      [[2, 'veth-birch', 'tenant']],
    );
  });

  it("spares the host's own addresses among the tenant's, as they are now", () => {
    const made = places({}, ['198.51.100.1/32', '203.0.113.1/32', '2001:db8:8::1/128']);
    assert.deepEqual(made.of(standingLimit())[0]?.spared, ['198.51.100.1/32', '2001:db8:8::1/128']);
    made.observeOwn(['198.51.100.2/32']);
    assert.deepEqual(made.of(standingLimit())[0]?.spared, ['198.51.100.2/32']);
  });

  const own = ['198.51.100.0/29', '2001:db8:8::/48'];
  const cases: [string, Places, string, RegExp][] = [
    ['a guaranteed plan', places(), 'cedar', /^plan\.guaranteed/],
    [
      'a tenant that the configuration names',
      places(exempt({ tenants: ['acme'] })),
      'acme',
      /^enforcement\.exempt\.te/,
    ],
    [
      'addresses that it names',
      places(exempt({ prefixes: ['198.0.0.0/8', '2001:db8::/32'] })),
      'acme',
      /exempt\.prefix/,
    ],
    [
      "addresses that it names, and the rest the host's",
      places(exempt({ prefixes: ['::/1'] }), own),
      'acme',
      /exempt|own/,
    ],
    ['the host itself', places({}, own), 'acme', /^all its addresses are this host's own$/],
    ['no interface', places({ interfaces: [] }), 'acme', /no interface faces the internet/],
    ['nobody', places(), 'globex', /^no such tenant/],
  ];
  for (const [name, made, tenant, reason] of cases) {
    it(`exempts ${name}, and places nothing for it`, () => {
      assert.match(made.exemption(tenant) ?? '', reason);
      assert.deepEqual(made.of(standingLimit({ tenant })), []);
    });
  }

  it('exempts nobody of whom only a part is exempt', () => {
    assert.equal(places(exempt({ prefixes: ['198.51.100.0/29'] })).exemption('acme'), null);
  });
});
