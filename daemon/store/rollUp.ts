/**
 * Sums up what tenants used: minutes into the points of an hour, these into those of a day, and a month's into its 95th
 * percentile. In slices of some tens of milliseconds, so that batches of writes need not wait; a crash repeats a slice at most.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Milliseconds } from '../../probes/probe.ts';
import { DAY_MS, HOUR_MS, monthName, monthOf, startOfMonth } from '../calendar.ts';
import { getMeta, putMeta } from './meta.ts';
import { percentile95 } from './percentile.ts';
import { POINTS_A_DAY, POINTS_AN_HOUR, pointsOf, usagePointOf } from './rows.ts';
import { encodeUsage, sumUsage, type UsagePoint } from './usageChunk.ts';
import { inTransaction } from './transaction.ts';

const MINUTES_A_POINT = 60 / POINTS_AN_HOUR;
/** Writes of an hour may be so late. */
const LATE_MS = 5 * 60_000;

/** Up to where it has been summed up: everything before `period`, and of it the tenants up to `tenant`. */
interface Cursor {
  readonly period: number;
  readonly tenant: number;
}

/** One kind of sum, over periods that are numbered. */
interface Tier {
  readonly name: string;
  /** Tenants that a slice can take. */
  readonly tenants: number;
  /** Periods before the present one of which everything is still there, whatever was removed. */
  readonly back: number;
  /** The period of the first thing to be summed up that is not before `period`; null: there is none. */
  first(database: DatabaseSync, period: number): number | null;
  /** Those of `from` < number <= `to`. */
  roll(database: DatabaseSync, period: number, from: number, to: number): void;
}

const hours: Tier = {
  name: 'hours',
  tenants: 250,
  back: 24,
  first: (database, hour) => divided(firstOf(database, 'usage_minutes', 'minute', hour * 60), 60),
  roll: rollHour,
};
const days: Tier = {
  name: 'days',
  tenants: 250,
  back: 2,
  first: (database, day) => divided(firstOf(database, 'usage_hours', 'hour', day * 24), 24),
  roll: rollDay,
};
const months: Tier = {
  name: 'months',
  tenants: 10,
  back: 1,
  first: (database, month) => {
    const hour = firstOf(database, 'usage_hours', 'hour', startOfMonth(month) / HOUR_MS);
    return hour === null ? null : monthOf(hour * HOUR_MS);
  },
  roll: rollMonth,
};

/** Does one slice; false: there is nothing more to do by now. */
export function rollUpSlice(database: DatabaseSync, nowMs: Milliseconds): boolean {
  const hour = Math.floor((nowMs - LATE_MS) / HOUR_MS);
  if (slice(database, hours, hour)) return true;
  return (
    slice(database, days, Math.floor((hour * HOUR_MS) / DAY_MS)) || slice(database, months, monthOf(hour * HOUR_MS))
  );
}

/** The start of what is not yet summed up, for each table that is: nothing from there on may be removed. */
export function summedUpTo(database: DatabaseSync): { readonly minute: number; readonly hour: number } {
  const day = readCursor(database, days).period;
  const month = readCursor(database, months).period;
  return {
    minute: readCursor(database, hours).period * 60,
    hour: Math.min(day * 24, month === 0 ? 0 : startOfMonth(month) / HOUR_MS),
  };
}

/** Of the first period that is before `end` and not summed up. */
function slice(database: DatabaseSync, tier: Tier, end: number): boolean {
  // A clock that was far ahead and was set back has been there before its time.
  const cursor = readCursor(database, tier);
  const before: Cursor = cursor.period > end ? { period: end - tier.back, tenant: 0 } : cursor;
  const period = tier.first(database, before.period) ?? end;
  if (period >= end) {
    if (cursor.period !== end) putCursor(database, tier, { period: end, tenant: 0 });
    return false;
  }
  const from = period === before.period ? before.tenant : 0;
  const to = from + tier.tenants;
  const last = Number(database.prepare('SELECT max(number) AS last FROM tenants').get()?.['last'] ?? 0);
  inTransaction(database, () => {
    tier.roll(database, period, from, to);
    putCursor(database, tier, to < last ? { period, tenant: to } : { period: period + 1, tenant: 0 });
  });
  return true;
}

