/** How the status shows what enforcement decided. */
import type { Config } from '../config/config.ts';
import type { EnforcedLimit, Enforcer } from '../enforcement/enforcer.ts';
import type { StandingLimit } from '../enforcement/limit.ts';
import type { DirectionState } from '../enforcement/limiter.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { EnforcementStatus, LimitStatus, LimitTraffic } from './snapshot.ts';

export function limitStatus(enforced: EnforcedLimit, tenants: readonly Tenant[], nowMs: number): LimitStatus {
  const { limit, decision, inForce, failure, offeredBps, callsUp } = enforced;
  const planned = tenants.find(({ id }) => id === decision.tenant)?.plan.limitBps ?? 0;
  return {
    tenant: decision.tenant,
    direction: null,
    rateBps: limit?.rateBps ?? planned,
    state: stateOf(limit !== null, inForce, decision.action, failure),
    reason: failure ?? (limit === null ? decision.reason : reasonOf(limit)),
    since: new Date(limit?.sinceMs ?? nowMs).toISOString(),
    until: limit?.untilMs == null ? null : new Date(limit.untilMs).toISOString(),
    by: limit?.by ?? null,
    incident: limit?.incident ?? null,
    offeredBps,
    callsUp,
    outbound: traffic(enforced.outbound),
    inbound: traffic(enforced.inbound),
  };
}

export function enforcementStatus(mode: Config['enforcement']['mode'], state: Enforcer['state']): EnforcementStatus {
  const { capabilities, stoppedMs, error } = state;
  return {
    mode,
    queues: capabilities === null ? null : capabilities.fqCodel ? 'fq_codel' : 'fifo',
    stoppedAt: stoppedMs === null ? null : new Date(stoppedMs).toISOString(),
    error,
  };
}

const reasonOf = ({ reason, by }: StandingLimit): string => (by === null ? reason : `${reason} (set by ${by})`);

/** The tenant's queues are one set, whatever interface its packets come from; what was steered there is added up. */
function traffic(places: readonly DirectionState[]): LimitTraffic | null {
  const [first] = places;
  if (first === undefined) return null;
  const offered = places.map((place) => place.offered).filter((counter) => counter !== null);
  const sum = (field: 'packets' | 'bytes'): number => offered.reduce((total, counter) => total + counter[field], 0);
  return {
    offered: offered.length === 0 ? null : { packets: sum('packets'), bytes: sum('bytes') },
    voice: queue(first.voice),
    bulk: queue(first.bulk),
  };
}

const queue = (counter: DirectionState['voice']): LimitTraffic['voice'] =>
  counter === null ? null : { packets: counter.packets, bytes: counter.bytes, drops: counter.drops };

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
