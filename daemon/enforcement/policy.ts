/**
 * Which limits are wanted: incidents, plans, orders by hand and what is remembered → limits, and what was decided for each
 * tenant and why. Pure: time is an argument, and what it remembers comes in and goes out as plain data.
 */
import { formatDuration, formatRate } from '../config/units.ts';
import type { DetectorMode } from '../detectors/detector.ts';
import type { Incident } from '../incidents/incident.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import type { StandingLimit } from './limit.ts';
import type { Places } from './places.ts';

/** The clause whose incidents lead to a limit. */
const CLAUSE = 'network.throughput';
/** What a call of G.711 takes each way, with its headers and its control (RFC 3551, 3550). */
export const CALL_BPS = 90_000;
/**
 * Of the threshold of the tenant's plan: who offers so much to a limit keeps it. The detector's own hysteresis. It is not a
 * share of the limit: a tenant that does well within it would never be rid of it.
 */
const PRESSING = 0.7;
/** Of its port, where the plan has no threshold of bits: at what sustainedThroughput is over by default. */
const PRESSING_OF_PORT = 0.5;
/** Holds are longer by up to this share, so that limits that were set together are not lifted together. */
const JITTER = 0.1;
const MINUTE_MS = 60_000;

export interface EnforcementPolicy {
  readonly mode: 'observe' | 'enforce';
  /** How long a limit stays after the last sign of its cause. */
  readonly holdMs: Milliseconds;
  /** A tenant that is limited again is held twice as long as the time before, and no longer than this. */
  readonly maxHoldMs: Milliseconds;
  /** A tenant that was not limited for so long is as one that never was. */
  readonly forgetAfterMs: Milliseconds;
  /** How long a tenant is left alone that was released by hand. */
  readonly graceMs: Milliseconds;
  /** Incidents lead to no more limits within a minute; beyond, limiting stops. */
  readonly limitsPerMinute: number;
  /** Nobody is limited to less where it is not known how many calls are up. */
  readonly voiceFloorBps: number;
  /** Ids of tenants for whom nothing but a look is taken. */
  readonly observedTenants: ReadonlySet<string>;
}

/** What is remembered of a tenant whose limit was lifted. */
export interface LimitHistory {
  readonly tenant: string;
  /** How often an incident led to a limit. */
  readonly times: number;
  readonly endedMs: Milliseconds;
  /** No incident leads to a limit until then; 0: any may. */
  readonly graceUntilMs: Milliseconds;
}

export interface PolicyMemory {
  readonly limits: readonly StandingLimit[];
  readonly histories: readonly LimitHistory[];
  /** When incidents led to limits, in the last minute. */
  readonly setMs: readonly Milliseconds[];
  /** The last moment at which a limit was kept from being set because there were too many; null: limits are set. */
  readonly stoppedMs: Milliseconds | null;
}

export const NOTHING: PolicyMemory = { limits: [], histories: [], setMs: [], stoppedMs: null };

export interface PolicyInput {
  readonly incidents: readonly Incident[];
  readonly places: Places;
  readonly memory: PolicyMemory;
  readonly policy: EnforcementPolicy;
  readonly detectorModes: Readonly<Record<string, DetectorMode>>;
  /** What limited tenants offer, in bit/s of the larger direction; those that are not named are not known. */
  readonly offeredBps: ReadonlyMap<string, number>;
  /** Calls up, by tenant; those that are not named are not known. */
  readonly calls: ReadonlyMap<string, number>;
  readonly nowMs: Milliseconds;
  /** Of the jitter. */
  readonly seed: number;
}

export type Action = 'limit' | 'would limit' | 'exempt' | 'hold' | 'release';

export interface Decision {
  readonly tenant: string;
  readonly action: Action;
  readonly reason: string;
}

export interface PolicyAnswer {
  readonly memory: PolicyMemory;
  readonly decisions: readonly Decision[];
}

/** What is decided for one tenant; `limit`: what stands then. */
interface Verdict extends Decision {
  readonly limit: StandingLimit | null;
}

export function decide(input: PolicyInput): PolicyAnswer {
  const causes = Map.groupBy(input.incidents.filter(isCause), ({ tenant }) => tenant);
  const standing = new Map(input.memory.limits.map((limit) => [limit.tenant, limit]));
  const histories = recent(input);
  const brake = new Brake(input);
  const verdicts = [...new Set([...causes.keys(), ...standing.keys()])].map((tenant) =>
    judge({
      input,
      brake,
      tenant,
      open: causes.get(tenant) ?? [],
      standing: standing.get(tenant) ?? null,
      history: histories.get(tenant) ?? null,
    }),
  );
  for (const { tenant, action } of verdicts) {
    const limit = standing.get(tenant);
    if (action === 'release' && limit?.incident) histories.set(tenant, ended(limit, histories.get(tenant), input));
  }
  return {
    memory: {
      limits: verdicts.flatMap(({ limit }) => limit ?? []),
      histories: [...histories.values()],
      ...brake.memory(),
    },
    decisions: verdicts.map(({ tenant, action, reason }) => ({ tenant, action, reason })),
  };
}

