/**
 * Where a tenant's traffic is counted, and limited, when several interfaces see it: at its own port, else where the internet
 * is, else where flow records of it come in.
 */
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

/** Whether a tenant (by number, 1 for the first) is counted at an observation point (by name): it may be seen at several, and counts once. */
export type AccountsFor = (tenantNumber: number, observationPoint: string) => boolean;

/** `collector`: where those are counted that no interface sees. */
export function accountingPoints(
  points: readonly ObservationPoint[],
  tenants: readonly Tenant[],
  collector: string | null = null,
): AccountsFor {
  const flows = collector === null ? [] : [collector];
  const byTenant = tenants.map(({ id }) => {
    const names = pointsOf(id, points).map(({ name }) => name);
    return new Set(names.length > 0 ? names : flows);
  });
  return (tenantNumber, observationPoint) => byTenant[tenantNumber - 1]?.has(observationPoint) ?? false;
}
