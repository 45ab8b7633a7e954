/** Which limits are wanted: incidents, plans and the limits that stand → limits, and what was decided for each tenant and why. */
import { formatDuration } from '../config/units.ts';
import type { DetectorMode } from '../detectors/detector.ts';
import type { Incident } from '../incidents/incident.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import { type ObservationPoint, pointsOf } from '../tenants/accounting.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { Limit, StandingLimit } from './limit.ts';
import { ownPrefixes } from './ownPrefixes.ts';

/** The signature whose incidents lead to a limit. */
const SIGNATURE = 'bandwidthThreshold';

export interface EnforcementPolicy {
  readonly mode: 'observe' | 'enforce';
  /** How long a limit stays once no incident is open. */
  readonly holdMs: number;
}

export interface PolicyInput {
  readonly incidents: readonly Incident[];
  /** By tenant number - 1. */
  readonly tenants: readonly Tenant[];
  readonly interfaces: readonly ObservationPoint[];
  /** The limits of the last answer. */
  readonly current: readonly StandingLimit[];
  readonly enforcement: EnforcementPolicy;
  readonly detectorModes: Readonly<Record<string, DetectorMode>>;
  readonly nowMs: Milliseconds;
}

export type Action = 'limit' | 'would limit' | 'exempt' | 'hold' | 'release';

export interface Decision {
  readonly tenant: string;
  readonly action: Action;
  readonly reason: string;
}

export interface PolicyAnswer {
  readonly limits: readonly StandingLimit[];
  readonly decisions: readonly Decision[];
}

/**
 * A limit hides its own cause: a capture behind it sees the threshold no longer passed. So it is lifted by time alone,
 * `holdMs` after the last moment at which an incident was open.
 */
export function wantedLimits(input: PolicyInput): PolicyAnswer {
  const ids = new Set([...input.incidents.filter(isCause), ...input.current].map(({ tenant }) => tenant));
  const verdicts = [...ids].map((id) => judge(id, input));
  return {
    limits: verdicts.flatMap(({ limits }) => limits),
    decisions: verdicts.map(({ tenant, action, reason }) => ({ tenant, action, reason })),
  };
}

interface Verdict extends Decision {
  readonly limits: readonly StandingLimit[];
}

const isCause = ({ signature, state }: Incident): boolean => signature === SIGNATURE && state === 'open';

function judge(id: string, input: PolicyInput): Verdict {
  const { enforcement, nowMs } = input;
  const tenant = input.tenants.find((each) => each.id === id);
  const places = tenant === undefined ? [] : placesOf(tenant, input);
  const open = input.incidents.filter((incident) => incident.tenant === id && isCause(incident));
  const standing = input.current.find((limit) => limit.tenant === id);
  const refusal = refuse(tenant, places, input);
  if (refusal !== null)
    return { tenant: id, limits: [], ...(open.length > 0 ? refusal : { ...refusal, action: 'release' }) };

  const cause = open.find(({ detector }) => input.detectorModes[detector] === 'enforce');
  const limitUntil = (untilMs: Milliseconds, reason: string): StandingLimit[] =>
    places.map((place) => ({ ...place, sinceMs: standing?.sinceMs ?? nowMs, untilMs, reason }));
  if (cause !== undefined) {
    const limits = limitUntil(nowMs + enforcement.holdMs, cause.id);
    return { tenant: id, action: 'limit', reason: `incident ${cause.id} is open`, limits };
  }
  if (standing !== undefined && standing.untilMs > nowMs) {
    const limits = limitUntil(standing.untilMs, standing.reason);
    const left = formatDuration(Math.ceil((standing.untilMs - nowMs) / 1000) * 1000);
    return { tenant: id, action: 'hold', reason: `${left} of the hold are left`, limits };
  }
  if (standing !== undefined) return { tenant: id, action: 'release', reason: 'the hold is over', limits: [] };
  return {
    tenant: id,
    action: 'would limit',
    reason: `detectors.${open[0]?.detector}.mode is not enforce`,
    limits: [],
  };
}

/** Why the tenant is not limited, whatever it does; null: it may be. */
function refuse(
  tenant: Tenant | undefined,
  places: readonly Limit[],
  { enforcement }: PolicyInput,
): Pick<Decision, 'action' | 'reason'> | null {
  if (tenant === undefined) return { action: 'exempt', reason: 'no such tenant is configured' };
  if (tenant.plan.guaranteed) return { action: 'exempt', reason: 'plan.guaranteed: its bandwidth is guaranteed' };
  if (tenant.plan.limitBps === null) return { action: 'exempt', reason: 'plan.limit is not set' };
  if (places.length === 0) return { action: 'exempt', reason: 'it has no port and no interface faces the internet' };
  return enforcement.mode === 'observe' ? { action: 'would limit', reason: 'enforcement.mode is observe' } : null;
}

/** The tenant's limit at each of its own ports, or, where it has none, at each interface to the internet. */
function placesOf(tenant: Tenant, { tenants, interfaces }: PolicyInput): Limit[] {
  const { limitBps } = tenant.plan;
  if (limitBps === null) return [];
  const addresses = ownPrefixes(tenant, tenants);
  const slot = tenants.indexOf(tenant) + 1;
  return pointsOf(tenant.id, interfaces).map(({ name, faces }) => ({
    tenant: tenant.id,
    slot,
    rateBps: limitBps,
    addresses,
    interface: name,
    faces,
  }));
}
