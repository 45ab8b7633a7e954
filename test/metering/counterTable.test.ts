import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { AddressWords } from '../../daemon/metering/address.ts';
import { BYTES, CounterTable, type CounterTableShape, PACKETS } from '../../daemon/metering/counterTable.ts';

const tableOf = (shape: CounterTableShape): CounterTable =>
  new CounterTable(new ArrayBuffer(CounterTable.byteLength(shape)), 0, shape);
const TINY: CounterTableShape = { bits: 2, lanes: 16 };

/** One packet of an address that stands for its own hash. */
function count(table: CounterTable, key: number, packets = 1): number {
  const known = table.find(key, 0, 0, 0, key);
  const line = known >= 0 ? known : table.insert(key, 0, 0, 0, key, key & 0xffff);
  table.lanes[line + PACKETS]! += packets;
  return line;
}
const packetsOf = (table: CounterTable, key: number): number => {
  const line = table.find(key, 0, 0, 0, key);
  return line < 0 ? 0 : table.packets(line);
};

describe('CounterTable', () => {
  for (const shape of [TINY, { bits: 6, lanes: 32 }] as const)
    it(`counts as a map does while there is room, ${JSON.stringify(shape)}`, () => {
      const keys = fc.array(fc.integer({ min: 0, max: 2 ** shape.bits - 1 }), { maxLength: 400, size: 'max' });
      fc.assert(
        fc.property(keys, (packets) => {
          const table = tableOf(shape);
          const map = new Map<number, number>();
          for (const key of packets) {
            count(table, key);
            map.set(key, (map.get(key) ?? 0) + 1);
          }
          assert.deepEqual(new Map([...map.keys()].map((key) => [key, packetsOf(table, key)])), map);
          assert.deepEqual([table.used().length, table.evictions], [map.size, 0]);
        }),
      );
    });

  it('tells addresses apart by each of their words', () => {
    const table = tableOf(TINY);
    const words: readonly AddressWords[] = [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ];
    const lines = words.map((each) => table.insert(0, ...each, 7));
    assert.deepEqual(
      words.map((each) => table.find(0, ...each)),
      lines,
    );
    assert.equal(table.find(0, 0, 0, 0, 0), -1);
    assert.equal(new Set(lines).size, 4);
  });

  it('evicts the least busy of a full set, and counts it', () => {
    const table = tableOf(TINY);
    [5, 3, 9, 4].forEach((packets, key) => count(table, key, packets));
    count(table, 4);
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((key) => packetsOf(table, key)),
      [5, 0, 9, 4, 1],
    );
    assert.deepEqual([table.used().length, table.evictions], [4, 1]);
  });

  it('gives a new line zeros and the tenant, whatever the evicted one had', () => {
    const table = tableOf(TINY);
    for (let key = 0; key < 4; key++) {
      const line = count(table, key, 10);
      table.lanes.fill(-1, line + PACKETS, line + 16);
      table.lanes[line + PACKETS] = 10;
    }
    const line = table.insert(4, 0, 0, 0, 4, 65_535);
    assert.deepEqual([table.tenant(line), table.packets(line), table.bytes(line)], [65_535, 0, 0]);
    assert(table.lanes.subarray(line + PACKETS, line + 16).every((lane) => lane === 0));
  });

  it('holds bytes beyond 32 bits', () => {
    const table = tableOf(TINY);
    const line = count(table, 1);
    table.doubles[(line + BYTES) >> 1]! += 2 ** 40 + 1;
    assert.equal(table.bytes(line), 2 ** 40 + 1);
  });

  it('forgets every line when it is cleared, 40,000 times: no older one ever comes back', () => {
    const table = tableOf(TINY);
    const keys = [0, 1, 2, 3, 4, 5, 6];
    for (let round = 0; round < 40_000; round++) {
      for (const key of keys) assert.equal(packetsOf(table, key), 0);
      assert.deepEqual([table.used().length, table.evictions], [0, 0]);
      // All but one line of the first round are left alone for a whole turn of the epochs.
      const written = round === 0 ? keys : keys.slice(0, 1);
      for (const key of written) count(table, key);
      assert.equal(table.used().length, Math.min(written.length, 4));
      table.clear();
    }
  });

  it('shows the same through another view of its memory', () => {
    const memory = new SharedArrayBuffer(CounterTable.byteLength(TINY) + 64);
    const writer = new CounterTable(memory, 64, TINY);
    writer.clear();
    count(writer, 3, 8);
    const reader = new CounterTable(memory, 64, TINY);
    assert.equal(packetsOf(reader, 3), 8);
    writer.clear();
    assert.equal(packetsOf(reader, 3), 0);
  });
});
