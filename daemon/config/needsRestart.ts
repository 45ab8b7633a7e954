/** What of a new configuration a running daemon can take up, and what takes a restart. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Tenant } from '../tenants/tenant.ts';
import type { Config } from './config.ts';

/** Whose windows, memory or sockets would have to be made anew. Everything else is taken up live. */
const FIXED = ['interfaces', 'collector', 'host', 'incidents', 'status', 'store'] as const;

/** Names in a message: the first ones. */
const MAX_NAMED = 5;

/** The new configuration, with its tenants in the order of the present one: they are known by their numbers. */
export function inOrderOf(present: Config, next: Config): Config {
  const places = new Map(present.tenants.map(({ id }, i) => [id, i]));
  const placeOf = ({ id }: Tenant): number => places.get(id) ?? places.size;
  return { ...next, tenants: next.tenants.toSorted((a, b) => placeOf(a) - placeOf(b)) };
}

/** The keys that differ and cannot be taken up while the daemon runs. */
export function needsRestart(present: Config, next: Config): string[] {
  const fixed = FIXED.filter((key) => !isDeepStrictEqual(present[key], next[key]));
  return [...fixed, ...tenantsThatDiffer(present, next)];
}

/** One sentence of those keys. */
export function restartReason(keys: readonly string[]): string {
  const more = keys.length > MAX_NAMED ? ` and ${keys.length - MAX_NAMED} more` : '';
  return `a change of ${keys.slice(0, MAX_NAMED).join(', ')}${more} needs a restart (systemctl restart weir)`;
}

/** Beyond plan and enforcement, which nothing that is metered depends on. */
function tenantsThatDiffer(present: Config, next: Config): string[] {
  const [before, after] = [present, next].map(fixedOfTenants);
  const ids = [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])];
  return ids.flatMap((id) => {
    const [one, other] = [before?.get(id), after?.get(id)];
    if (one === undefined || other === undefined) return [`tenants.${id}`];
    const keys = (['addresses', 'macs', 'workload'] as const).filter((key) => !isDeepStrictEqual(one[key], other[key]));
    return keys.map((key) => `tenants.${id}.${key}`);
  });
}

function fixedOfTenants({ tenants, workloads }: Config) {
  const workloadOf = new Map(workloads.map(({ tenant, workload }) => [tenant, workload]));
  return new Map(tenants.map(({ id, addresses, macs }) => [id, { addresses, macs, workload: workloadOf.get(id) }]));
}
