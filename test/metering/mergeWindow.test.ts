import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { SKETCH_ERROR } from '../../daemon/metering/distinctSketch.ts';
import { Window } from '../../daemon/metering/window.ts';
import { frame, type TimedFrame } from '../support/frames.ts';
import { detailsOf, readAll, type Row, sourcesOf, targetsOf, tenantsOf, totalsOf } from './readWindow.ts';
import { frameOf, type Packet, traffic } from './traffic.ts';
import { copyOf, merged, metered } from './workers.ts';

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
        const sum = readAll(merged(a, b, c));
        assert.deepEqual(readAll(merged(c, b, a)), sum);
        assert.deepEqual(readAll(merged(a, merged(b, c))), sum);
        assert.deepEqual(readAll(merged(a, empty)), readAll(a));
        assert.deepEqual(readAll(merged(empty, a)), readAll(a));
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
    for (const sum of [merged(quiet, busy), merged(busy, quiet)])
      assert.deepEqual(readAll(sum).details, readAll(busy).details);
  });
});
describe('Window', () => {
  it('is its memory: a copy of the bytes shows the same', () => {
    fc.assert(
      fc.property(windows, (window) => {
        const { memory, shape } = window;
        const bytes = Uint8Array.from(new Uint8Array(memory));
        assert.equal(bytes.length, Window.byteLength(shape));
        assert.deepEqual(readAll(new Window(shape, bytes.buffer)), readAll(window));
      }),
      { numRuns: 50 },
    );
  });

  it('can be metered again after it was copied, and the copy stays', () => {
    const window = metered(calls(500, 0));
    const copy = copyOf(window);
    const before = readAll(copy);
    window.open(2000);
    assert.deepEqual(readAll(copy), before);
    assert.deepEqual([totalsOf(window), [...targetsOf(window)], [...detailsOf(window)]], [{}, [], []]);
    assert.deepEqual([window.details.taken, window.details.refused, window.details.nextCandidate()], [0, 0, 0]);
  });
});
