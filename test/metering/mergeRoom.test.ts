import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { type AddressWords, formatAddress, hashAddress } from '../../daemon/metering/address.ts';
import { PACKETS } from '../../daemon/metering/counterTable.ts';
import { TARGET_KINDS, Window, type WindowShape } from '../../daemon/metering/window.ts';
import { frame } from '../support/frames.ts';
import { readAll, targetsOf } from './readWindow.ts';
import { merged, metered, SEED } from './workers.ts';

/** Lines of the table of targets, made by hand: packets by the last word of the address. */
const TINY: WindowShape = { tenants: 2, targetBits: 2, sourceBits: 2, details: 4, pairBits: 6 };
const WAYS = 4;
const SETS = { ...TINY, targetBits: 4 };
const target = (key: number): AddressWords => [0x20010db8, 0, 0, key];
function windowOf(packets: Iterable<readonly [key: number, packets: number]>, shape = TINY): Window {
  const window = new Window(shape);
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
    bytes: frame({ source: '2001:db8::1', destination: `2001:db8:8::${key}`, protocol: 'udp' }),
  }));
  return metered(
    frames.flatMap((one) => Array.from({ length: count }, () => one)),
    0,
    TINY,
  );
}

const setOf = (key: number): number => hashAddress(SEED, ...target(key)) & (2 ** SETS.targetBits / WAYS - 1);
const fits = (lines: Map<number, number>): boolean =>
  [...Map.groupBy(lines.keys(), setOf).values()].every(({ length }) => length <= WAYS);
/** Packets by key; no two have as many. */
const linesOf = (unit: number) =>
  fc.uniqueArray(fc.nat(40), { maxLength: 12 }).map((keys) => new Map(keys.map((key, i) => [key, (i + 1) * unit])));

describe('mergeWindow', () => {
  it('keeps the busiest of each set of lines', () => {
    fc.assert(
      fc.property(linesOf(1), linesOf(1000), (a, b) => {
        fc.pre(fits(a) && fits(b));
        const sums = new Map([...a, ...[...b].map(([key, count]) => [key, count + (a.get(key) ?? 0)] as const)]);
        const busiest = [...Map.groupBy(sums, ([key]) => setOf(key)).values()].flatMap((set) =>
          set.toSorted(([, x], [, y]) => y - x).slice(0, WAYS),
        );
        for (const sum of [
          merged(windowOf(a, SETS), windowOf(b, SETS)),
          merged(windowOf(b, SETS), windowOf(a, SETS)),
        ]) {
          assert.deepEqual(
            new Map([...targetsOf(sum)].map(([address, line]) => [address, line.packets])),
            new Map(busiest.map(([key, count]) => [formatAddress(...target(key)), count])),
          );
          assert.equal(sum.targets.evictions, sums.size - busiest.length);
        }
      }),
    );
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
      assert.deepEqual(readAll(sum).details, readAll(busier).details);
      assert.equal(sum.targets.evictions, 4);
    }
  });
});
