import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { PACKET_KINDS } from '../../daemon/metering/decodeResult.ts';
import { Meter } from '../../daemon/metering/meter.ts';
import { TABLES, Window } from '../../daemon/metering/window.ts';
import { blockOf, frame, patched, type TimedFrame } from '../support/frames.ts';
import { testContext } from '../support/windowBuilder.ts';
import { malformedOf, type Row, sourceBitsOf, sourcesOf, targetsOf, tenantsOf, totalsOf } from './readWindow.ts';
import { frameOf, type Packet, traffic } from './traffic.ts';
import { TrafficOracle } from './trafficOracle.ts';

const { directory, tenants } = testContext();
const window = new Window({ tenants: tenants.length, ...TABLES.internet });
const meter = new Meter(directory, window, { seed: 0x5eed });

function metered(frames: readonly TimedFrame[]): Window {
  meter.open(window, 0);
  const block = blockOf(frames);
  meter.observeFrames(block, 0, block.count);
  return meter.closeWindow(250, frames.length, 0);
}

/** What the meter and a plain count make of the same packets. */
function observe(packets: readonly Packet[]): { seen: Window; oracle: TrafficOracle } {
  const frames = packets.map(frameOf);
  return { seen: metered(frames), oracle: new TrafficOracle(packets, frames) };
}

const CALL = { source: '192.0.2.1', destination: '198.51.100.9', protocol: 'udp', payload: 172 } as const;
const call = frame(CALL);
const download = frame({ ...CALL, protocol: 'tcp', flags: 16, payload: 0 });
const arp = patched(call, 12, 0x08, 0x06);
const unknown = patched(call, 12, 0x88, 0xcc);
const UDP_HEADERS = 42;
const TCP_HEADERS = 54;

const counted: readonly (readonly [criterion: string, one: TimedFrame, totals: Row, malformed?: Row])[] = [
  ['a frame by its length on the wire', { bytes: call.subarray(0, 60), wireLength: 214 }, { udp: 1, 'udp bytes': 214 }],
  ['a tag that the kernel took out', { bytes: call, vlanTag: 0x8100_0008 }, { udp: 1, 'udp bytes': 218 }],
  [
    'a super-packet as its segments, each with the headers',
    { bytes: download, wireLength: TCP_HEADERS + 10 * 1448, segmentSize: 1448 },
    { tcpAck: 10, 'tcp bytes': 10 * (TCP_HEADERS + 1448) },
    {},
  ],
  [
    'a last segment that is not full',
    { bytes: download, wireLength: TCP_HEADERS + 9 * 1448 + 1, segmentSize: 1448 },
    { tcpAck: 10, 'tcp bytes': 10 * TCP_HEADERS + 9 * 1448 + 1 },
  ],
  [
    "a super-packet's tag in each segment",
    { bytes: download, wireLength: TCP_HEADERS + 3 * 1448, segmentSize: 1448, vlanTag: 0x8100_0008 },
    { tcpAck: 3, 'tcp bytes': 3 * (TCP_HEADERS + 4 + 1448) },
  ],
  [
    'a super-packet of UDP',
    { bytes: call.subarray(0, UDP_HEADERS), wireLength: UDP_HEADERS + 5 * 1200, segmentSize: 1200 },
    { udp: 5, 'udp bytes': 5 * (UDP_HEADERS + 1200) },
  ],
  [
    'a super-packet without payload as one packet',
    { bytes: download, segmentSize: 1448 },
    { tcpAck: 1, 'tcp bytes': TCP_HEADERS },
  ],
  [
    'a lying length as the longest that a super-packet can have',
    { bytes: call, wireLength: 0xffff_ffff },
    { udp: 1, 'udp bytes': 524_288 },
  ],
  [
    'a lying length and a lying segment size, bounded',
    { bytes: call, wireLength: 0xffff_ffff, segmentSize: 1 },
    { udp: 524_246, 'udp bytes': 524_246 * UDP_HEADERS + 524_246 },
  ],
  ['ARP', { bytes: arp }, { arp: 1 }],
  ['neither IP nor ARP', { bytes: unknown }, { others: 1 }],
  ['what cannot be read by its reason', { bytes: call.subarray(0, 20) }, {}, { ipv4Truncated: 1 }],
  [
    'what can be read in part, and its reason',
    { bytes: patched(call, 38, 0, 7) },
    { udp: 1, 'udp bytes': 214 },
    { udpLength: 1 },
  ],
];

