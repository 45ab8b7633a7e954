/** Where a tenant's traffic is counted, and limited, when several interfaces see it: at its own port, else where the internet is. */
import type { Tenant } from './tenant.ts';

export interface ObservationPoint {
  readonly name: string;
  readonly faces: 'internet' | 'tenant';
  readonly tenant: string | null;
}

/** A tenant's own ports; where it has none, the interfaces that face the internet. */
export function pointsOf<Point extends ObservationPoint>(tenantId: string, points: readonly Point[]): Point[] {
  const own = points.filter(({ faces, tenant }) => faces === 'tenant' && tenant === tenantId);
  return own.length > 0 ? own : points.filter(({ faces }) => faces === 'internet');
}

/** Whether a tenant (by number, 1 for the first) is counted at an observation point (by name). */
export function accountingPoints(
  points: readonly ObservationPoint[],
  tenants: readonly Tenant[],
): (tenantNumber: number, observationPoint: string) => boolean {
  const byTenant = tenants.map(({ id }) => new Set(pointsOf(id, points).map(({ name }) => name)));
  return (tenantNumber, observationPoint) => byTenant[tenantNumber - 1]?.has(observationPoint) ?? false;
}
