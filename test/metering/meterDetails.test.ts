import assert from 'node:assert/strict';
import { SKETCH_ERROR } from '../../daemon/metering/distinctSketch.ts';
import { Meter } from '../../daemon/metering/meter.ts';
import { DETAIL_PACKETS, TABLES, Window } from '../../daemon/metering/window.ts';
import { blockOf, frame, type FrameSpec, readdress, type TimedFrame } from '../support/frames.ts';
import { randomFrom } from '../support/random.ts';
import { detailsOf } from './readWindow.ts';

const ends = {
  4: { source: '192.0.2.1', destination: '198.51.100.9' },
  6: { source: '2001:db8:f::1', destination: '2001:db8:8::9' },
} as const;
const BLOCK = 1000;

function open(details: number = TABLES.internet.details) {
  const window = new Window({ tenants: 1, ...TABLES.internet, details });
  const meter = new Meter({ lookup: () => 0 }, window, { seed: 0x5eed });
  meter.open(window, 0);
  const send = (frames: readonly TimedFrame[]): void => {
    const block = blockOf(frames);
    meter.observeFrames(block, 0, block.count);
  };
  return { window, meter, send };
}

/** `count` sources, of which each sends `rounds` packets, the one after the other. */
function fromDistinct(family: 4 | 6, count: number, rounds: number): Window {
  const { window, meter } = open();
  const packet = { bytes: frame({ ...ends[family], protocol: 'udp' }) };
  for (let round = 0; round < rounds; round++) {
    const random = randomFrom(count);
    for (let left = count; left > 0; left -= BLOCK) {
      const block = blockOf(Array.from({ length: Math.min(left, BLOCK) }, () => packet));
      for (let i = 0; i < block.count; i++) readdress(block, i, family, 'source', random);
      meter.observeFrames(block, 0, block.count);
    }
  }
  return window;
}

/** Packets to one target, each with the source or port that a share of them has; the rest is everybody's. */
function mixed(shares: readonly number[], each: (which: number, i: number) => Partial<FrameSpec>): Window {
  const { window, send } = open();
  const random = randomFrom(7);
  const pick = (): number => {
    let left = random() / 2 ** 32;
    return shares.findIndex((share) => (left -= share) < 0);
  };
  for (let sent = 0; sent < 100_000; sent += BLOCK) {
    send(
      Array.from({ length: BLOCK }, (_, i) => ({
        bytes: frame({ ...ends[4], protocol: 'udp', ...each(pick(), sent + i) }),
      })),
    );
  }
  return window;
}

const victim = (i: number): string => `198.51.100.${i}`;
const packetsTo = (target: string, count: number, more: Partial<TimedFrame> = {}): TimedFrame[] =>
  Array.from({ length: count }, () => ({ bytes: frame({ ...ends[4], destination: target }), ...more }));

const looked = (window: Window, target: string) => detailsOf(window).get(target) ?? assert.fail(`no look at ${target}`);

const near = (actual: number, wanted: number, tolerance: number): void =>
  assert(Math.abs(actual - wanted) <= tolerance, `${actual}, not ${wanted} ± ${tolerance}`);

describe('Meter', () => {
  for (const family of [4, 6] as const)
    for (const count of [1, 2, 10, 100, 1000, 10_000, 100_000])
      it(`estimates ${count} distinct sources of IPv${family} within three standard errors`, () => {
        // Targets are not looked at before their DETAIL_PACKETS-th packet.
        const seen = fromDistinct(family, count, Math.ceil((DETAIL_PACKETS + 1000) / count) + 1);
        near(looked(seen, ends[family].destination).sources, count, Math.max(3 * SKETCH_ERROR * count, 0.5));
      });

  const SHARES = [0.5, 0.2, 0.1];

  it('names the top sources with their shares', () => {
    const names = ['2001:db8:f::1', '2001:db8:f::2', '2001:db8:f::3'];
    const { topSources } = looked(
      mixed(SHARES, (which, i) => ({ ...ends[6], source: names[which] ?? `2001:db8:e::${(i % 2000).toString(16)}` })),
      ends[6].destination,
    );
    assert.deepEqual(
      topSources.slice(0, names.length).map(([address]) => address),
      names,
    );
    SHARES.forEach((share, i) => near(topSources[i]?.[1] ?? 0, share, 0.03));
    for (const [address, share] of topSources.slice(names.length)) assert(share < 0.01, `${address} ${share}`);
  });

  it('names the top ports with their shares', () => {
    const names = [53, 5060, 65_535];
    const { topPorts } = looked(
      mixed(SHARES, (which, i) => ({ destinationPort: names[which] ?? 10_000 + (i % 40_000) })),
      ends[4].destination,
    );
    assert.deepEqual(
      topPorts.slice(0, names.length).map(([port]) => port),
      names,
    );
    SHARES.forEach((share, i) => near(topPorts[i]?.[1] ?? 0, share, 0.03));
  });

  for (const [order, portOf] of [
    ['in a row', (i: number) => 1 + i],
    ['every second', (i: number) => 10_000 + 2 * i],
    ['every hundredth', (i: number) => (100 * i) % 65_536],
    ['at random', (i: number) => Math.imul(i, 0x5bd1e995) >>> 16],
  ] as const)
    it(`estimates the distinct ports of a sweep, ${order}`, () => {
      for (const count of [100, 500, 1000, 3000]) {
        const { window, send } = open();
        send(
          Array.from({ length: DETAIL_PACKETS }, () => ({ bytes: frame({ ...ends[4], destinationPort: portOf(0) }) })),
        );
        send(Array.from({ length: count }, (_, i) => ({ bytes: frame({ ...ends[4], destinationPort: portOf(i) }) })));
        const distinct = new Set(Array.from({ length: count }, (_, i) => portOf(i))).size;
        near(looked(window, ends[4].destination).ports, distinct, distinct * 0.12);
      }
    });

  it('looks closer at a target from its 128th packet on', () => {
    const { window, send } = open();
    send(packetsTo(victim(1), DETAIL_PACKETS)); // the first only opened the door
    assert.deepEqual([...detailsOf(window).keys()], []);
    send(packetsTo(victim(1), 1));
    assert.deepEqual([...detailsOf(window).keys()], [victim(1)]);
  });

  for (const [criterion, more] of [
    ['', {}],
    [', of super-packets', { segmentSize: 10, wireLength: 74 }],
  ] as const)
    it(`gives a slot to a much busier target when all are taken${criterion}`, () => {
      const { window, send } = open(4);
      for (let i = 1; i <= 4; i++) send(packetsTo(victim(i), 1000));
      send(packetsTo(victim(5), 2)); // an odd number so far
      send(packetsTo(victim(5), 400, more));
      assert.deepEqual([...detailsOf(window).keys()].toSorted(), [1, 2, 3, 4].map(victim));
      assert(window.details.refused > 0);
      send(packetsTo(victim(5), 3000, more));
      assert.equal(detailsOf(window).size, 4);
      assert(detailsOf(window).has(victim(5)));
    });

  it('never gives one slot to two targets, nor more than there are', () => {
    const { window, send } = open(8);
    const random = randomFrom(3);
    const targets = Array.from({ length: 40 }, (_, i) => packetsTo(victim(i), 200));
    for (let i = 0; i < 300; i++) {
      send(targets[random() % (1 + (random() % 40))] ?? []);
      const slots = [...window.targets.used()].map((line) => window.targetDetail(line)).filter((slot) => slot >= 0);
      assert.equal(new Set(slots).size, slots.length);
      assert(slots.every((slot) => slot < 8));
    }
  });
});
