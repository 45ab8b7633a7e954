/** One screen of `weir top`: pure, of a snapshot. */
import { describeSubject } from '../incidents/describe.ts';
import { formatQuantity, formatRate, formatShare } from '../incidents/format.ts';
import type { Incident } from '../incidents/incident.ts';
import { assessHealth } from './health.ts';
import { droppedOf, renderTenants } from './renderTenants.ts';
import type { StatusSnapshot, TenantStatus, TrafficRate } from './snapshot.ts';
import { ago, formatSpan } from './span.ts';

export const TOP_SORTS = ['rate', 'packets', 'dropped', 'incidents', 'name'] as const;
export type TopSort = (typeof TOP_SORTS)[number];

export interface Screen {
  readonly sort: TopSort;
  /** null: as many as there are. */
  readonly rows: number | null;
}

const MAX_INCIDENTS = 5;
const SEVERITIES = ['critical', 'warning', 'info'];

/** Lines; the last ones are the tenants. */
export function renderTop(snapshot: StatusSnapshot, { sort, rows }: Screen): string[] {
  const open = snapshot.incidents.filter(({ state }) => state === 'open').toSorted(byWeight);
  const head = [
    summary(snapshot, open.length),
    ...reasons(snapshot),
    ...snapshot.interfaces.map(
      ({ name, state, packetsPerSecond, bitsPerSecond, lossRatio }) =>
        `${name}: ${state}, ${packetsPerSecond === null ? '?' : formatRate(packetsPerSecond, 'packets/s')}, ${bitsPerSecond === null ? '?' : formatRate(bitsPerSecond, 'bit/s')}, lost ${lossRatio === null ? '?' : formatShare(lossRatio)}`,
    ),
    ...open.slice(0, MAX_INCIDENTS).map((incident) => incidentLine(incident, snapshot.now)),
    ...(open.length > MAX_INCIDENTS ? [`and ${open.length - MAX_INCIDENTS} more incidents`] : []),
    '',
  ];
  const order = ORDERS[sort];
  const sorted = snapshot.tenants.toSorted((a, b) => order(b) - order(a) || (a.id < b.id ? -1 : 1));
  const room = rows === null ? sorted.length : Math.max(1, rows - head.length - 1);
  return [...head, ...renderTenants(sorted.slice(0, room))];
}

function summary({ version, uptimeSeconds, tenants, limits, now, self }: StatusSnapshot, open: number): string {
  const limited = limits.filter(({ state }) => state === 'inForce').length;
  return `weir ${version}, ${now.slice(11, 19)} UTC, up ${formatSpan(uptimeSeconds)}, ${tenants.length} tenants, ${open} open incidents, ${limited} limited, memory ${formatQuantity(self.rssBytes, 'B')}`;
}

function reasons(snapshot: StatusSnapshot): string[] {
  const health = assessHealth(snapshot);
  return health.status === 'ok' ? [] : health.reasons.map((reason) => `FAILING: ${reason}`);
}

const incidentLine = (incident: Incident, now: string): string =>
  `${incident.severity}: ${describeSubject(incident)}, ${formatRate(incident.value, incident.unit)}, since ${ago(incident.firstSeen, now)}; ${incident.id}`;

const byWeight = (a: Incident, b: Incident): number =>
  SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || Date.parse(b.firstSeen) - Date.parse(a.firstSeen);

const sum = (tenant: TenantStatus, value: (rate: TrafficRate) => number): number =>
  [tenant.inbound, tenant.outbound].reduce((all, rate) => all + (rate === null ? 0 : value(rate)), 0);

/** The highest first. */
const ORDERS: Readonly<Record<TopSort, (tenant: TenantStatus) => number>> = {
  rate: (tenant) => sum(tenant, ({ bitsPerSecond }) => bitsPerSecond),
  packets: (tenant) => sum(tenant, ({ packetsPerSecond }) => packetsPerSecond),
  dropped: droppedOf,
  incidents: ({ openIncidents }) => openIncidents,
  name: () => 0,
};
