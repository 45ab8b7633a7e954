/** Where a tenant's traffic is counted, when several interfaces see it: at its own port, else where the internet is. */
import type { Tenant } from './tenant.ts';

export interface ObservationPoint {
  readonly name: string;
  readonly faces: 'internet' | 'tenant';
  readonly tenant: string | null;
}

/** Whether a tenant (by number, 1 for the first) is counted at an observation point (by name). */
export function accountingPoints(
  points: readonly ObservationPoint[],
  tenants: readonly Tenant[],
): (tenantNumber: number, observationPoint: string) => boolean {
  const internet = points.filter(({ faces }) => faces === 'internet').map(({ name }) => name);
  const byTenant = tenants.map(({ id }) => {
    const own = points.filter(({ tenant }) => tenant === id).map(({ name }) => name);
    return new Set(own.length > 0 ? own : internet);
  });
  return (tenantNumber, observationPoint) => byTenant[tenantNumber - 1]?.has(observationPoint) ?? false;
}