describe('Meter', () => {
  it('counts totals, tenants, targets and sources as a plain count of objects does', () => {
    fc.assert(
      fc.property(traffic, (packets) => {
        const { seen, oracle } = observe(packets);
        assert.deepEqual(totalsOf(seen), oracle.totals);
        assert.deepEqual(tenantsOf(seen), oracle.tenants);
        assert.deepEqual(malformedOf(seen), {});
        assert.deepEqual(targetsOf(seen), oracle.targetsOf());
        assert.deepEqual(sourcesOf(seen), oracle.sourcesOf());
      }),
      { numRuns: 150 },
    );
  });

  it('tells the packets and bytes of each tenant and direction', () => {
    fc.assert(
      fc.property(traffic, (packets) => {
        const { seen, oracle } = observe(packets);
        for (let tenant = 0; tenant <= tenants.length; tenant++)
          for (const [direction, name] of ['outbound', 'inbound'].entries()) {
            const row = oracle.tenants.get(`${tenant} ${name}`) ?? {};
            const bytes = Object.entries(row).filter(([column]) => column.endsWith('bytes'));
            assert.equal(
              seen.tenantBytes(tenant, direction),
              bytes.reduce((sum, [, value]) => sum + value, 0),
            );
            assert.deepEqual(
              PACKET_KINDS.map((_, kind) => seen.tenantPackets(tenant, direction, kind)),
              PACKET_KINDS.map((kind) => row[kind] ?? 0),
            );
          }
      }),
      { numRuns: 30 },
    );
  });

  it('marks a bit for a target and a port, and none for a packet that has no port', () => {
    fc.assert(
      fc.property(traffic, (packets) => {
        const { seen, oracle } = observe(packets);
        for (const [address, { targetBits, portBits }] of sourceBitsOf(seen)) {
          const { targets, ports } = oracle.sources.get(address) ?? assert.fail(address);
          assert(targetBits >= 1 && targetBits <= targets.size, `${address}: ${targetBits} of ${targets.size} targets`);
          assert(portBits <= ports.size, `${address}: ${portBits} of ${ports.size} ports`);
          assert.equal(portBits > 0, ports.size > 0, address);
        }
      }),
      { numRuns: 50 },
    );
  });

  for (const [criterion, one, totals, malformed] of counted)
    it(`counts ${criterion}`, () => {
      const seen = metered([one]);
      assert.deepEqual(totalsOf(seen), totals);
      if (malformed !== undefined) assert.deepEqual(malformedOf(seen), malformed);
    });

  it('counts the same wherever a block is cut', () => {
    const block = blockOf(Array.from({ length: 100 }, () => ({ bytes: call })));
    meter.open(window, 0);
    for (let from = 0; from < block.count; from += 7) meter.observeFrames(block, from, Math.min(from + 7, block.count));
    const cut = meter.closeWindow(250, 100, null);
    assert.deepEqual(
      [totalsOf(cut), targetsOf(cut).get(CALL.destination)?.packets],
      [{ udp: 100, 'udp bytes': 21_400 }, 99],
    );
  });

  it('tells what the probe received and lost', () => {
    meter.open(window, 1000);
    const { startMs, endMs, seconds, received, dropped } = meter.closeWindow(1250, 7, 3);
    assert.deepEqual(
      { startMs, endMs, seconds, received, dropped },
      { startMs: 1000, endMs: 1250, seconds: 0.25, received: 7, dropped: 3 },
    );
    meter.open(window, 1250);
    assert.equal(meter.closeWindow(1500, 0, null).dropped, null);
  });
});
