import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { type AddressWords, hashAddress } from '../../daemon/metering/address.ts';
import { PACKETS } from '../../daemon/metering/counterTable.ts';
import { SKETCH_ERROR } from '../../daemon/metering/distinctSketch.ts';
import { mergeWindow } from '../../daemon/metering/mergeWindow.ts';
import { Meter } from '../../daemon/metering/meter.ts';
import { TARGET_KINDS, Window, type WindowShape } from '../../daemon/metering/window.ts';
import { blockOf, frame, type TimedFrame } from '../support/frames.ts';
import { testContext } from '../support/windowBuilder.ts';
import {
  detailsOf,
  malformedOf,
  type Row,
  sourceBitsOf,
  sourcesOf,
  targetsOf,
  tenantsOf,
  totalsOf,
} from './readWindow.ts';
import { frameOf, type Packet, traffic } from './traffic.ts';

const SEED = 0x5eed;
const { directory, tenants } = testContext();
const SHAPE: WindowShape = { tenants: tenants.length, targetBits: 8, sourceBits: 8, details: 16 };

function metered(frames: readonly TimedFrame[], dropped: number | null = 0, shape = SHAPE): Window {
  const window = new Window(shape);
  const meter = new Meter(directory, window, SEED);
  meter.open(window, 1000);
  const block = blockOf(frames);
  meter.observeFrames(block, 0, block.count);
  return meter.closeWindow(1250, frames.length, dropped);
}

const copyOf = (window: Window): Window => new Window(window.shape, window.memory.slice(0));

/** The sum; both are left as they are. */
function merged(first: Window, ...others: readonly Window[]): Window {
  const sum = copyOf(first);
  for (const other of others) mergeWindow(sum, other, SEED);
  return sum;
}

const byName = <V>([a]: readonly [string | number, V], [b]: readonly [string | number, V]): number =>
  String(a).localeCompare(String(b));

/** Everything that a window shows, in no order of its own. */
const all = (window: Window) => ({
  startMs: window.startMs,
  endMs: window.endMs,
  received: window.received,
  dropped: window.dropped,
  totals: totalsOf(window),
  malformed: malformedOf(window),
  tenants: tenantsOf(window),
  sources: sourcesOf(window),
  sourceBits: sourceBitsOf(window),
  targets: targetsOf(window),
  evictions: [window.sources.evictions, window.targets.evictions],
  details: new Map(
    [...detailsOf(window)].map(([address, { topSources, topPorts, ...counts }]) => [
      address,
      { ...counts, topSources: topSources.toSorted(byName), topPorts: topPorts.toSorted(byName) },
    ]),
  ),
});

function addRows(a: Row, b: Row): Row {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...names].map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]));
}
const addMaps = <V>(a: Map<string, V>, b: Map<string, V>, add: (x: V, y: V) => V): Map<string, V> =>
  new Map([
    ...a,
    ...[...b].map(([key, value]): [string, V] => [key, a.has(key) ? add(a.get(key) ?? value, value) : value]),
  ]);

const windows = traffic.map((packets) => metered(packets.map(frameOf)));

const CALL = { destination: '198.51.100.9', protocol: 'udp' } as const;
const calls = (count: number, offset: number, distinct = count): TimedFrame[] =>
  Array.from({ length: count }, (_, i) => ({
    bytes: frame({
      ...CALL,
      source: `192.0.2.${(offset + (i % distinct)) & 255}`,
      destinationPort: 10_000 + ((offset + i) % 500),
    }),
  }));

