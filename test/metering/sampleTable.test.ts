import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { mergeWindow } from '../../daemon/metering/mergeWindow.ts';
import { SAMPLE_COLUMNS, type SampleColumn, SampleTable } from '../../daemon/metering/sampleTable.ts';
import { sampleShape, TABLES, Window } from '../../daemon/metering/window.ts';

const TENANTS = 2;
const value = fc.oneof(fc.constant(Number.NaN), fc.constant(Infinity), fc.nat(1e9));
const rows = fc.array(fc.tuple(...SAMPLE_COLUMNS.map(() => value)), {
  minLength: TENANTS + 1,
  maxLength: TENANTS + 1,
});
type Rows = readonly (readonly number[])[];

function windowOf(cells: Rows): Window {
  const window = new Window(sampleShape(TENANTS));
  window.open(0);
  cells.forEach((row, i) => SAMPLE_COLUMNS.forEach(({ name }, j) => window.samples.set(i, name, row[j] ?? null)));
  window.close(5000, 0, 0);
  return window;
}

const cellsOf = ({ samples }: Window): Rows =>
  Array.from({ length: TENANTS + 1 }, (_, i) => SAMPLE_COLUMNS.map(({ name }) => samples.get(i, name)));

function merged(...all: readonly Rows[]): Rows {
  const [first = [], ...others] = all;
  const into = windowOf(first);
  for (const other of others) mergeWindow(into, windowOf(other), 0);
  return cellsOf(into);
}

function mergedCell(column: SampleColumn, a: number, b: number): number {
  const into = windowOf([[]]);
  const from = windowOf([[]]);
  into.samples.set(1, column, a);
  from.samples.set(1, column, b);
  mergeWindow(into, from, 0);
  return into.samples.get(1, column);
}

describe('SampleTable', () => {
  it('begins as zero memory, and knows nothing once it is cleared', () => {
    const table = new SampleTable(new ArrayBuffer(SampleTable.byteLength(2)), 0, 2);
    table.clear();
    assert(SAMPLE_COLUMNS.every(({ name }) => Number.isNaN(table.get(1, name))));
    table.set(1, 'cpuSeconds', 0);
    assert.deepEqual([table.get(1, 'cpuSeconds'), table.get(0, 'cpuSeconds')], [0, Number.NaN]);
  });

  it('merges in any order, and what is not known changes nothing', () => {
    fc.assert(
      fc.property(rows, rows, rows, (a, b, c) => {
        assert.deepEqual(merged(a, b), merged(b, a));
        assert.deepEqual(merged(merged(a, b), c), merged(a, merged(b, c)));
        assert.deepEqual(merged(a, []), a);
      }),
    );
  });

  it("adds two hosts' work and memory up, has no limit if one of them has none, and takes the longer wait", () => {
    assert.equal(mergedCell('cpuSeconds', 2, 3), 5);
    assert.equal(mergedCell('workingSetBytes', 2, 3), 5);
    assert.equal(mergedCell('memoryLimitBytes', 2, Infinity), Infinity);
    assert.equal(mergedCell('cpuWaitSeconds', 2, 3), 3);
  });

  it('costs a window of traffic nothing, and a window of samples little', () => {
    const traffic = { tenants: 1000, ...TABLES.tenant };
    assert.equal(Window.byteLength(traffic), Window.byteLength({ ...traffic, observed: 'flows' }));
    assert(Number.isNaN(new Window(traffic).samples.get(1, 'cpuSeconds')));
    assert(Window.byteLength(sampleShape(1000)) < 100e3);
  });
});
