/** What samples of CPU and memory told in one window, in rows of columns: row 0 is the host, row n tenant n. Unknown is NaN, never 0. */

interface Column {
  readonly name: string;
  /** `between`: what happened between two samples; `now`: as the later one has it. */
  readonly is: 'between' | 'now';
  /** How two hosts' figures make one: they add up, or the one that is worse off tells. */
  readonly merge: 'sum' | 'worst';
}

export const SAMPLE_COLUMNS = [
  /** Seconds of processor time, all processors' added up. */
  { name: 'cpuSeconds', is: 'between', merge: 'sum' },
  /** Processors that a quota allows, Infinity where there is no quota; in row 0 all that the host has. */
  { name: 'cpuLimitCores', is: 'now', merge: 'sum' },
  /** Of all its processors, each for itself. */
  { name: 'throttledSeconds', is: 'between', merge: 'sum' },
  /** In row 0 what is not available. */
  { name: 'memoryBytes', is: 'now', merge: 'sum' },
  { name: 'workingSetBytes', is: 'now', merge: 'sum' },
  /** Infinity where there is no limit; in row 0 all that the host has. */
  { name: 'memoryLimitBytes', is: 'now', merge: 'sum' },
  { name: 'oomKills', is: 'between', merge: 'sum' },
  /** Seconds in which at least one task waited (PSI `some`); of two hosts they are the same seconds. */
  { name: 'cpuWaitSeconds', is: 'between', merge: 'worst' },
  { name: 'memoryWaitSeconds', is: 'between', merge: 'worst' },
  /** Row 0 only. */
  { name: 'load1', is: 'now', merge: 'sum' },
] as const satisfies readonly Column[];

export type SampleColumn = (typeof SAMPLE_COLUMNS)[number]['name'];

const WIDTH = SAMPLE_COLUMNS.length;
const INDEX: ReadonlyMap<SampleColumn, number> = new Map(SAMPLE_COLUMNS.map(({ name }, i) => [name, i]));

export const HOST_ROW = 0;

export class SampleTable {
  /** For `merge`, of this class alone. */
  private readonly cells: Float64Array;

  /** `rows` may be 0. */
  static byteLength(rows: number): number {
    return rows * WIDTH * 8;
  }

  constructor(memory: ArrayBufferLike, offset: number, rows: number) {
    this.cells = new Float64Array(memory, offset, rows * WIDTH);
  }

  /** NaN: not known. */
  get(row: number, column: SampleColumn): number {
    return this.cells[row * WIDTH + (INDEX.get(column) ?? 0)] ?? Number.NaN;
  }

  set(row: number, column: SampleColumn, value: number | null): void {
    this.cells[row * WIDTH + (INDEX.get(column) ?? 0)] = value ?? Number.NaN;
  }

  clear(): void {
    this.cells.fill(Number.NaN);
  }

  /** What one host does not know, or does not run, the other one tells: a sum is then what is known of it. */
  merge({ cells: from }: SampleTable): void {
    this.cells.forEach((value, i) => {
      this.cells[i] = mergeCells(value, from[i] ?? Number.NaN, SAMPLE_COLUMNS[i % WIDTH]?.merge);
    });
  }
}

function mergeCells(a: number, b: number, merge: Column['merge'] | undefined): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) ? b : a;
  return merge === 'worst' ? Math.max(a, b) : a + b;
}