/** Lines of the table of targets, made by hand: packets by the last word of the address. */
const TINY: WindowShape = { tenants: tenants.length, targetBits: 2, sourceBits: 2, details: 4 };
const target = (key: number): AddressWords => [0x20010db8, 0, 0, key];
function windowOf(packets: readonly (readonly [key: number, packets: number])[]): Window {
  const window = new Window(TINY);
  window.open(0);
  for (const [key, count] of packets) {
    const words = target(key);
    const line = window.targets.insert(hashAddress(SEED, ...words), ...words, 0);
    window.targets.lanes[line + PACKETS] = count;
    window.targets.lanes[line + TARGET_KINDS] = count;
  }
  window.close(250, 0, 0);
  return window;
}
const packetsOf = (window: Window): Record<string, number> =>
  Object.fromEntries([...targetsOf(window)].map(([address, line]) => [address.slice(-1), line.packets]));

/** So many packets to each of the targets. */
function windowOfBusy(count: number, ...keys: readonly number[]): Window {
  const frames = keys.map((key) => ({
    bytes: frame({ ...CALL, source: '2001:db8::1', destination: `2001:db8:8::${key}` }),
  }));
  return metered(
    frames.flatMap((one) => Array.from({ length: count }, () => one)),
    0,
    TINY,
  );
}

