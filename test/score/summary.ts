/** The confusion table of a scoreboard: by detector and in total, and the false alarms of an hour. */
import { table } from '../../daemon/status/textTable.ts';
import { type Verdict, VERDICTS } from './judge.ts';
import type { Line } from './board.ts';

export function summarize(lines: readonly Line[]): string {
  const attacks = lines.filter(({ kind }) => kind === 'attack');
  const byDetector = Map.groupBy(attacks, ({ expected }) => expected.split(/[ /]/)[0] ?? '');
  const rows = [...byDetector].toSorted(([a], [b]) => a.localeCompare(b));
  const heading = ['expected', ...VERDICTS, 'extra', 'latency ms median', 'largest', 'packets median', 'largest'];
  const cells = [...rows, ['all', attacks] as const].map(([name, of]) => [name, ...sums(of)]);
  return `${table(1, heading, cells).join('\n')}\n\n${quiet(lines, 'benign')}${quiet(lines, 'other')}`;
}

function sums(lines: readonly Line[]): string[] {
  const count = (verdict: Verdict): string => String(lines.filter((line) => line.verdict === verdict).length);
  const extra = lines.reduce((sum, line) => sum + line.extra.length, 0);
  return [
    ...VERDICTS.map(count),
    String(extra),
    ...spread(lines.flatMap(({ latencyMs }) => latencyMs ?? [])),
    ...spread(lines.flatMap(({ latencyPackets }) => latencyPackets ?? [])),
  ];
}

function spread(values: readonly number[]): [median: string, largest: string] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): string => String(sorted[index] ?? '-');
  return [at((sorted.length - 1) >> 1), at(sorted.length - 1)];
}

function quiet(lines: readonly Line[], kind: Line['kind']): string {
  const of = lines.filter((line) => line.kind === kind);
  const hours = of.reduce((sum, line) => sum + line.hours, 0);
  const alarms = of.reduce((sum, line) => sum + line.extra.length, 0);
  const rate = hours === 0 ? 0 : alarms / hours;
  const what = kind === 'benign' ? 'Benign traffic' : 'What is not of these detectors';
  return `${what}: ${of.length} trials, ${hours.toFixed(2)} h, ${alarms} false alarms, ${rate.toFixed(3)} an hour\n`;
}
