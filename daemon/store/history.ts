/** Reads what has been: who used how much, and how near the thresholds everybody came. Needs no daemon, and keeps none waiting. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Milliseconds } from '../../probes/probe.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, monthOf, monthName, startOfMonth } from '../calendar.ts';
import { parseIncident } from '../incidents/savedIncident.ts';
import { reasonOf } from './database.ts';
import type { HeightAt, SeriesSpan } from './historyQuestions.ts';
import { closedIncidents, type EndedLimit, endedLimits, incidentText, type PastFilter } from './pastIncidents.ts';
import { percentile95, type UsagePercentile } from './percentile.ts';
import { directionOf, POINTS_A_DAY, POINTS_AN_HOUR, pointsOf, usagePointOf } from './rows.ts';
import { SCHEMA_VERSION, schemaVersion } from './schema.ts';
import { sumUsage, type UsagePoint } from './usageChunk.ts';
import type { Level } from '../level.ts';

export interface UsageAt extends UsagePoint {
  readonly startMs: Milliseconds;
}

export interface LevelAt extends Level {
  /** Of the minute. */
  readonly startMs: Milliseconds;
}

/** Minutes are kept for 2 days, five minutes for `store.keep`, hours for 2 years. */
export type UsageStep = 'minute' | 'fiveMinutes' | 'hour';

export const STEP_MS: Readonly<Record<UsageStep, Milliseconds>> = {
  minute: MINUTE_MS,
  fiveMinutes: HOUR_MS / POINTS_AN_HOUR,
  hour: HOUR_MS,
};

/** A table with a row for each tenant and period, of so many points. */
interface Chunks {
  readonly table: string;
  readonly column: string;
  readonly spanMs: Milliseconds;
  readonly count: number;
}

const HOURS: Chunks = { table: 'usage_hours', column: 'hour', spanMs: HOUR_MS, count: POINTS_AN_HOUR };
const DAYS: Chunks = { table: 'usage_days', column: 'day', spanMs: DAY_MS, count: POINTS_A_DAY };

/** More than a store of 1,000 tenants comes to. */
const MAPPED_BYTES = 2 ** 32;

/** By start. */
type Points = Map<Milliseconds, UsagePoint>;

export class History {
  readonly #database: DatabaseSync;

