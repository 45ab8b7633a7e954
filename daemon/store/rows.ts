/** Rows of the tables as values. */
import type { Direction } from '../metering/window.ts';
import { decodeUsage, type UsagePoint } from './usageChunk.ts';

/** Of five minutes, in a row of `usage_hours`. */
export const POINTS_AN_HOUR = 12;
/** Of an hour, in a row of `usage_days`. */
export const POINTS_A_DAY = 24;

type Row = Readonly<Record<string, unknown>>;

export const usagePointOf = (row: Row): UsagePoint => ({
  knownMs: Number(row['known_ms']),
  inBytes: Number(row['in_bytes']),
  inPackets: Number(row['in_packets']),
  outBytes: Number(row['out_bytes']),
  outPackets: Number(row['out_packets']),
});

/** Of a column `direction`; null: of both, or of no traffic. */
export const directionOf = (value: unknown): Direction | null =>
  value === 'inbound' || value === 'outbound' ? value : null;

/** Of the column `points`. */
export const pointsOf = (points: unknown, count: number) =>
  decodeUsage(points instanceof Uint8Array ? points : new Uint8Array(), count);
