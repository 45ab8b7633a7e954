import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { DetailTable } from '../../daemon/metering/detailTable.ts';

const TOP_SOURCES = 16;
const TOP_PORTS = 8;

const tableOf = (slots: number): DetailTable =>
  new DetailTable(new ArrayBuffer(DetailTable.byteLength(slots)), 0, slots);

/** A sample in slot 0; the source's number is its port's too. */
function sampleOf(keys: readonly number[]): DetailTable {
  const table = tableOf(1);
  table.claim(0);
  for (const key of keys) table.sample(0, 0x20010db8, 0, 0, key, -1, key);
  return table;
}

/** Few that come often, many that come once or twice. */
const keys = fc.array(fc.oneof(fc.nat(3), fc.nat(12), fc.nat(500)), { minLength: 1, maxLength: 600, size: 'max' });

/** Metwally et al. 2005: no count is too high once its error is taken off, and who has more than 1/m is there. */
function assertSpaceSaving(
  named: readonly (readonly [key: number, share: number])[],
  sample: readonly number[],
  counters: number,
): void {
  const counts = Map.groupBy(sample, (key) => key);
  const shareOf = (key: number): number => (counts.get(key)?.length ?? 0) / sample.length;
  assert(named.length <= counters);
  assert.equal(new Set(named.map(([key]) => key)).size, named.length);
  for (const [key, share] of named)
    assert(share > 0 && share <= shareOf(key) + 1e-9, `${key}: ${share} of ${shareOf(key)}`);
  for (const key of counts.keys())
    if (shareOf(key) > 1 / counters)
      assert(
        named.some(([one]) => one === key),
        `${key} with ${shareOf(key)}`,
      );
  const shares = named.map(([, share]) => share);
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => b - a),
  );
}

function assertTops(table: DetailTable, sample: readonly number[]): void {
  assertSpaceSaving(
    table.topSources(0).map(({ words, share }) => [words[3], share]),
    sample,
    TOP_SOURCES,
  );
  assertSpaceSaving(
    table.topPorts(0).map(({ port, share }) => [port, share]),
    sample,
    TOP_PORTS,
  );
}

describe('DetailTable', () => {
  it('names every top source and port of a sample, and claims no share that is not theirs', () => {
    fc.assert(fc.property(keys, (sample) => assertTops(sampleOf(sample), sample)));
  });

  it('holds what a flow record claims to have been, however many packets that are', () => {
    const table = tableOf(1);
    table.claim(0);
    for (const key of [1, 2, 1, 3]) table.sample(0, 0, 0, 0xffff, key, key, key, 2 ** 30);
    table.sample(0, 0, 0, 0xffff, 4, 4, 4, 2 ** 38);
    const shares = [table.topSources(0), table.topPorts(0), table.topSourcePorts(0)].map((tops) =>
      tops.map(({ share }) => Math.round(share * 4)),
    );
    assert.deepEqual(shares, [
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
  });

  it('does so of two samples that were merged', () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const into = sampleOf(a);
        into.merge(0, sampleOf(b), 0);
        assertTops(into, [...a, ...b]);
      }),
    );
  });

  it('has no ports where packets have none', () => {
    const table = tableOf(1);
    table.claim(0);
    for (let i = 0; i < 10; i++) {
      table.observe(0, i, -1);
      table.sample(0, 0, 0, 0xffff, i, -1, -1);
    }
    assert.deepEqual([table.topPorts(0), table.distinctPorts(0)], [[], 0]);
  });

  it('knows the ports 0 and 65535', () => {
    const table = tableOf(1);
    table.claim(0);
    for (const port of [0, 65_535, 0]) {
      table.observe(0, 0, port);
      table.sample(0, 0, 0, 0xffff, 0, -1, port);
    }
    assert.deepEqual(
      table.topPorts(0).map(({ port }) => port),
      [0, 65_535],
    );
    assert.equal(table.distinctPorts(0), 2);
  });

  it('is bounded, and tells how often it was', () => {
    const table = tableOf(2);
    assert.deepEqual([table.claim(32), table.claim(64), table.claim(96), table.claim(96)], [0, 1, -1, -1]);
    assert.deepEqual([table.taken, table.refused, table.owner(0), table.owner(1)], [2, 2, 32, 64]);
  });

  it('empties one slot when it passes it on, and leaves its neighbours alone', () => {
    const table = tableOf(3);
    for (const line of [0, 32, 64]) {
      const slot = table.claim(line);
      for (let i = 0; i < 5; i++) {
        table.observe(slot, 0x1234_5678 * i, i);
        table.sample(slot, 0, 0, 0xffff, i, -1, i);
      }
    }
    const state = (slot: number) => [
      table.sketch(slot),
      table.topSources(slot),
      table.topPorts(slot),
      table.distinctPorts(slot),
    ];
    const [first, last] = [state(0), state(2)];
    table.assign(1, 96);
    assert.deepEqual([state(0), state(2)], [first, last]);
    assert.deepEqual(state(1), [new Uint8Array(256), [], [], 0]);
    assert.equal(table.owner(1), 96);
  });

  it('offers its slots in turn', () => {
    const table = tableOf(3);
    assert.deepEqual(
      Array.from({ length: 5 }, () => table.nextCandidate()),
      [0, 1, 2, 0, 1],
    );
  });
});
