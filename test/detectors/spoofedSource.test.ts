import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spoofedSource } from '../../daemon/detectors/spoofedSource.ts';
import { testContext, testTenant } from '../support/windowBuilder.ts';
import { observeSightings, type Seen } from './pairFindings.ts';

const PBX = '8.8.4.9';
const CARD = 0x02005e100008;
/** Addresses of the internet, so that no block of special purpose is in use. */
const tenants = [{ ...testTenant('acme', ['8.8.4.8/29', '2600:8::/48']), macs: ['02:00:5e:10:00:08'] }];
const internet = { ...testContext(tenants), accountsFor: () => false };
const port = { ...internet, portTenant: 1 };

const seen = (sighting: Seen['sighting'], initiator: string, changes: Partial<Seen> = {}): Seen => ({
  sighting,
  initiator,
  responder: PBX,
  ...changes,
});
const many = (sighting: Seen['sighting'], initiator: string, packets: number): Seen[][] => [
  [seen(sighting, initiator, { packets })],
];

const cases: readonly (readonly [what: string, windows: readonly (readonly Seen[])[], told: readonly string[]])[] = [
  [
    "ten packets of a tenant's source from outside",
    many('ownSource', '8.8.4.10', 10),
    [`inbound acme ${PBX} by 8.8.4.10: own 10`],
  ],
  ['nine of them', many('ownSource', '8.8.4.10', 9), []],
  ['one packet from 127.0.0.1', many('udp', '127.0.0.1', 1), [`inbound acme ${PBX} by 127.0.0.1: martian 10`]],
  ['one from a group', many('syn', '224.0.0.9', 1), [`inbound acme ${PBX} by 224.0.0.9: martian 10`]],
  [
    'one of IPv6 from a group',
    [[seen('udp', 'ff02::1', { responder: '2600:8::1' })]],
    ['inbound acme 2600:8::1 by ff02::1: martian 10'],
  ],
  ['twenty from private addresses', many('syn', '10.1.2.3', 20), [`inbound acme ${PBX} by 10.1.2.3: bogon 10`]],
  ['nineteen of them', many('syn', '10.1.2.3', 19), []],
  ['any number from the internet', many('syn', '9.9.9.9', 10_000), []],
  [
    'hosts that have no address yet',
    [[seen('udp', '0.0.0.0', { responder: '255.255.255.255', port: 67 }), seen('udp', '0.0.0.0', { port: 67 })]],
    [],
  ],
  [
    'two cards that have one address in turn',
    [1, 2, 1].map((mac) => [seen('arpReply', '8.8.4.1', { mac, of: 'arp' })]),
    [`inbound acme ${PBX} by 8.8.4.1: arp 10`],
  ],
  [
    'ten answers to ARP that nobody asked for, to one address',
    [[seen('arpReply', '8.8.4.1', { packets: 10 })]],
    [`inbound acme ${PBX} by 8.8.4.1: arpReply 10`],
  ],
  ['nine of them', [[seen('arpReply', '8.8.4.1', { packets: 9 })]], []],
  ['any number that were asked for', [[seen('arpReply', '8.8.4.1', { packets: 1000, of: 'arp' })]], []],
  ['who announces himself', [[seen('arpReply', '8.8.4.1', { responder: '8.8.4.1', packets: 1000 })]], []],
  [
    "who says that a tenant's address is at his card",
    [
      [
        seen('arp', PBX, { responder: '8.8.4.1', mac: 7 }),
        seen('arpReply', PBX, { responder: '8.8.4.1', mac: 7, of: 'arp' }),
      ],
    ],
    [`outbound acme nobody by ${PBX}: arp 10`],
  ],
  ['the tenant that says it of its own', [[seen('arp', PBX, { responder: '8.8.4.1', mac: CARD, packets: 10 })]], []],
  ['a host that takes over from another', [1, 1, 2, 2].map((mac) => [seen('arpReply', '8.8.4.1', { mac })]), []],
];

const atThePort: typeof cases = [
  [
    'ten sources that are not its own',
    [[seen('foreignSource', '9.9.9.9', { responder: '9.9.9.10', packets: 10 })]],
    [`outbound acme nobody by acme: foreign 10`],
  ],
  [
    'its address from another card',
    [[seen('syn', PBX, { responder: '9.9.9.9', mac: 7, packets: 10 })]],
    [`outbound acme nobody by ${PBX}: mac 10`],
  ],
  ['its address from its card', [[seen('syn', PBX, { responder: '9.9.9.9', mac: CARD, packets: 10 })]], []],
  ['what is sent to it', [[seen('syn', '9.9.9.9', { mac: 7, packets: 10, isOutgoing: true })]], []],
];

describe('spoofedSource', () => {
  for (const [what, windows, told] of cases)
    it(`${told.length === 0 ? 'is silent on' : 'finds'} ${what}`, () =>
      assert.deepEqual(observeSightings(spoofedSource, windows, internet), told));

  for (const [what, windows, told] of atThePort)
    it(`${told.length === 0 ? 'is silent at a port on' : 'finds at a port'} ${what}`, () =>
      assert.deepEqual(observeSightings(spoofedSource, windows, port), told));

  it("takes no tenant's source for forged that may be beyond the interface", () => {
    const context = { ...internet, accountsFor: () => true };
    assert.deepEqual(observeSightings(spoofedSource, many('ownSource', '8.8.4.10', 10), context), []);
  });

  it('takes no private source for a bogon where a tenant has a private address', () => {
    const context = testContext([testTenant('acme', ['192.168.7.0/24', '8.8.4.8/29'])]);
    assert.deepEqual(observeSightings(spoofedSource, many('syn', '10.1.2.3', 1000), context), []);
  });

  it('has a list of bogons of its own if it is told, and says what is wrong with it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'weir-bogons-'));
    const file = join(directory, 'bogons.txt');
    try {
      writeFileSync(file, '# of today\n9.9.0.0/16\n\n2600:9::/32 # and this\n');
      const config = spoofedSource.config.parse({ bogons: file });
      const detector = { ...spoofedSource, create: () => spoofedSource.create(config, internet) };
      assert.deepEqual(observeSightings(detector, many('syn', '9.9.9.9', 20), internet), [
        `inbound acme ${PBX} by 9.9.9.9: bogon 10`,
      ]);
      assert.deepEqual(observeSightings(detector, many('syn', '10.1.2.3', 50), internet), []);
      writeFileSync(file, '9.9.0.0/16\nnonsense\n');
      assert.match(
        String(spoofedSource.config.safeParse({ bogons: file }).error),
        /has \\?"nonsense\\?", which is no prefix/,
      );
      assert.match(String(spoofedSource.config.safeParse({ bogons: `${file}.gone` }).error), /cannot be read: ENOENT/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