  /** Throws Error with its one clear line where the file cannot be read. */
  constructor(path: string) {
    if (!existsSync(path)) throw new Error(`Cannot read the store ${path}: there is no such file`);
    try {
      this.#database = new DatabaseSync(path, { readOnly: true, timeout: 1000 });
      // A tenant's points lie far apart: most of the time of reading them were system calls.
      this.#database.exec(`PRAGMA mmap_size = ${MAPPED_BYTES}; PRAGMA cache_size = -8192`);
      const version = schemaVersion(this.#database);
      if (version !== SCHEMA_VERSION)
        throw new Error(`it has schema ${version}, this version of Weir reads ${SCHEMA_VERSION}`);
    } catch (error) {
      throw new Error(reasonOf(error, path), { cause: error });
    }
  }

  close(): void {
    this.#database.close();
  }

  /** The ids of all tenants that there ever were. */
  tenants(): string[] {
    return this.#database
      .prepare('SELECT id FROM tenants ORDER BY id')
      .all()
      .map(({ id }) => String(id));
  }

  /** What a tenant used, in whole steps; those of which nothing is known are missing. */
  usage(tenant: string, fromMs: Milliseconds, toMs: Milliseconds, step: UsageStep): UsageAt[] {
    const number = this.#numberOf(tenant);
    if (number === null) return [];
    const stepMs = STEP_MS[step];
    const firstMs = Math.floor(fromMs / stepMs) * stepMs;
    const points = this.#reading(() => this.#pointsOf(step, number, firstMs, Math.ceil(toMs / stepMs) * stepMs));
    return [...points]
      .filter(([startMs]) => startMs >= firstMs && startMs < toMs)
      .toSorted(([a], [b]) => a - b)
      .map(([startMs, point]) => ({ startMs, ...point }));
  }

  /** The 95th percentile of the month that `ms` lies in, as far as it is over; null: nothing is known. */
  month(tenant: string, ms: Milliseconds): UsagePercentile | null {
    const month = monthOf(ms);
    const sql = 'SELECT * FROM usage_months WHERE month = ? AND tenant = ?';
    const row = this.#database.prepare(sql).get(monthName(month), this.#numberOf(tenant));
    if (row === undefined)
      return percentile95(this.usage(tenant, startOfMonth(month), startOfMonth(month + 1), 'fiveMinutes'));
    return {
      samples: Number(row['samples']),
      inBps: Number(row['in_p95_bps']),
      outBps: Number(row['out_p95_bps']),
      inBytes: Number(row['in_bytes']),
      outBytes: Number(row['out_bytes']),
    };
  }

  /** Closed ones, as JSON. */
  incidents(filter: PastFilter): string[] {
    return closedIncidents(this.#database, filter).filter((text) => parseIncident(text) !== null);
  }

  /** As JSON; null: there is none. */
  incident(id: string): string | null {
    const text = incidentText(this.#database, id);
    return text === null || parseIncident(text) === null ? null : text;
  }

  endedLimits(filter: PastFilter): EndedLimit[] {
    return endedLimits(this.#database, filter);
  }

  /** The largest value of every minute of one signature, tenant and direction; for 7 days. */
  heights({ signature, tenant, direction, fromMs, toMs }: SeriesSpan): HeightAt[] {
    const series = this.#database
      .prepare('SELECT number FROM level_series WHERE signature = ? AND tenant = ? AND direction = ?')
      .get(signature, tenant, direction ?? '')?.['number'];
    if (series === undefined) return [];
    const select = this.#database.prepare('SELECT value FROM levels WHERE minute = ? AND series = ?');
    const heights: HeightAt[] = [];
    const { first, last } =
      this.#database.prepare('SELECT min(minute) AS first, max(minute) AS last FROM levels').get() ?? {};
    const from = Math.max(Math.floor(fromMs / MINUTE_MS), Number(first ?? Infinity));
    const to = Math.min(toMs, (Number(last ?? -1) + 1) * MINUTE_MS);
    for (let minute = from; minute * MINUTE_MS < to; minute++) {
      const value = select.get(minute, series)?.['value'];
      if (value !== undefined) heights.push({ startMs: minute * MINUTE_MS, value: Number(value) });
    }
    return heights;
  }

  /** The largest value of every minute, of all signatures and tenants that came near a threshold; for 7 days. */
  *levels(fromMs: Milliseconds, toMs: Milliseconds): Iterable<LevelAt> {
    const rows = this.#database
      .prepare(
        `SELECT minute, signature, tenant, direction, value FROM levels JOIN level_series ON number = series
          WHERE minute >= ? AND minute < ? ORDER BY minute`,
      )
      .iterate(fromMs / MINUTE_MS, toMs / MINUTE_MS);
    for (const { minute, signature, tenant, direction, value } of rows)
      yield {
        startMs: Number(minute) * MINUTE_MS,
        signature: String(signature),
        tenant: String(tenant),
        direction: directionOf(direction),
        value: Number(value),
      };
  }

  /** As one transaction: to begin one takes longer than to read a point, and there are thousands. */
  #reading<Result>(read: () => Result): Result {
    this.#database.exec('BEGIN');
    try {
      return read();
    } finally {
      this.#database.exec('COMMIT');
    }
  }

  #numberOf(tenant: string): number | null {
    const number = this.#database.prepare('SELECT number FROM tenants WHERE id = ?').get(tenant)?.['number'];
    return number === undefined ? null : Number(number);
  }

  #pointsOf(step: UsageStep, tenant: number, fromMs: Milliseconds, toMs: Milliseconds): Points {
    if (step === 'minute') return this.#minutes(tenant, fromMs, toMs);
    return step === 'hour' ? this.#hours(tenant, fromMs, toMs) : this.#fiveMinutes(tenant, fromMs, toMs);
  }

  #minutes(tenant: number, fromMs: Milliseconds, toMs: Milliseconds): Points {
    const { first, last } =
      this.#database.prepare('SELECT min(minute) AS first, max(minute) AS last FROM usage_minutes').get() ?? {};
    const select = this.#database.prepare('SELECT * FROM usage_minutes WHERE minute = ? AND tenant = ?');
    const points: Points = new Map();
    const from = Math.max(Math.floor(fromMs / MINUTE_MS), Number(first ?? Infinity));
    const to = Math.min(toMs, (Number(last ?? -1) + 1) * MINUTE_MS);
    for (let minute = from; minute * MINUTE_MS < to; minute++) {
      const row = select.get(minute, tenant);
      if (row !== undefined) points.set(minute * MINUTE_MS, usagePointOf(row));
    }
    return points;
  }

  /** From hours that were summed up, and from the minutes since. */
  #fiveMinutes(tenant: number, fromMs: Milliseconds, toMs: Milliseconds): Points {
    const points = regrouped(this.#minutes(tenant, fromMs, toMs), STEP_MS.fiveMinutes);
    for (const [startMs, chunk] of this.#chunks(HOURS, tenant, fromMs, toMs)) points.set(startMs, chunk);
    return points;
  }

  #hours(tenant: number, fromMs: Milliseconds, toMs: Milliseconds): Points {
    const points = regrouped(this.#fiveMinutes(tenant, fromMs, toMs), HOUR_MS);
    for (const [startMs, point] of this.#chunks(DAYS, tenant, fromMs, toMs)) points.set(startMs, point);
    return points;
  }

  #chunks({ table, column, spanMs, count }: Chunks, tenant: number, fromMs: Milliseconds, toMs: Milliseconds): Points {
    const { first, last } =
      this.#database.prepare(`SELECT min(${column}) AS first, max(${column}) AS last FROM ${table}`).get() ?? {};
    const select = this.#database.prepare(`SELECT points FROM ${table} WHERE ${column} = ? AND tenant = ?`);
    const points: Points = new Map();
    const to = Math.min(toMs, (Number(last ?? -1) + 1) * spanMs);
    const from = Math.max(Math.floor(fromMs / spanMs), Number(first ?? 0));
    for (let period = from; period * spanMs < to; period++)
      pointsOf(select.get(period, tenant)?.['points'], count).forEach((point, i) => {
        if (point !== null) points.set(period * spanMs + (i * spanMs) / count, point);
      });
    return points;
  }
}

function regrouped(points: Points, stepMs: Milliseconds): Points {
  const groups = Map.groupBy(points, ([startMs]) => Math.floor(startMs / stepMs) * stepMs);
  return new Map(
    [...groups].flatMap(([startMs, group]) => {
      const sum = sumUsage(group.map(([, point]) => point));
      return sum === null ? [] : [[startMs, sum] as const];
    }),
  );
}
