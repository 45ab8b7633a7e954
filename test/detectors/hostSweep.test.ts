import assert from 'node:assert/strict';
import type { Sighting } from '../../daemon/metering/pairTable.ts';
import { testContext, testTenant } from '../support/windowBuilder.ts';
import { answered, contact, outcome, range, refused, ScanBed } from './scanBed.ts';

const STRANGER = '203.0.113.1';
const TENANT = '198.51.100.9';
const MINUTE = 60_000;

/** Each of a network of its own. */
const far = (i: number): string => `20.${i & 255}.${i >>> 8}.7`;
const near = (i: number): string => `192.0.2.${i}`;
const toHost = (responder: string, port = 22) => ({ initiator: TENANT, responder, port });

const oneWay = (): ScanBed => new ScanBed(testContext(), 'outbound');
/** Of a network in which some hosts are dead. */
const sweep = (isDead: (i: number) => boolean) =>
  range(200, (i) => (isDead(i) ? [contact(toHost(near(i)))] : answered(toHost(near(i))))).flat();
const ask = (i: number) => contact({ initiator: near(1), responder: near(2 + i), sighting: 'arp' });
/** Three of the tenant's. */
const others = (i: number) => range(3, (k) => ({ ...toHost(far(i), 443), initiator: `198.51.100.${10 + k}` }));

