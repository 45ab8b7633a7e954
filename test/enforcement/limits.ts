/** Limits to alter: of one tenant at the interface to the internet, and of one at a port of its own. */
import type { Limit, StandingLimit } from '../../daemon/enforcement/limit.ts';
import { TENANTS, type TenantId } from '../lab/topology.ts';

const ids = Object.keys(TENANTS);

/** Of a tenant of the lab at `eth0`. */
export function edgeLimit(id: TenantId, changes: Partial<Limit> = {}): Limit {
  const { prefixes } = TENANTS[id];
  const slot = ids.indexOf(id) + 1;
  const place = { addresses: prefixes, spared: [], interface: 'eth0', faces: 'internet' } as const;
  return { tenant: id, slot, rateBps: 5e6, ...place, ...changes };
}

/** Of a tenant of the lab at its own port. */
export const portLimit = (id: TenantId, changes: Partial<Limit> = {}): Limit =>
  edgeLimit(id, { interface: TENANTS[id].port ?? '', faces: 'tenant', ...changes });

/** Two sets that have something of everything, and little in common. */
export const A: readonly Limit[] = [portLimit('acme'), edgeLimit('birch', { rateBps: 20e6 }), edgeLimit('dogwood')];
export const B: readonly Limit[] = [
  edgeLimit('acme'),
  edgeLimit('birch', { rateBps: 6e6, addresses: ['198.51.100.0/23'] }),
  portLimit('cedar'),
];

/** For its bandwidth, since 1 s and until 901 s. */
export const standingLimit = (changes: Partial<StandingLimit> = {}): StandingLimit => ({
  tenant: 'acme',
  rateBps: 20e6,
  sinceMs: 1_000,
  untilMs: 901_000,
  holdMs: 900_000,
  reason: 'outbound bandwidthThreshold, incident bt-0',
  incident: 'bt-0',
  by: null,
  ...changes,
});
