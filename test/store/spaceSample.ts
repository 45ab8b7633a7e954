/** A store with some days of busy tenants, and what a year of many would take. */
import type { TrafficEvidence } from '../../daemon/incidents/incident.ts';
import { PACKET_KINDS } from '../../daemon/metering/decodeResult.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../daemon/calendar.ts';
import { rollUpSlice } from '../../daemon/store/rollUp.ts';
import { randomFrom } from '../support/random.ts';
import { incidentWrite, openStore, type TestStore, usageOf } from './fill.ts';
import { testIncident } from '../support/incident.ts';

const START_MS = Date.UTC(2026, 0, 1);
const random = randomFrom(0x5eed);
/** Over several decades, up to 1 Gbit/s, as traffic is. */
const inMinute = (): number => Math.round(10 ** (4 + (random() / 2 ** 32) * 5.8));

/** With as many sources and ports as an incident ever has. */
const FULL_EVIDENCE: TrafficEvidence = {
  tier: 'header',
  packetsPerSecond: 52_104,
  bitsPerSecond: 26_677_248,
  packetsByKind: Object.fromEntries(PACKET_KINDS.map((kind) => [kind, 123_456])),
  topSources: Array.from({ length: 16 }, (_, i) => ({
    address: `2001:db8:1234:5678:9abc:def0:1234:${i}`,
    share: 0.0123,
  })),
  topPorts: Array.from({ length: 16 }, (_, i) => ({ port: 50_000 + i, share: 0.0123 })),
  distinctPorts: 12_345,
  sources: { distinct: 12_345, error: 0.065 },
  packets: 120_000,
  bytes: 7_200_000,
};

/** Tenants that are never silent; levels of `levels` series a minute. */
export function fillSample(path: string, tenants: number, days: number, levels: number): TestStore {
  const ids = Array.from({ length: tenants }, (_, i) => `tenant-${i}`);
  const store = openStore(path, ids);
  store.database.exec('PRAGMA synchronous = OFF');
  for (let startMs = START_MS; startMs < START_MS + days * DAY_MS; startMs += MINUTE_MS) {
    store.write(
      usageOf(startMs, tenants, () => {
        const [inBytes, outBytes] = [inMinute(), inMinute()];
        return [60_000, inBytes, Math.ceil(inBytes / 500), outBytes, Math.ceil(outBytes / 500)];
      }),
      {
        kind: 'levels',
        minute: startMs / MINUTE_MS,
        levels: ids
          .slice(0, levels)
          .map((tenant) => ({ signature: 'synFlood', tenant, direction: 'inbound', value: random() % 20_000 })),
      },
    );
  }
  for (let i = 0; i < 1000; i++) {
    const incident = JSON.stringify(testIncident({ id: `incident ${i}`, evidence: FULL_EVIDENCE }));
    store.write(incidentWrite({ id: `incident ${i}`, state: 'closed', incident, memory: null }));
  }
  while (rollUpSlice(store.database, START_MS + days * DAY_MS + HOUR_MS));
  return store;
}

/** Of the pages that each table and its indexes take. */
function bytesPerRow({ database }: TestStore, table: string): number {
  const { bytes } =
    database
      .prepare('SELECT sum(pgsize) AS bytes FROM dbstat JOIN sqlite_schema USING (name) WHERE tbl_name = ?')
      .get(table) ?? {};
  const rows = database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.['rows'];
  return Number(bytes) / Number(rows);
}

/** By table: rows that there are after a year, with the default `store.keep`. */
const rowsOfAYear = (tenants: number, levels: number): Readonly<Record<string, number>> => ({
  usage_minutes: tenants * 2 * 24 * 60,
  usage_hours: tenants * 90 * 24,
  usage_days: tenants * 365,
  levels: levels * 7 * 24 * 60,
  incidents: 100_000,
});

/** Bytes after a year of so many tenants, by table. */
export function spaceOfAYear(store: TestStore, tenants: number, levels: number): ReadonlyMap<string, number> {
  const rows = Object.entries(rowsOfAYear(tenants, levels));
  return new Map(rows.map(([table, count]) => [table, Math.round(count * bytesPerRow(store, table))]));
}