function rollHour(database: DatabaseSync, hour: number, from: number, to: number): void {
  const select = database.prepare('SELECT * FROM usage_minutes WHERE minute = ? AND tenant > ? AND tenant <= ?');
  const byTenant = new Map<number, (UsagePoint | null)[]>();
  for (let minute = 0; minute < 60; minute++) {
    const at = Math.floor(minute / MINUTES_A_POINT);
    for (const row of select.all(hour * 60 + minute, from, to))
      sumInto(byTenant, Number(row['tenant']), at, POINTS_AN_HOUR, usagePointOf(row));
  }
  putChunks(database, 'usage_hours', hour, byTenant);
}

function rollDay(database: DatabaseSync, day: number, from: number, to: number): void {
  const select = database.prepare('SELECT * FROM usage_hours WHERE hour = ? AND tenant > ? AND tenant <= ?');
  const byTenant = new Map<number, (UsagePoint | null)[]>();
  for (let hour = 0; hour < POINTS_A_DAY; hour++)
    for (const { tenant, points } of select.all(day * 24 + hour, from, to))
      sumInto(byTenant, Number(tenant), hour, POINTS_A_DAY, sumUsage(pointsOf(points, POINTS_AN_HOUR)));
  putChunks(database, 'usage_days', day, byTenant);
}

function rollMonth(database: DatabaseSync, month: number, from: number, to: number): void {
  const select = database.prepare('SELECT * FROM usage_hours WHERE hour = ? AND tenant > ? AND tenant <= ?');
  // Where it was summed up before, and some of its hours are gone, it stays.
  const insert = database.prepare(`
    INSERT INTO usage_months VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      samples = excluded.samples, in_p95_bps = excluded.in_p95_bps, out_p95_bps = excluded.out_p95_bps,
      in_bytes = excluded.in_bytes, out_bytes = excluded.out_bytes WHERE excluded.samples >= samples`);
  const byTenant = new Map<number, (UsagePoint | null)[]>();
  const end = startOfMonth(month + 1) / HOUR_MS;
  for (let hour = startOfMonth(month) / HOUR_MS; hour < end; hour++)
    for (const { tenant, points } of select.all(hour, from, to)) {
      const known = byTenant.get(Number(tenant)) ?? [];
      known.push(...pointsOf(points, POINTS_AN_HOUR));
      byTenant.set(Number(tenant), known);
    }
  for (const [tenant, points] of byTenant) {
    const sum = percentile95(points);
    if (sum === null) continue;
    const { samples, inBps, outBps, inBytes, outBytes } = sum;
    insert.run(monthName(month), tenant, samples, inBps, outBps, inBytes, outBytes);
  }
}

function sumInto(
  byTenant: Map<number, (UsagePoint | null)[]>,
  tenant: number,
  at: number,
  count: number,
  point: UsagePoint | null,
): void {
  const points = byTenant.get(tenant) ?? Array.from({ length: count }, () => null);
  points[at] = sumUsage([points[at] ?? null, point]);
  byTenant.set(tenant, points);
}

function putChunks(
  database: DatabaseSync,
  table: 'usage_hours' | 'usage_days',
  period: number,
  byTenant: ReadonlyMap<number, readonly (UsagePoint | null)[]>,
): void {
  const insert = database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?, ?)`);
  for (const [tenant, points] of [...byTenant].toSorted(([a], [b]) => a - b))
    insert.run(period, tenant, encodeUsage(points));
}

function firstOf(database: DatabaseSync, table: string, column: string, from: number): number | null {
  const first = database.prepare(`SELECT min(${column}) AS first FROM ${table} WHERE ${column} >= ?`).get(from)?.[
    'first'
  ];
  return first === null || first === undefined ? null : Number(first);
}

const divided = (value: number | null, by: number): number | null => (value === null ? null : Math.floor(value / by));

function readCursor(database: DatabaseSync, { name }: Tier): Cursor {
  const [period = 0, tenant = 0] = (getMeta(database, `summed up ${name}`) ?? '').split(' ').map(Number);
  return { period, tenant };
}

function putCursor(database: DatabaseSync, { name }: Tier, { period, tenant }: Cursor): void {
  putMeta(database, `summed up ${name}`, `${period} ${tenant}`);
}
