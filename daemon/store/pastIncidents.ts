/** Reads closed incidents and ended limits, a page at a time, the last ones first. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Milliseconds } from '../../probes/probe.ts';
import type { LimitEnd, SavedLimit } from '../enforcement/limitStore.ts';
import { savedLimitOf } from './writer.ts';

/** Where a page ends: the next one has what is older, and of the same time what has a smaller id. */
export interface PageEnd {
  readonly atMs: Milliseconds;
  readonly id: string;
}

export interface PastFilter {
  /** null: of all tenants. */
  readonly tenant: string | null;
  /** Those that were seen last, or ended, since then. */
  readonly sinceMs: Milliseconds;
  /** Those that began by then. */
  readonly untilMs?: Milliseconds;
  /** null: from the last one on. */
  readonly after: PageEnd | null;
  readonly most: number;
}

export interface EndedLimit {
  readonly limit: SavedLimit;
  readonly end: LimitEnd;
}

/** As JSON, by the time at which they were last seen. */
export function closedIncidents(database: DatabaseSync, filter: PastFilter): string[] {
  const { tenant, sinceMs, untilMs = Number.MAX_SAFE_INTEGER, after, most } = filter;
  const { atMs, id } = after ?? { atMs: Number.MAX_SAFE_INTEGER, id: '' };
  // Two statements, so that each has an index to go by.
  const ofTenant = tenant === null ? '' : 'tenant = ? AND';
  const sql = `SELECT incident FROM incidents WHERE ${ofTenant} state = 'closed' AND last_seen_ms >= ? AND last_seen_ms <= ?
      AND (last_seen_ms < ? OR id < ?) AND first_seen_ms <= ? ORDER BY last_seen_ms DESC, id DESC LIMIT ?`;
  const values = [...tenantValue(tenant), sinceMs, atMs, atMs, id, untilMs, most];
  return database
    .prepare(sql)
    .all(...values)
    .map(({ incident }) => String(incident));
}

/** As JSON, whatever its state; null: there is none. */
export function incidentText(database: DatabaseSync, id: string): string | null {
  const incident = database.prepare('SELECT incident FROM incidents WHERE id = ?').get(id)?.['incident'];
  return incident === undefined ? null : String(incident);
}

/** What tells a limit from others that ended at the same time. */
export const endedLimitId = ({ tenant, direction, sinceMs }: SavedLimit): string =>
  `${tenant} ${direction ?? 'both'} ${sinceMs}`;

/** By the time at which they ended. */
export function endedLimits(database: DatabaseSync, filter: PastFilter): EndedLimit[] {
  const { tenant, sinceMs, untilMs = Number.MAX_SAFE_INTEGER, after, most } = filter;
  const { atMs, id } = after ?? { atMs: Number.MAX_SAFE_INTEGER, id: '' };
  const ofTenant = tenant === null ? '' : 'tenant = ? AND';
  const name = "tenant || ' ' || direction || ' ' || since_ms";
  const sql = `SELECT * FROM limits WHERE ${ofTenant} ended_ms >= ? AND ended_ms <= ? AND (ended_ms < ? OR ${name} < ?)
      AND since_ms <= ? ORDER BY ended_ms DESC, ${name} DESC LIMIT ?`;
  const values = [...tenantValue(tenant), sinceMs, atMs, atMs, id, untilMs, most];
  return database
    .prepare(sql)
    .all(...values)
    .map((row) => ({
      limit: savedLimitOf(row),
      end: {
        atMs: Number(row['ended_ms']),
        reason: String(row['end_reason'] ?? ''),
        who: String(row['ended_by'] ?? ''),
      },
    }));
}

const tenantValue = (tenant: string | null): SQLInputValue[] => (tenant === null ? [] : [tenant]);
