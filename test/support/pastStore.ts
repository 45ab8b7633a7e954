/** A store with something in it to read: incidents, ended limits, levels and usage of tenant acme. */
import type { Incident } from '../../daemon/incidents/incident.ts';
import { MINUTE_MS } from '../../daemon/calendar.ts';
import { openStore, usageOf } from '../store/fill.ts';
import { testIncident } from './incident.ts';

/** The last of them was seen then. */
export const PAST_MS = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 60 * MINUTE_MS;

/** As the daemon makes them. */
export const pastId = (number: number): string => number.toString(16).padStart(12, '0');

/** The higher its number, the longer ago. */
export const pastIncident = (number: number, changes: Partial<Incident> = {}): Incident =>
  testIncident({
    id: pastId(number),
    state: 'closed',
    firstSeen: new Date(PAST_MS - (number + 1) * MINUTE_MS).toISOString(),
    lastSeen: new Date(PAST_MS - number * MINUTE_MS).toISOString(),
    ...changes,
  });

/** `incidents` of them, an hour of usage, and a limit that was lifted by hand. */
export function fillPast(path: string, incidents: readonly Incident[], tenantIds: readonly string[] = ['acme']): void {
  const { database, write } = openStore(path, tenantIds);
  const limit = {
    tenant: 'acme',
    direction: null,
    rateBps: 20e6,
    sinceMs: PAST_MS - MINUTE_MS,
    untilMs: PAST_MS + 15 * MINUTE_MS,
    reason: 'outbound bandwidthThreshold',
    who: 'weir',
  };
  write(
    ...incidents.map((incident) => ({
      kind: 'incident' as const,
      id: incident.id,
      state: incident.state,
      tenant: incident.tenant,
      detector: incident.detector,
      clause: incident.clause,
      severity: incident.severity,
      firstSeenMs: Date.parse(incident.firstSeen),
      lastSeenMs: Date.parse(incident.lastSeen),
      incident: JSON.stringify(incident),
      memory: null,
    })),
    { kind: 'limits', standing: [limit], atMs: PAST_MS },
    { kind: 'limitEnd', limit, end: { atMs: PAST_MS + MINUTE_MS, reason: 'it was a backup', who: 'ada' } },
    {
      kind: 'levels',
      minute: PAST_MS / MINUTE_MS - 1,
      levels: [{ signature: 'synFlood', tenant: 'acme', direction: 'inbound', value: 60_250 }],
    },
  );
  for (let minute = 0; minute < 60; minute++)
    write(usageOf(PAST_MS - minute * MINUTE_MS, tenantIds.length, () => [60_000, 7.5e6, 7500, 75e6, 75_000]));
  database.close();
}