const isCause = ({ clause, state }: Incident): boolean => clause === CLAUSE && state === 'open';

/** Sets a limit by hand, in place of one that stands. It is held to what `decide` says of it. */
export function order(memory: PolicyMemory, limit: StandingLimit): PolicyMemory {
  const before = memory.limits.find(({ tenant }) => tenant === limit.tenant);
  const others = memory.limits.filter((each) => each !== before);
  return { ...memory, limits: [...others, { ...limit, sinceMs: before?.sinceMs ?? limit.sinceMs }] };
}

/** Lifts a limit by hand: no incident leads to another within the grace. */
export function release(
  memory: PolicyMemory,
  tenant: string,
  graceMs: Milliseconds,
  nowMs: Milliseconds,
): PolicyMemory {
  const history = memory.histories.find((each) => each.tenant === tenant);
  const released = { tenant, times: history?.times ?? 0, endedMs: nowMs, graceUntilMs: nowMs + graceMs };
  return {
    ...memory,
    limits: memory.limits.filter((limit) => limit.tenant !== tenant),
    histories: [...memory.histories.filter((each) => each !== history), released],
  };
}

/** Histories that still count; a clock that was set back does not make one last for ever. */
function recent({ memory, policy, nowMs }: PolicyInput): Map<string, LimitHistory> {
  const counting = memory.histories.filter(
    ({ endedMs, graceUntilMs }) => Math.abs(nowMs - endedMs) < policy.forgetAfterMs || nowMs < graceUntilMs,
  );
  return new Map(counting.map((history) => [history.tenant, history]));
}

const ended = ({ tenant }: StandingLimit, history: LimitHistory | undefined, { nowMs }: PolicyInput): LimitHistory => ({
  tenant,
  times: (history?.times ?? 0) + 1,
  endedMs: nowMs,
  graceUntilMs: 0,
});

interface Case {
  readonly input: PolicyInput;
  readonly brake: Brake;
  readonly tenant: string;
  readonly open: readonly Incident[];
  readonly standing: StandingLimit | null;
  readonly history: LimitHistory | null;
}

function judge(subject: Case): Verdict {
  const { tenant, standing, open, input } = subject;
  const refused = refuse(subject);
  // Where nothing wants it any more, a limit that may not be goes like every other.
  if (refused !== null && open.length === 0) return { tenant, limit: null, action: 'release', reason: refused.reason };
  if (refused !== null) return { tenant, limit: null, ...refused };
  if (standing?.by == null) return standing === null ? judgeNew(subject) : judgeStanding(subject, standing);
  const isOver = standing.untilMs !== null && standing.untilMs <= input.nowMs;
  return isOver && open.length > 0 ? judgeNew(subject) : judgeOrder(standing, isOver, input);
}

type Refusal = Pick<Decision, 'action' | 'reason'>;
const exempt = (reason: string): Refusal => ({ action: 'exempt', reason });
const observed = (reason: string): Refusal => ({ action: 'would limit', reason });

/** Why there is no limit, whatever the tenant does; null: there may be one. */
function refuse({ tenant, standing, input }: Case): Refusal | null {
  const { places, policy } = input;
  const exemption = places.exemption(tenant);
  if (exemption !== null) return exempt(exemption);
  if (policy.mode === 'observe') return observed('enforcement.mode is observe');
  if (standing !== null && standing.by !== null) return null;
  if (places.tenant(tenant)?.plan.limitBps == null) return exempt('plan.limit is not set');
  return policy.observedTenants.has(tenant) ? observed(`tenants.${tenant}.enforcement is observe`) : null;
}

function judgeOrder(limit: StandingLimit, isOver: boolean, input: PolicyInput): Verdict {
  const { tenant, by, reason } = limit;
  if (isOver) return { tenant, action: 'release', reason: 'its time is over', limit: null };
  const rateBps = aboveVoice(limit.rateBps, tenant, input);
  return { tenant, action: 'limit', reason: `${reason} (set by ${by})`, limit: { ...limit, rateBps } };
}

