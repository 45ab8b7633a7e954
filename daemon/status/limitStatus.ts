/** How the status shows what enforcement decided. */
import type { EnforcedLimit } from '../enforcement/enforcer.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { LimitStatus } from './snapshot.ts';

export function limitStatus(
  { limit, decision, inForce, failure }: EnforcedLimit,
  tenants: readonly Tenant[],
  nowMs: number,
): LimitStatus {
  const planned = tenants.find(({ id }) => id === decision.tenant)?.plan.limitBps ?? 0;
  return {
    tenant: decision.tenant,
    direction: null,
    rateBps: limit?.rateBps ?? planned,
    state: stateOf(limit !== null, inForce, decision.action, failure),
    reason: failure ?? (limit === null ? decision.reason : limit.reason),
    since: new Date(limit?.sinceMs ?? nowMs).toISOString(),
    until: limit?.untilMs == null ? null : new Date(limit.untilMs).toISOString(),
  };
}

function stateOf(
  isWanted: boolean,
  inForce: boolean,
  action: EnforcedLimit['decision']['action'],
  failure: string | null,
): LimitStatus['state'] {
  if (failure !== null) return 'failed';
  if (isWanted) return inForce ? 'inForce' : 'pending';
  return action === 'exempt' ? 'exempt' : 'observed';
}
