/** Tenants as a table of text: a part of `weir status`, `weir tenants` and `weir top`. */
import { formatQuantity, formatRate } from '../incidents/format.ts';
import type { LimitTraffic, TenantStatus, TrafficRate } from './snapshot.ts';
import { table } from './textTable.ts';

const UNKNOWN = '?';
const NONE = '-';

/** In the order in which they are given. */
export const renderTenants = (tenants: readonly TenantStatus[]): string[] =>
  table(
    1,
    ['tenant', 'in', 'packets', 'out', 'packets', 'threshold', 'limit', 'dropped', 'open'],
    tenants.map((tenant) => [
      tenant.id,
      ...rateCells(tenant.inbound),
      ...rateCells(tenant.outbound),
      thresholdWords(tenant.plan),
      bits(tenant.limit?.rateBps ?? null),
      tenant.limit === null ? NONE : formatQuantity(droppedOf(tenant), ''),
      String(tenant.openIncidents),
    ]),
  );

/** Packets that the limit of a tenant has dropped since it was set. */
export function droppedOf({ limit }: TenantStatus): number {
  return (limit === null ? [] : [limit.outbound, limit.inbound]).reduce((sum, way) => sum + dropsOf(way), 0);
}

const dropsOf = (traffic: LimitTraffic | null): number => (traffic?.voice?.drops ?? 0) + (traffic?.bulk?.drops ?? 0);

function rateCells(rate: TrafficRate | null): [string, string] {
  if (rate === null) return [UNKNOWN, UNKNOWN];
  return [formatRate(rate.bitsPerSecond, 'bit/s'), formatRate(rate.packetsPerSecond, 'packets/s')];
}

function thresholdWords({ guaranteed, thresholdBps, thresholdPacketsPerSecond }: TenantStatus['plan']): string {
  if (guaranteed) return 'guaranteed';
  const packets = thresholdPacketsPerSecond === null ? [] : [formatRate(thresholdPacketsPerSecond, 'packets/s')];
  return [...(thresholdBps === null ? [] : [bits(thresholdBps)]), ...packets].join(', ') || NONE;
}

const bits = (bps: number | null): string => (bps === null ? NONE : formatRate(bps, 'bit/s'));