function judgeNew({ input, brake, tenant, open, history }: Case): Verdict {
  const would = (reason: string): Verdict => ({ tenant, action: 'would limit', reason, limit: null });
  const { nowMs, policy, seed } = input;
  const cause = open.find(({ detector }) => input.detectorModes[detector] === 'enforce');
  if (cause === undefined) return would(`detectors.${open[0]?.detector}.mode is not enforce`);
  if (history !== null && nowMs < history.graceUntilMs)
    return would(`it was released by hand: left alone for another ${spanUntil(history.graceUntilMs, nowMs)}`);
  if (!brake.allows()) return would(`limiting has stopped: more than ${policy.limitsPerMinute} limits within a minute`);
  const doubled = Math.min(policy.holdMs * 2 ** (history?.times ?? 0), policy.maxHoldMs);
  const holdMs = Math.round(doubled * (1 + JITTER * fraction(`${seed} ${tenant} ${nowMs}`)));
  const reason = reasonOf(cause);
  return {
    tenant,
    action: 'limit',
    reason,
    limit: {
      tenant,
      rateBps: planRate(tenant, input),
      sinceMs: nowMs,
      untilMs: nowMs + holdMs,
      holdMs,
      reason,
      incident: cause.id,
      by: null,
    },
  };
}

function judgeStanding({ input, tenant, open }: Case, before: StandingLimit): Verdict {
  const { nowMs } = input;
  const rateBps = planRate(tenant, input);
  const limit = rateBps === before.rateBps ? before : { ...before, rateBps };
  const extended = (reason: string, changes: Partial<StandingLimit>): Verdict => {
    const untilMs = Math.max(nowMs + limit.holdMs, limit.untilMs ?? 0);
    return { tenant, action: 'limit', reason, limit: { ...limit, untilMs, ...changes } };
  };
  const cause = open.find(({ detector }) => input.detectorModes[detector] === 'enforce');
  if (cause !== undefined) return extended(reasonOf(cause), { incident: cause.id, reason: reasonOf(cause) });
  const offered = input.offeredBps.get(tenant) ?? 0;
  const pressingBps = pressingBpsOf(tenant, input);
  if (offered >= pressingBps)
    return extended(`${formatRate(offered)} are offered to it still, it stays from ${formatRate(pressingBps)} on`, {});
  if (limit.untilMs !== null && limit.untilMs <= nowMs)
    return { tenant, action: 'release', reason: 'the hold is over', limit: null };
  const left = spanUntil(limit.untilMs ?? nowMs, nowMs);
  return { tenant, action: 'hold', reason: `${left} of the hold are left`, limit };
}

/** Infinity: it is not known what would be too much. */
function pressingBpsOf(tenant: string, { places }: PolicyInput): number {
  const { threshold = null, portBps = null } = places.tenant(tenant)?.plan ?? {};
  if (threshold?.rateBps != null) return threshold.rateBps * PRESSING;
  return portBps === null ? Infinity : portBps * PRESSING_OF_PORT;
}

const reasonOf = ({ id, signature, direction }: Incident): string =>
  `${direction === null ? '' : `${direction} `}${signature}, incident ${id}`;

const spanUntil = (untilMs: Milliseconds, nowMs: Milliseconds): string =>
  formatDuration(Math.ceil((untilMs - nowMs) / 1000) * 1000);

const planRate = (tenant: string, input: PolicyInput): number =>
  aboveVoice(input.places.tenant(tenant)?.plan.limitBps ?? 0, tenant, input);

/** A tenant that is limited can still phone: enough for the calls that are up, or for those that may be. */
function aboveVoice(rateBps: number, tenant: string, { calls, policy }: PolicyInput): number {
  const up = calls.get(tenant);
  return Math.max(rateBps, up === undefined ? policy.voiceFloorBps : up * CALL_BPS);
}

/**
 * Stops limiting when too many limits come at once: a detector, or a threshold, is wrong then. It goes on when nobody has
 * been kept waiting for a minute.
 */
class Brake {
  readonly #input: PolicyInput;
  readonly #setMs: Milliseconds[];
  #stoppedMs: Milliseconds | null;

  constructor(input: PolicyInput) {
    const { memory, nowMs } = input;
    const isRecent = (ms: Milliseconds): boolean => Math.abs(nowMs - ms) < MINUTE_MS;
    this.#input = input;
    this.#setMs = memory.setMs.filter(isRecent);
    this.#stoppedMs = memory.stoppedMs !== null && isRecent(memory.stoppedMs) ? memory.stoppedMs : null;
  }

  /** Whether one more may be set, which then counts. */
  allows(): boolean {
    const { policy, nowMs } = this.#input;
    if (this.#stoppedMs === null && this.#setMs.length < policy.limitsPerMinute) {
      this.#setMs.push(nowMs);
      return true;
    }
    this.#stoppedMs = nowMs;
    return false;
  }

  memory(): Pick<PolicyMemory, 'setMs' | 'stoppedMs'> {
    return { setMs: this.#setMs, stoppedMs: this.#stoppedMs };
  }
}

/** 0 … 1 from a text, the same for the same: FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) / 2 ** 32;
}
