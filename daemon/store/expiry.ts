/** Removes what is too old, in slices; nothing before it was summed up, and nothing while the clock is not to be trusted. */
import type { DatabaseSync } from 'node:sqlite';
import type { Milliseconds } from '../../probes/probe.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../calendar.ts';
import { summedUpTo } from './rollUp.ts';
import { inTransaction } from './transaction.ts';

const ROWS_A_SLICE = 2000;
export const MINUTES_KEPT_MS = 2 * DAY_MS;
const LEVELS_KEPT_MS = 7 * DAY_MS;
const DAYS_KEPT_MS = 730 * DAY_MS;
/** Somebody who opens and ends attacks as fast as Weir can name them must not fill the disk. */
const MAX_INCIDENTS = 100_000;
const MAX_ENDED_LIMITS = 100_000;
/** A clock is wrong after a boot, or is set: what is old by a wrong clock must not go. */
const STEADY_MS = 10 * 60_000;
const JUMP_MS = 2 * 60_000;
const CHECK_MS = 60_000;

export interface ExpiryOptions {
  /** Of incidents, ended limits and five-minute points; those of hours are kept for two years at least. */
  readonly keepMs: Milliseconds;
  readonly maxIncidents?: number;
}

interface Rule {
  readonly table: string;
  readonly key: string;
  /** Of the rows that may go, the oldest first. */
  readonly where: string;
  readonly values: readonly number[];
}

export class Expiry {
  readonly #options: ExpiryOptions;
  #steadySinceMs: Milliseconds | null = null;
  #lastMs: Milliseconds = 0;
  /** Nothing more to do before it. */
  #restsUntilMs: Milliseconds = 0;

  constructor(options: ExpiryOptions) {
    this.#options = options;
  }

  /** Does one slice; false: there is nothing more to do by now. */
  slice(database: DatabaseSync, nowMs: Milliseconds): boolean {
    if (this.#steadySinceMs === null || Math.abs(nowMs - this.#lastMs) > JUMP_MS) {
      this.#steadySinceMs = nowMs;
      this.#restsUntilMs = 0;
    }
    this.#lastMs = nowMs;
    if (nowMs - this.#steadySinceMs < STEADY_MS || nowMs < this.#restsUntilMs) return false;
    if (rulesAt(database, nowMs, this.#options).some((rule) => removeSome(database, rule) > 0)) return true;
    this.#restsUntilMs = nowMs + CHECK_MS;
    return false;
  }
}

function rulesAt(
  database: DatabaseSync,
  nowMs: Milliseconds,
  { keepMs, maxIncidents = MAX_INCIDENTS }: ExpiryOptions,
): Rule[] {
  const summed = summedUpTo(database);
  const minute = Math.min((nowMs - MINUTES_KEPT_MS) / MINUTE_MS, summed.minute);
  const hour = Math.min((nowMs - keepMs) / HOUR_MS, summed.hour);
  const day = (nowMs - Math.max(keepMs, DAYS_KEPT_MS)) / DAY_MS;
  const level = (nowMs - LEVELS_KEPT_MS) / MINUTE_MS;
  const incident = Math.max(nowMs - keepMs, beyond(database, 'incidents', 'last_seen_ms', maxIncidents));
  const limit = Math.max(nowMs - keepMs, beyond(database, 'limits', 'ended_ms', MAX_ENDED_LIMITS));
  return [
    { table: 'usage_minutes', key: 'minute, tenant', where: 'minute < ?', values: [minute] },
    { table: 'usage_hours', key: 'hour, tenant', where: 'hour < ?', values: [hour] },
    { table: 'usage_days', key: 'day, tenant', where: 'day < ?', values: [day] },
    { table: 'levels', key: 'minute, series', where: 'minute < ?', values: [level] },
    { table: 'incidents', key: 'id', where: "last_seen_ms < ? AND state = 'closed'", values: [incident] },
    { table: 'limits', key: 'tenant, direction, since_ms', where: 'ended_ms < ?', values: [limit] },
  ];
}

/** Everything before it is more than there may be; 0: nothing is. */
function beyond(database: DatabaseSync, table: string, column: string, most: number): number {
  const sql = `SELECT ${column} AS at FROM ${table} WHERE ${column} IS NOT NULL ORDER BY ${column} DESC LIMIT 1 OFFSET ?`;
  return Number(database.prepare(sql).get(most - 1)?.['at'] ?? 0);
}

function removeSome(database: DatabaseSync, { table, key, where, values }: Rule): number {
  const sql = `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${where} LIMIT ${ROWS_A_SLICE})`;
  return inTransaction(database, () => Number(database.prepare(sql).run(...values).changes));
}
