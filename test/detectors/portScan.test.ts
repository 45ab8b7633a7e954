import assert from 'node:assert/strict';
import type { Sighting } from '../../daemon/metering/pairTable.ts';
import { randomFrom } from '../support/random.ts';
import { trafficEvidence } from '../support/trafficEvidence.ts';
import { answered, contact, range, refused, ScanBed } from './scanBed.ts';

const STRANGER = '203.0.113.1';
const TENANT = '198.51.100.9';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NINE = 9;

const toPort = (port: number) => ({ initiator: STRANGER, responder: TENANT, port });

describe('portScan', () => {
  const TYPES: readonly (readonly [Sighting, string])[] = [
    ['syn', 'syn'],
    ['fin', 'fin'],
    ['null', 'null'],
    ['xmas', 'xmas'],
    ['odd', 'odd'],
    ['udp', 'udp'],
    ['protocol', 'protocol'],
  ];
  for (const [sighting, type] of TYPES) {
    it(`names ports that are tried by ${type}, refused or not answered`, () => {
      const tries = range(NINE, (i) => ({ ...toPort(1 + i), sighting }));
      const told = [`portScan ${type} inbound ${STRANGER} > ${TENANT}`];
      assert.deepEqual(new ScanBed().see(0, tries.flatMap(refused)).told, told);
      assert.deepEqual(new ScanBed().see(0, tries.map(contact)).wait(0).told, told);
    });
  }

  it('tells SYNs of an operating system by their length', () => {
    const connects = [66, 74, 78].flatMap((bytes, at) =>
      range(3, (i) => refused({ ...toPort(1 + at * 3 + i), bytes })).flat(),
    );
    assert.deepEqual(new ScanBed().see(0, connects).told, [`portScan connect inbound ${STRANGER} > ${TENANT}`]);
  });

  it('names probes by ACK that are refused, at half their weight', () => {
    const bed = new ScanBed();
    for (let i = 0; i < 17; i++) bed.see(i * 250, [{ ...contact(toPort(1 + i)), sighting: 'strayRefused', of: 'syn' }]);
    assert.deepEqual(bed.told, []);
    bed.see(17 * 250, [{ ...contact(toPort(18)), sighting: 'strayRefused', of: 'syn' }]);
    assert.deepEqual(bed.told, [`portScan ack inbound ${STRANGER} > ${TENANT}`]);
  });

  it('counts each contact once, and waits for the ninth', () => {
    const eight = range(NINE - 1, (i) => toPort(1 + i));
    const bed = new ScanBed().see(0, eight.flatMap(refused)).see(MINUTE, eight.flatMap(refused));
    assert.deepEqual(bed.told, []);
  });

  it('names a tenant that scans, and one scanner of several hosts once', () => {
    const bed = new ScanBed();
    for (let i = 0; i < 30; i++)
      bed.see(
        i * 250,
        range(3, (host) => refused({ initiator: TENANT, responder: `192.0.2.${host}`, port: 1 + i })).flat(),
      );
    assert.deepEqual(bed.told, [`portScan syn outbound ${TENANT} > many`]);
  });

  it('names who goes on to another host still once', () => {
    const bed = new ScanBed();
    for (const [at, host] of ['198.51.100.9', '198.51.100.10'].entries())
      for (let i = 0; i < 20; i++) bed.see((at * 20 + i) * 250, refused({ ...toPort(1 + i), responder: host }));
    assert.deepEqual(bed.told, [`portScan syn inbound ${STRANGER} > ${TENANT}`]);
    assert.deepEqual(
      bed.incidents.open().map(({ victim }) => victim),
      [null],
    );
  });

  it('names decoys as one scan by many', () => {
    const decoys = range(6, (i) => `203.0.113.${30 + i}`);
    const bed = new ScanBed();
    for (let port = 1; port < 40; port++)
      bed.see(
        port * 250,
        decoys.flatMap((initiator) => refused({ ...toPort(port), initiator })),
      );
    assert.equal(bed.told.length, 1);
    const [incident] = bed.incidents.open();
    assert.deepEqual([incident?.offender, incident?.victim], [null, TENANT]);
    assert.deepEqual(
      trafficEvidence(incident)
        .topSources.map(({ address }) => address)
        .toSorted(),
      decoys,
    );
  });

  it('names hosts that share the ports of one host among them once', () => {
    const bed = new ScanBed();
    for (let i = 0; i < 200; i++)
      bed.see(i * 500, refused({ ...toPort(1 + i), initiator: `203.0.113.${30 + Math.floor(i / 10)}` }));
    assert.equal(bed.told.length, 1);
    const [incident] = bed.incidents.open();
    assert.deepEqual([incident?.offender, incident?.victim], [null, TENANT]);
  });

  describe('of one probe a minute', () => {
    const WAYS: readonly (readonly [string, (i: number) => boolean])[] = [
      ['none', () => false],
      ['the first three', (i) => i < 3],
      ['every fifth', (i) => i % 5 === 4],
    ];
    for (const [which, isAnswered] of WAYS) {
      it(`is named by the fifteenth, where ${which} of them are answered, and once in an hour`, () => {
        const bed = new ScanBed();
        for (let i = 0; i < 60; i++) {
          const probe = toPort(1 + i);
          bed.see(i * MINUTE, isAnswered(i) ? answered(probe) : [contact(probe)]).wait(i * MINUTE);
          if (i === 14) assert.equal(bed.told.length, 1);
        }
        assert.deepEqual(bed.told, [`portScan syn inbound ${STRANGER} > ${TENANT}`]);
      });
    }

    it('is named over a restart', () => {
      const bed = new ScanBed();
      for (let i = 0; i < 15; i++) {
        bed.see(i * MINUTE, refused(toPort(1 + i)));
        if (i === 5) bed.restart();
      }
      assert.equal(bed.told.length, 1);
    });

    it('is named in the middle of a flood with forged sources', () => {
      const random = randomFrom(1);
      const bed = new ScanBed();
      for (let i = 0; i < 15 * 240; i++) {
        const flood = range(64, () => {
          const host = random();
          return contact({
            initiator: `20.${host & 255}.${(host >>> 8) & 255}.${host >>> 24}`,
            responder: TENANT,
            port: 443,
          });
        });
        bed.see(i * 250, i % 240 === 0 ? [...refused(toPort(1 + i / 240)), ...flood] : flood);
      }
      assert.deepEqual(bed.told, [`portScan syn inbound ${STRANGER} > ${TENANT}`]);
    }).timeout(60_000);

    it('is silent on a client of four in five that are answered, in a day', () => {
      const random = randomFrom(7);
      const bed = new ScanBed();
      for (let i = 0; i < 24 * 60; i++) {
        const host = random();
        const client = {
          initiator: TENANT,
          responder: `20.${host & 255}.${(host >>> 8) & 255}.${host >>> 24}`,
          port: 443,
        };
        bed.see(i * MINUTE, random() % 5 === 0 ? [contact(client)] : answered(client)).wait(i * MINUTE);
      }
      assert.deepEqual(bed.told, []);
    }).timeout(30_000);
  });

  describe('is silent on', () => {
    const PBX = '198.51.100.9';
    const NAT = '203.0.113.5';
    const phones = range(60, (i) => 20_000 + i * 611);

    it('a PBX whose phones behind one NAT have vanished', () => {
      const bed = new ScanBed();
      for (const [i, port] of phones.entries()) {
        const options = { initiator: PBX, responder: NAT, port, otherPort: 5060 };
        bed.see(i * 500, [
          contact({ ...options, sighting: 'udp' }),
          { ...contact({ ...options, otherPort: 5061 }), sighting: 'strayRefused', of: 'syn' },
        ]);
      }
      assert.deepEqual(bed.wait(30_000).told, []);
    });

    it('RTP that is answered beside RTCP that is not', () => {
      const bed = new ScanBed();
      for (const [i, port] of phones.entries()) {
        const media = { initiator: PBX, responder: NAT, sighting: 'udp' as const, otherPort: 10_000 + 2 * i };
        bed.see(i * 10_000, [...answered({ ...media, port }), contact({ ...media, port: port + 1 })]);
      }
      assert.deepEqual(bed.wait(HOUR).told, []);
    });

    it('traceroute', () => {
      const steps = range(90, (i) => contact({ ...toPort(33_434 + i), sighting: 'udp' }));
      assert.deepEqual(new ScanBed().see(0, steps).wait(0).told, []);
    });

    it('RSTs to an address that sends nothing: answers to forged sources', () => {
      const strays = range(200, (i) => ({
        ...contact(toPort(1 + i)),
        sighting: 'strayRefused' as const,
        of: 'syn' as const,
      }));
      assert.deepEqual(new ScanBed().see(0, strays).told, []);
    });

    it('a phone that tries a dead server for ever', () => {
      const bed = new ScanBed();
      for (let i = 0; i < 144; i++)
        bed.see(i * 10 * MINUTE, [contact({ initiator: TENANT, responder: NAT, port: 5061 })]).wait(i * 10 * MINUTE);
      assert.deepEqual(bed.told, []);
    });

    it('a flood with forged sources through all ports', () => {
      const bed = new ScanBed();
      for (let i = 0; i < 40; i++)
        bed.see(
          i * 250,
          range(100, (k) => contact({ ...toPort(1 + i * 100 + k), initiator: `20.${i}.${k}.7` })),
        );
      assert.deepEqual(bed.wait(10_000).told, []);
    });
  });
});
