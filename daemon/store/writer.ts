/** Writes batches into the tables, each batch whole or not at all. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { deflateRawSync } from 'node:zlib';
import type { Level } from '../level.ts';
import type { LimitEnd, SavedLimit } from '../enforcement/limitStore.ts';
import type {
  IncidentWrite,
  LevelsWrite,
  LimitsWrite,
  MemoryWrite,
  OpenIncidentsWrite,
  UsageWrite,
  Write,
} from './writes.ts';
import { getMeta, putMeta } from './meta.ts';
import { directionOf } from './rows.ts';
import { inTransaction } from './transaction.ts';
import { limitKey, USAGE_COLUMNS } from './writes.ts';

export interface Batch {
  /** Of this batch alone, in all runs: it is not written twice, whatever became of the answer. */
  readonly id: string;
  readonly writes: readonly Write[];
}

export class Writer {
  readonly #database: DatabaseSync;
  /** Numbers in the table `tenants`, by tenant number - 1. */
  readonly #tenantNumbers: readonly number[];
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, tenantIds: readonly string[]) {
    this.#database = database;
    this.#tenantNumbers = inTransaction(database, () => tenantIds.map((id) => numberOfTenant(database, id)));
  }

  /** Throws with nothing written. */
  write({ id, writes }: Batch): void {
    inTransaction(this.#database, () => {
      if (getMeta(this.#database, 'batch') === id) return;
      for (const write of writes) this.#write(write);
      putMeta(this.#database, 'batch', id);
    });
  }

  #write(write: Write): void {
    switch (write.kind) {
      case 'usage':
        return this.#writeUsage(write);
      case 'levels':
        return this.#writeLevels(write);
      case 'incident':
        return this.#writeIncident(write);
      case 'openIncidents':
        return this.#closeOthers(write);
      case 'memory':
        return this.#writeMemory(write);
      case 'limits':
        return this.#writeLimits(write);
      case 'limitEnd':
        return this.#putLimit(write.limit, write.end);
    }
  }

  #writeUsage({ minute, rows }: UsageWrite): void {
    const insert = this.#prepare(`
      INSERT INTO usage_minutes VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        known_ms = known_ms + excluded.known_ms,
        in_bytes = in_bytes + excluded.in_bytes, in_packets = in_packets + excluded.in_packets,
        out_bytes = out_bytes + excluded.out_bytes, out_packets = out_packets + excluded.out_packets`);
    this.#tenantNumbers.forEach((number, i) => {
      const row = rows.subarray(i * USAGE_COLUMNS.length, (i + 1) * USAGE_COLUMNS.length);
      const [knownMs = 0, inBytes = 0, inPackets = 0, outBytes = 0, outPackets = 0] = row;
      if (knownMs > 0) insert.run(minute, number, knownMs, inBytes, inPackets, outBytes, outPackets);
    });
  }

  #writeLevels({ minute, levels }: LevelsWrite): void {
    for (const level of levels)
      this.#run('INSERT INTO levels VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)', [
        minute,
        this.#numberOfSeries(level),
        level.value,
      ]);
  }

  #numberOfSeries({ signature, tenant, direction }: Level): number {
    const key = [signature, tenant, direction ?? ''];
    const select = 'SELECT number FROM level_series WHERE signature = ? AND tenant = ? AND direction = ?';
    const known = this.#prepare(select).get(...key)?.['number'];
    if (known !== undefined) return Number(known);
    const insert = 'INSERT INTO level_series (signature, tenant, direction) VALUES (?, ?, ?)';
    return Number(this.#prepare(insert).run(...key).lastInsertRowid);
  }

  #writeIncident(write: IncidentWrite): void {
    const { id, state, tenant, detector, clause, severity, firstSeenMs, lastSeenMs, incident, memory } = write;
    this.#run('INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', [
      id,
      state,
      tenant,
      detector,
      clause,
      severity,
      firstSeenMs,
      lastSeenMs,
      incident,
      memory,
    ]);
  }

  #closeOthers({ ids }: OpenIncidentsWrite): void {
    this.#run(
      `UPDATE incidents SET state = 'closed', memory = NULL
        WHERE state = 'open' AND id NOT IN (SELECT value FROM json_each(?))`,
      [JSON.stringify(ids)],
    );
  }

  #writeMemory({ point, detector, savedMs, state }: MemoryWrite): void {
    const packed = deflateRawSync(state, { level: 1 });
    this.#run('INSERT OR REPLACE INTO memories VALUES (?, ?, ?, ?)', [point, detector, savedMs, packed]);
  }

  #writeLimits({ standing, atMs }: LimitsWrite): void {
    for (const limit of standing) this.#putLimit(limit, null);
    const keys = new Set(standing.map(limitKey));
    const end = { atMs, reason: 'no longer wanted', who: 'weir' };
    for (const row of this.#prepare('SELECT * FROM limits WHERE ended_ms IS NULL').all()) {
      const limit = savedLimitOf(row);
      if (!keys.has(limitKey(limit))) this.#putLimit(limit, end);
    }
  }

  #putLimit(limit: SavedLimit, end: LimitEnd | null): void {
    const { tenant, direction, sinceMs, rateBps, untilMs, reason, who } = limit;
    const ended = [end?.atMs ?? null, end?.reason ?? null, end?.who ?? null];
    this.#run('INSERT OR REPLACE INTO limits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', [
      tenant,
      direction ?? 'both',
      sinceMs,
      rateBps,
      untilMs,
      reason,
      who,
      ...ended,
    ]);
  }

  #run(sql: string, values: readonly SQLInputValue[]): void {
    this.#prepare(sql).run(...values);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function numberOfTenant(database: DatabaseSync, id: string): number {
  database.prepare('INSERT OR IGNORE INTO tenants (id) VALUES (?)').run(id);
  return Number(database.prepare('SELECT number FROM tenants WHERE id = ?').get(id)?.['number']);
}

/** A row of the table `limits`. */
export function savedLimitOf(row: Readonly<Record<string, unknown>>): SavedLimit {
  const { until_ms: untilMs } = row;
  return {
    tenant: String(row['tenant']),
    direction: directionOf(row['direction']),
    rateBps: Number(row['rate_bps']),
    sinceMs: Number(row['since_ms']),
    untilMs: untilMs === null ? null : Number(untilMs),
    reason: String(row['reason']),
    who: String(row['who']),
  };
}