describe('hostSweep', () => {
  const TYPES: readonly (readonly [Sighting, string])[] = [
    ['syn', 'syn'],
    ['udp', 'udp'],
    ['echo', 'icmp'],
    ['fin', 'fin'],
    ['protocol', 'protocol'],
  ];
  for (const [sighting, type] of TYPES) {
    it(`names hosts that are tried by ${type}, and do not answer`, () => {
      const tries = range(9, (i) => contact({ ...toHost(far(i), sighting === 'echo' ? -1 : 22), sighting }));
      assert.deepEqual(new ScanBed().see(0, tries).wait(0).told, [`hostSweep ${type} outbound ${TENANT} > many`]);
    });
  }

  it('names who sweeps several tenants once', () => {
    const hosts = [...range(7, (i) => `198.51.100.${8 + i}`), ...range(8, (i) => `198.51.100.${16 + i}`)];
    const bed = new ScanBed().see(
      0,
      hosts.flatMap((responder) => refused({ initiator: STRANGER, responder, port: 5060 })),
    );
    assert.deepEqual(bed.told, [`hostSweep syn inbound ${STRANGER} > many`]);
    assert.deepEqual(
      bed.incidents.open().map(({ tenant }) => tenant),
      ['globex'],
    );
  });

  it('names several probes at each of a few hosts', () => {
    const hosts = range(7, (i) => `198.51.100.${8 + i}`);
    const probes = hosts.flatMap((responder) => [
      contact({ initiator: STRANGER, responder, sighting: 'echo' }),
      contact({ initiator: STRANGER, responder, port: 443 }),
    ]);
    assert.equal(new ScanBed().see(0, probes).wait(0).told.length, 1);
  });

  it('names many ports of many hosts as a block, once', () => {
    const bed = new ScanBed();
    for (let i = 0; i < 20; i++) bed.see(i * 250, range(20, (host) => refused(toHost(far(host), 1 + i))).flat());
    assert.deepEqual(bed.told.length, 1);
    const [incident] = bed.incidents.open();
    assert(incident !== undefined && 'type' in incident.evidence);
    assert.equal(incident.evidence.type, 'block');
  });

  it('names a sweep of a network half of which is alive, and not one that is nearly all alive', () => {
    assert.equal(
      new ScanBed()
        .see(
          0,
          sweep((i) => i % 2 === 0),
        )
        .wait(0).told.length,
      1,
    );
    assert.deepEqual(
      new ScanBed()
        .see(
          0,
          sweep((i) => i % 10 === 0),
        )
        .wait(0).told,
      [],
    );
  });

  it('is not led astray by what others behind the same address do', () => {
    const bed = new ScanBed();
    for (let i = 0; i < 20; i++)
      bed.see(i * MINUTE, [
        ...range(10, (k) => answered(toHost(far(i * 10 + k), 443))).flat(),
        contact(toHost(far(i), 445)),
      ]);
    assert.deepEqual(bed.wait(20 * MINUTE).told, [`hostSweep syn outbound ${TENANT} > many`]);
  });

  describe('where one direction is seen', () => {
    it('names some seventy hosts within a minute, with less confidence', () => {
      const tries = range(80, (i) => contact(toHost(far(i))));
      assert.deepEqual(oneWay().see(0, tries.slice(0, 50)).told, []);
      const named = oneWay().see(0, tries);
      assert.deepEqual(named.told, [`hostSweep syn outbound ${TENANT} > many`]);
      assert(named.incidents.open().every(({ confidence }) => confidence < 0.5));
    });
    it('is silent on web, DNS, mail and time', () => {
      for (const port of [443, 53, 25, 123])
        assert.deepEqual(
          oneWay().see(
            0,
            range(300, (i) => contact(toHost(far(i), port))),
          ).told,
          [],
        );
    });
  });

  describe('by ARP', () => {
    const link = testContext([testTenant('acme', ['192.0.2.0/24'])]);
    it('is named where it asks for all at once, and not where it does over time', () => {
      assert.deepEqual(new ScanBed(link).see(0, range(60, ask)).wait(0).told, [
        `hostSweep arp outbound ${near(1)} > many`,
      ]);
      const bed = new ScanBed(link);
      for (let i = 0; i < 200; i++) bed.see(i * 2000, [ask(i)]);
      assert.deepEqual(bed.wait(400_000).told, []);
    });
    it('is not the doing of a router', () => {
      const forwarded = contact({ initiator: STRANGER, responder: near(2), mac: 1 });
      assert.deepEqual(new ScanBed(link).see(0, [...range(60, ask), forwarded]).wait(0).told, []);
    });
    it('is not the doing of this host, at the port of a tenant', () => {
      const bed = new ScanBed({ ...link, portTenant: 1 });
      assert.deepEqual(
        bed
          .see(
            0,
            range(60, (i) => ({ ...ask(i), isOutgoing: true })),
          )
          .wait(0).told,
        [],
      );
    });
  });

  it('names a slow one, whatever others have just begun when it is given up', () => {
    const bed = new ScanBed();
    for (let i = 0; i < 12; i++) {
      bed.see(i * MINUTE, [contact(toHost(near(i)))]);
      // Three seconds later the way out is as open as ever: some are answered, and some have yet to be.
      bed.see(i * MINUTE + 3000, [...others(i).flatMap(answered), ...others(100 + i).map(contact)]);
      bed.see(
        i * MINUTE + 3250,
        others(100 + i).map((spec) => outcome('answered', spec)),
      );
    }
    assert.deepEqual(bed.told, [`hostSweep syn outbound ${TENANT} > many`]);
  });

  describe('is silent on', () => {
    const BENIGN: Readonly<Record<string, (bed: ScanBed) => ScanBed>> = {
      'monitoring of hundreds of hosts that answer': (bed) =>
        bed.see(0, range(300, (i) => answered({ ...toHost(near(i % 250), -1), sighting: 'echo' })).flat()),
      'peer-to-peer, each host at a port of its own, mostly gone': (bed) =>
        bed.see(
          0,
          range(300, (i) => contact({ ...toHost(far(i), 1024 + i * 97), sighting: 'udp' })),
        ),
      'peer-to-peer of one port, half of it gone': (bed) =>
        bed.see(
          0,
          range(300, (i) => (i % 2 === 0 ? [contact(toHost(far(i), 8333))] : answered(toHost(far(i), 8333)))).flat(),
        ),
      'a mail server with dead relays among its many': (bed) =>
        bed.see(
          0,
          range(100, (i) => (i % 8 === 0 ? [contact(toHost(far(i), 25))] : answered(toHost(far(i), 25)))).flat(),
        ),
      'a host that was switched off, which a thousand phones try': (bed) =>
        bed.see(
          0,
          range(1000, (i) => contact({ initiator: far(i), responder: TENANT, port: 5061 })),
        ),
      'IPv6 that is broken, while IPv4 is not': (bed) =>
        bed.see(
          0,
          range(60, (i) => [
            contact({ initiator: '2001:db8:8::9', responder: `2001:db8:f::${i + 1}`, port: 443, bytes: 94 }),
            ...answered(toHost(far(i), 443)),
          ]).flat(),
        ),
      'an internet that is gone, for all that try': (bed) =>
        bed.see(
          0,
          range(3, (client) =>
            range(40, (i) =>
              contact({ ...toHost(far(i), 53), initiator: `198.51.100.${9 + client}`, sighting: 'udp' }),
            ),
          ).flat(),
        ),
      'multicast and broadcast': (bed) =>
        bed.see(
          0,
          ['239.255.255.250', '224.0.0.251', '255.255.255.255', 'ff02::fb'].map((to) =>
            contact({ ...toHost(to, 1900), sighting: 'udp' }),
          ),
        ),
    };
    for (const [what, see] of Object.entries(BENIGN)) {
      it(what, () => assert.deepEqual(see(new ScanBed()).wait(0).told, []));
    }

    it('answers that come after three seconds', () => {
      const slow = range(8, (i) => toHost(far(i), 443));
      const bed = new ScanBed().see(0, slow.map(contact)).wait(0);
      bed
        .see(
          5000,
          slow.map((spec) => outcome('answered', spec)),
        )
        .see(
          6000,
          range(8, (i) => contact(toHost(far(20 + i), 443))),
        );
      assert.deepEqual(bed.wait(6000).told, []);
    });
  });
});
