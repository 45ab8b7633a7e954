/** `weir usage`: what a tenant used in a month, from the running daemon. */
import { formatQuantity, formatRate, formatShare } from '../incidents/format.ts';
import type { UsageAnswer, UsageAnswerPoint } from '../status/answers.ts';
import { table } from '../status/textTable.ts';
import { askStatus, type AskOptions } from './askStatus.ts';

export interface UsageOptions extends AskOptions {
  /** `2026-03`, by UTC; left out: this month. */
  readonly month?: string;
}

const DAY_SECONDS = 86_400;

/** 0: shown; 1: nobody has this id, nothing is kept, or no daemon answers. */
export function usage(tenant: string, options: UsageOptions): Promise<number> {
  const month = options.month ?? new Date().toISOString().slice(0, 7);
  // By the hour a month is one answer.
  const query = new URLSearchParams({ month, step: 'hour' }).toString();
  return askStatus(`/api/usage/${encodeURIComponent(tenant)}?${query}`, options, (json) => {
    const answer: UsageAnswer = JSON.parse(json);
    return renderUsage(answer, month);
  });
}

const bits = (bps: number): string => formatRate(bps, 'bit/s');

/** Days by UTC, then the month as it is billed; without a newline at the end. */
export function renderUsage({ tenant, points, month: billed }: UsageAnswer, month: string): string {
  const days = Map.groupBy(points, ({ at }) => at.slice(0, 10));
  const rows = [...days].map(([day, ofDay]) => dayCells(day, ofDay));
  if (rows.length === 0) return `Nothing is known of ${tenant} in ${month}`;
  const titles = ['day', 'in', 'mean', 'out', 'mean', 'known'];
  const lines = [`${tenant}, ${month} (UTC)`, ...table(1, titles, rows)];
  if (billed === null) return lines.join('\n');
  return [
    ...lines,
    '',
    `all: ${formatQuantity(billed.inBytes, 'B')} in, ${formatQuantity(billed.outBytes, 'B')} out`,
    `95th percentile of ${billed.samples} five minutes: ${bits(billed.inPercentile95Bps)} in, ${bits(billed.outPercentile95Bps)} out`,
  ].join('\n');
}

function dayCells(day: string, points: readonly UsageAnswerPoint[]): string[] {
  const sum = (value: (point: UsageAnswerPoint) => number): number =>
    points.reduce((all, each) => all + value(each), 0);
  const seconds = sum(({ knownSeconds }) => knownSeconds);
  const [inBytes, outBytes] = [sum(({ inBytes: bytes }) => bytes), sum(({ outBytes: bytes }) => bytes)];
  const mean = (bytes: number): string => formatRate(seconds === 0 ? 0 : (8 * bytes) / seconds, 'bit/s');
  return [
    day,
    formatQuantity(inBytes, 'B'),
    mean(inBytes),
    formatQuantity(outBytes, 'B'),
    mean(outBytes),
    formatShare(seconds / DAY_SECONDS),
  ];
}
