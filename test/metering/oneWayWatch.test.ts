import assert from 'node:assert/strict';
import { basename } from 'node:path';
import type { PacketKind } from '../../daemon/metering/decodeResult.ts';
import { Meter } from '../../daemon/metering/meter.ts';
import { OneWayWatch } from '../../daemon/metering/oneWayWatch.ts';
import { Tick } from '../../daemon/metering/tick.ts';
import { type Direction, TABLES, Window, WINDOW_MS } from '../../daemon/metering/window.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { openPcap } from '../../probes/pcap/pcapProbe.ts';
import { capturesOrPending } from '../support/captures.ts';
import { buildWindow, testTenant, type Traffic } from '../support/windowBuilder.ts';

const STRANGER = '203.0.113.1';
const ACME = '198.51.100.9';
const GLOBEX = '198.51.100.17';
const SECONDS = 1000 / WINDOW_MS;

const inbound = (kind: PacketKind, packets: number): Traffic => ({ from: STRANGER, to: ACME, kind, packets });
const outbound = (kind: PacketKind, packets: number): Traffic => ({ from: ACME, to: STRANGER, kind, packets });
const between = (kind: PacketKind, packets: number): Traffic => ({ from: ACME, to: GLOBEX, kind, packets });

/** What is suspected after each window, of so many with the same traffic each. */
const watching = () => {
  const watch = new OneWayWatch();
  let startMs = 0;
  return (seconds: number, ...traffic: readonly Traffic[]) => {
    const window = buildWindow(traffic, { startMs });
    return Array.from({ length: seconds * SECONDS }, () => {
      window.close((startMs += WINDOW_MS), 0, 0);
      return watch.observe(window);
    });
  };
};

/** Of everything with a private address: what is suspected at the end of any of its windows. */
function suspicionsOf(path: string): Set<Direction | null> {
  const directory = new TenantDirectory([testTenant('inside', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'])]);
  const window = new Window({ tenants: 1, ...TABLES.tenant });
  const watch = new OneWayWatch();
  const suspicions = new Set<Direction | null>();
  const tick = new Tick({
    meter: new Meter(directory, window),
    nextWindow: () => window,
    onWindow: () => suspicions.add(watch.observe(window)),
    dropped: () => null,
  });
  const probe = openPcap(path);
  for (let block = probe.next(0); block !== null; block = probe.next(0)) {
    tick.observe(block);
    probe.release(block);
  }
  tick.finish();
  return suspicions;
}

describe('OneWayWatch', () => {
  for (const [folder, oneWay] of [
    ['benign', []],
    ['scans', []],
    ['sip-rtp', []],
    // Of each of its conversations it has one direction alone.
    ['floods', ['st-amp.dns.RRSIG.fragmented.pcap']],
  ] as const) {
    it(`suspects ${oneWay.length} of the captures of ${folder}`, function () {
      const captures = capturesOrPending(this, folder).filter((path) => !path.endsWith('.gz'));
      const suspected = captures.filter((path) => [...suspicionsOf(path)].some((seen) => seen !== null));
      assert.deepEqual(
        suspected.map((path) => basename(path)),
        oneWay,
      );
    });
  }

  for (const [seen, traffic] of [
    ['inbound', inbound('tcpAck', 100)],
    ['outbound', outbound('tcpAck', 100)],
  ] as const) {
    it(`suspects after 10 s that ${seen} packets are all that is seen`, () => {
      const observe = watching();
      const suspicions = observe(20, traffic);
      assert.equal(suspicions.indexOf(seen), 10 * SECONDS - 1);
      assert.deepEqual(new Set(suspicions.slice(10 * SECONDS)), new Set([seen]));
    });
  }

  const innocent: [string, Traffic[]][] = [
    ['silence', []],
    ['both ways', [inbound('tcpAck', 1000), outbound('tcpAck', 1000)]],
    ['a download, of which 40 packets are acknowledged at once', [inbound('tcpAck', 4000), outbound('tcpAck', 100)]],
    ['one ACK for 500 packets', [inbound('tcpAck', 500), outbound('tcpAck', 1)]],
    ['media of one way and queries that are not answered', [inbound('udp', 5000)]],
    ['a flood of SYNs that nobody answers', [inbound('tcpSyn', 5000)]],
    ['a scan, and the RSTs that come of it', [inbound('tcpSyn', 100), outbound('tcpRst', 100)]],
    ['answers to forged requests', [inbound('tcpSynAck', 1000), inbound('tcpRst', 1000)]],
    ['pings', [inbound('icmp', 1000)]],
    ['a flood of ACKs that is refused', [inbound('tcpAck', 1000), outbound('tcpRst', 500)]],
    ['what tenants tell each other', [between('tcpAck', 1000)]],
    ['a few packets a minute', [inbound('tcpAck', 4)]],
  ];
  for (const [title, traffic] of innocent) {
    it(`does not suspect ${title}`, () => {
      assert.deepEqual(new Set(watching()(60, ...traffic)), new Set([null]));
    });
  }

  it('suspects it although tenants are seen to talk to each other, and a frame strays in now and then', () => {
    const observe = watching();
    for (let round = 0; round < 5; round++) {
      observe(10, inbound('tcpAck', 1000), between('tcpAck', 500));
      observe(1 / SECONDS, inbound('tcpAck', 1000), outbound('tcpAck', 5));
    }
    assert.equal(observe(1, inbound('tcpAck', 100)).at(-1), 'inbound');
  });

  it('gives the suspicion up once 100 packets of the other direction are seen, however old it is', () => {
    const observe = watching();
    assert.equal(observe(3600, inbound('tcpAck', 10_000)).at(-1), 'inbound');
    assert.equal(observe(1 / SECONDS, inbound('tcpAck', 10_000), outbound('tcpAck', 101)).at(-1), null);
  });

  it('keeps it while nothing is seen at all', () => {
    const observe = watching();
    observe(11, inbound('tcpAck', 1000));
    assert.equal(observe(3600).at(-1), 'inbound');
  });
});
