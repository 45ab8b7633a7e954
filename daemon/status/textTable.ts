/** Tables of text for a terminal. */

/** Columns as wide as their widest cell; the first `left` of them to the left, numbers to the right. */
export function table(left: number, titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return column < left ? cell.padEnd(width) : cell.padStart(width);
  };
  return [titles, ...rows].map((cells) => cells.map(pad).join('  ').trimEnd());
}
