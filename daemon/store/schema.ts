/** The tables of the store, and the steps from each version of them to the next. */
import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from './transaction.ts';

/**
 * A step is never changed once it was released: a later version is another step at the end.
 *
 * Times in whole minutes, hours and days since 1970 (UTC). What is written all the time has the time first in its key, so
 * that it is appended to full pages; a tenant's points of an hour or day lie in one row, so that months of them are read fast.
 */
const STEPS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE tenants (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;

  CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
    tenant TEXT NOT NULL,
    detector TEXT NOT NULL,
    clause TEXT NOT NULL,
    severity TEXT NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    incident TEXT NOT NULL,
    memory TEXT
  ) STRICT;
  CREATE INDEX incidents_open ON incidents (state) WHERE state = 'open';
  CREATE INDEX incidents_seen ON incidents (last_seen_ms);
  CREATE INDEX incidents_of_tenant ON incidents (tenant, last_seen_ms);

  CREATE TABLE limits (
    tenant TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('inbound', 'outbound', 'both')),
    since_ms INTEGER NOT NULL,
    rate_bps INTEGER NOT NULL,
    until_ms INTEGER,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    ended_ms INTEGER,
    end_reason TEXT,
    ended_by TEXT,
    PRIMARY KEY (tenant, direction, since_ms)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX limits_ended ON limits (ended_ms);

  CREATE TABLE memories (
    point TEXT NOT NULL,
    detector TEXT NOT NULL,
    saved_ms INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (point, detector)
  ) STRICT;

  CREATE TABLE usage_minutes (
    minute INTEGER NOT NULL,
    tenant INTEGER NOT NULL,
    known_ms INTEGER NOT NULL,
    in_bytes INTEGER NOT NULL,
    in_packets INTEGER NOT NULL,
    out_bytes INTEGER NOT NULL,
    out_packets INTEGER NOT NULL,
    PRIMARY KEY (minute, tenant)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE usage_hours (
    hour INTEGER NOT NULL, tenant INTEGER NOT NULL, points BLOB NOT NULL, PRIMARY KEY (hour, tenant)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE usage_days (
    day INTEGER NOT NULL, tenant INTEGER NOT NULL, points BLOB NOT NULL, PRIMARY KEY (day, tenant)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE usage_months (
    month TEXT NOT NULL,
    tenant INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    in_p95_bps INTEGER NOT NULL,
    out_p95_bps INTEGER NOT NULL,
    in_bytes INTEGER NOT NULL,
    out_bytes INTEGER NOT NULL,
    PRIMARY KEY (month, tenant)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE level_series (
    number INTEGER PRIMARY KEY,
    signature TEXT NOT NULL,
    tenant TEXT NOT NULL,
    direction TEXT NOT NULL,
    UNIQUE (signature, tenant, direction)
  ) STRICT;
  CREATE TABLE levels (
    minute INTEGER NOT NULL, series INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (minute, series)
  ) STRICT, WITHOUT ROWID;
  `,
];

export const SCHEMA_VERSION = STEPS.length;

/** The version of the tables in a file; 0: there are none. */
export function schemaVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

/** Brings the tables to this version, each step whole or not at all. `steps` are those of a later version, in tests. */
export function migrate(database: DatabaseSync, steps: readonly string[] = STEPS): void {
  while (schemaVersion(database) < steps.length) inTransaction(database, () => takeStep(database, steps));
}

function takeStep(database: DatabaseSync, steps: readonly string[]): void {
  const version = schemaVersion(database); // another process may have been faster
  const step = steps[version];
  if (step !== undefined) database.exec(`${step}; PRAGMA user_version = ${version + 1}`);
}
