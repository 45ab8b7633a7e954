/** The figures of the benchmark, and how they are shown: as tables of text. */

export type Cell = string | number | null;

/** One table; each row has a cell for every column, in their order. */
export interface Section {
  readonly title: string;
  /** What a reader has to know to read it right. */
  readonly notes: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Throws RangeError for no values. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new RangeError('Cannot find the median: no values');
  return { min, median: percentile(sorted, 50), max };
}

/** The smallest value that `percent` of them do not pass; `sorted` ascending, not empty. */
export function percentile(sorted: readonly number[], percent: number): number {
  const rank = Math.max(Math.ceil((percent / 100) * sorted.length), 1);
  return sorted[Math.min(rank, sorted.length) - 1] ?? Number.NaN;
}

export function renderSection({ title, notes, columns, rows }: Section): string {
  const table = [columns, ...rows.map((row) => row.map(show))];
  const widths = columns.map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0)));
  const isText = columns.map((_, i) => rows.every((row) => typeof row[i] === 'string'));
  const lines = table.map((row) =>
    row
      .map((cell, i) => (isText[i] === true ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
  return [title, ...notes.map((note) => `  ${note}`), '', ...lines.map((line) => `  ${line}`), ''].join('\n');
}

/** Unknown is a dash. Numbers with a fraction keep three digits. */
function show(cell: Cell): string {
  if (cell === null) return '-';
  if (typeof cell === 'string') return cell;
  return Number.isInteger(cell) || Math.abs(cell) >= 100 ? Math.round(cell).toString() : cell.toPrecision(3);
}
