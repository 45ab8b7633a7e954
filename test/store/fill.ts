/** Batches of writes for tests, and a store's file with the writer on it. */
import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../../daemon/store/database.ts';
import { MINUTE_MS } from '../../daemon/calendar.ts';
import { Writer } from '../../daemon/store/writer.ts';
import { USAGE_COLUMNS, type IncidentWrite, type UsageWrite, type Write } from '../../daemon/store/writes.ts';

export interface TestStore {
  readonly database: DatabaseSync;
  readonly write: (...writes: readonly Write[]) => void;
}

let batches = 0;

export function openStore(path: string, tenantIds: readonly string[] = ['acme', 'beta']): TestStore {
  const database = openDatabase(path);
  const writer = new Writer(database, tenantIds);
  return { database, write: (...writes) => writer.write({ id: `test ${++batches}`, writes }) };
}

/** Of all tenants in one minute; `row` by tenant number - 1. */
export function usageOf(startMs: number, tenants: number, row: (tenant: number) => readonly number[]): UsageWrite {
  const rows = new Float64Array(tenants * USAGE_COLUMNS.length);
  for (let i = 0; i < tenants; i++) rows.set(row(i), i * USAGE_COLUMNS.length);
  return { kind: 'usage', minute: Math.floor(startMs / MINUTE_MS), rows };
}

export function incidentWrite(changes: Partial<IncidentWrite> = {}): IncidentWrite {
  return {
    kind: 'incident',
    id: 'abc',
    state: 'open',
    tenant: 'acme',
    detector: 'synFlood',
    clause: 'network.disruption',
    severity: 'warning',
    firstSeenMs: 1000,
    lastSeenMs: 2000,
    incident: '{}',
    memory: '{}',
    ...changes,
  };
}
