/** Limits to alter: of one tenant at the interface to the internet, and of one at a port of its own. */
import type { StandingLimit } from '../../daemon/enforcement/limit.ts';
import { TENANTS, type TenantId } from '../lab/topology.ts';

const standing = { sinceMs: 1_000, untilMs: 901_000, reason: 'bandwidthThreshold-1' } as const;
const ids = Object.keys(TENANTS);

/** Of a tenant of the lab at `eth0`. */
export function edgeLimit(id: TenantId, changes: Partial<StandingLimit> = {}): StandingLimit {
  const { prefixes } = TENANTS[id];
  const slot = ids.indexOf(id) + 1;
  const place = { addresses: prefixes, interface: 'eth0', faces: 'internet' } as const;
  return { tenant: id, slot, rateBps: 5e6, ...place, ...standing, ...changes };
}

/** Of a tenant of the lab at its own port. */
export const portLimit = (id: TenantId, changes: Partial<StandingLimit> = {}): StandingLimit =>
  edgeLimit(id, { interface: TENANTS[id].port ?? '', faces: 'tenant', ...changes });

/** Two sets that have something of everything, and little in common. */
export const A: readonly StandingLimit[] = [
  portLimit('acme'),
  edgeLimit('birch', { rateBps: 20e6 }),
  edgeLimit('dogwood'),
];
export const B: readonly StandingLimit[] = [
  edgeLimit('acme'),
  edgeLimit('birch', { rateBps: 6e6, addresses: ['198.51.100.0/23'] }),
  portLimit('cedar'),
];