describe('mergeWindow', () => {
  it('adds rows, lines and bits', () => {
    fc.assert(
      fc.property(windows, windows, (a, b) => {
        const sum = merged(a, b);
        assert.deepEqual(totalsOf(sum), addRows(totalsOf(a), totalsOf(b)));
        assert.deepEqual(tenantsOf(sum), addMaps(tenantsOf(a), tenantsOf(b), addRows));
        assert.deepEqual(
          sourcesOf(sum),
          addMaps(sourcesOf(a), sourcesOf(b), (x, y) => ({
            tenant: x.tenant,
            packets: x.packets + y.packets,
            syn: x.syn + y.syn,
            udp: x.udp + y.udp,
            answered: x.answered + y.answered,
            refused: x.refused + y.refused,
          })),
        );
        assert.deepEqual(
          targetsOf(sum),
          addMaps(targetsOf(a), targetsOf(b), (x, y) => ({
            tenant: x.tenant,
            packets: x.packets + y.packets,
            bytes: x.bytes + y.bytes,
            kinds: addRows(x.kinds, y.kinds),
          })),
        );
        assert.equal(sum.received, a.received + b.received);
      }),
      { numRuns: 50 },
    );
  });

  it('is commutative and associative, and an empty window changes nothing', () => {
    const empty = metered([]);
    fc.assert(
      fc.property(windows, windows, windows, (a, b, c) => {
        const sum = all(merged(a, b, c));
        assert.deepEqual(all(merged(c, b, a)), sum);
        assert.deepEqual(all(merged(a, merged(b, c))), sum);
        assert.deepEqual(all(merged(a, empty)), all(a));
        assert.deepEqual(all(merged(empty, a)), all(a));
      }),
      { numRuns: 30 },
    );
  });

  it('of two halves of the traffic is the whole, but for the first packet of an address in each', () => {
    const plain = traffic.map((packets) => packets.map((packet): Packet => ({ ...packet, segmentSize: 0 })));
    fc.assert(
      fc.property(plain, (packets) => {
        const whole = metered(packets.map(frameOf));
        const half = (remainder: number): Window => metered(packets.filter((_, i) => i % 2 === remainder).map(frameOf));
        const sum = merged(half(0), half(1));
        assert.deepEqual(totalsOf(sum), totalsOf(whole));
        assert.deepEqual(tenantsOf(sum), tenantsOf(whole));
        for (const lines of [targetsOf, sourcesOf] as const) {
          const ofSum = lines(sum);
          for (const [address, { packets: count }] of lines(whole)) {
            const missing = count - (ofSum.get(address)?.packets ?? 0);
            assert(missing >= 0 && missing <= 1, `${address}: ${missing} missing`);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  for (const [a, b, sum] of [
    [3, 4, 7],
    [0, 0, 0],
    [null, 4, null],
    [3, null, null],
    [null, null, null],
  ] as const)
    it(`makes ${sum} of ${a} and ${b} lost frames`, () => {
      assert.equal(merged(metered([], a), metered([], b)).dropped, sum);
    });

  it('unites the closer looks: distinct sources and ports, shares by weight', () => {
    const [a, b] = [metered(calls(2000, 0, 100)), metered(calls(1000, 50, 100))];
    const look = detailsOf(merged(a, b)).get(CALL.destination) ?? assert.fail('no look');
    assert(Math.abs(look.sources - 150) <= 3 * SKETCH_ERROR * 150, `${look.sources} sources`);
    assert(Math.abs(look.ports - 500) <= 50, `${look.ports} ports`);
    const busy = (address: string, count: number): Window =>
      metered(Array.from({ length: count }, () => ({ bytes: frame({ ...CALL, source: address }) })));
    const { topSources } =
      detailsOf(merged(busy('192.0.2.1', 3128), busy('192.0.2.2', 1128))).get(CALL.destination) ??
      assert.fail('no look');
    assert.deepEqual(
      topSources.map(([address]) => address),
      ['192.0.2.1', '192.0.2.2'],
    );
    assert(Math.abs((topSources[0]?.[1] ?? 0) - 0.75) < 0.02, String(topSources));
  });

  it("takes over the other's closer look where it has none", () => {
    const [quiet, busy] = [metered(calls(20, 0)), metered(calls(500, 0))];
    for (const sum of [merged(quiet, busy), merged(busy, quiet)]) assert.deepEqual(all(sum).details, all(busy).details);
  });

  it('keeps the busiest of both where there is no room for all, and counts the others', () => {
    const a = windowOf([
      [1, 1000],
      [2, 900],
      [3, 3],
      [4, 2],
    ]);
    const b = windowOf([
      [5, 800],
      [6, 1],
      [7, 700],
      [8, 5],
    ]);
    for (const sum of [merged(a, b), merged(b, a)]) {
      assert.deepEqual(packetsOf(sum), { 1: 1000, 2: 900, 5: 800, 7: 700 });
      assert.equal(sum.targets.evictions, 4);
    }
  });

  it('adds to a line before it makes room for another', () => {
    const a = windowOf([
      [1, 10],
      [2, 9],
      [3, 8],
      [4, 1],
    ]);
    const b = windowOf([
      [5, 5],
      [4, 100],
    ]);
    for (const sum of [merged(a, b), merged(b, a)]) assert.equal(packetsOf(sum)[4], 101);
  });

  it('makes no line of a closer look alone, when the target found no room', () => {
    const [busier, others] = [windowOfBusy(1000, 1, 2, 3, 4), windowOfBusy(200, 5, 6, 7, 8)];
    for (const sum of [merged(busier, others), merged(others, busier)]) {
      assert.deepEqual(packetsOf(sum), { 1: 999, 2: 999, 3: 999, 4: 999 });
      assert.deepEqual(all(sum).details, all(busier).details);
      assert.equal(sum.targets.evictions, 4);
    }
  });
});

describe('Window', () => {
  it('is its memory: a copy of the bytes shows the same', () => {
    fc.assert(
      fc.property(windows, (window) => {
        const { memory, shape } = window;
        const bytes = Uint8Array.from(new Uint8Array(memory));
        assert.equal(bytes.length, Window.byteLength(shape));
        assert.deepEqual(all(new Window(shape, bytes.buffer)), all(window));
      }),
      { numRuns: 50 },
    );
  });

  it('can be metered again after it was copied, and the copy stays', () => {
    const window = metered(calls(500, 0));
    const copy = copyOf(window);
    const before = all(copy);
    window.open(2000);
    assert.deepEqual(all(copy), before);
    assert.deepEqual([totalsOf(window), [...targetsOf(window)], [...detailsOf(window)]], [{}, [], []]);
    assert.deepEqual([window.details.taken, window.details.refused, window.details.nextCandidate()], [0, 0, 0]);
  });
});
