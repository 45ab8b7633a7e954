/** Turns open incidents, and orders by hand, into limits in the kernel, and lifts them: policy and limiter, driven by the daemon's tick. */
import type { BaseLogger } from 'pino';
import type { Milliseconds } from '../../probes/probe.ts';
import type { Config } from '../config/config.ts';
import { formatRate } from '../config/units.ts';
import type { DetectorMode } from '../detectors/detector.ts';
import type { Incident } from '../incidents/incident.ts';
import { LogLimiter } from '../log.ts';
import { messageOf } from '../messageOf.ts';
import type { Capabilities } from './capabilities.ts';
import type { Limit, StandingLimit } from './limit.ts';
import type { DirectionState, Limiter, LimitState } from './limiter.ts';
import type { LimitStore } from './limitStore.ts';
import type { EnforcementState } from './notices.ts';
import { OfferedLoad } from './offeredLoad.ts';
import { Places } from './places.ts';
import { MIN_RATE_BPS } from './plan.ts';
import { type Decision, decide, type EnforcementPolicy, NOTHING, order, type PolicyMemory, release } from './policy.ts';
import { SavedPolicy } from './savedPolicy.ts';
import type { WriterLock } from './writerLock.ts';

/** How often incidents are judged though none came or went. */
const JUDGE_MS = 1_000;
/** How often what failed is tried again. */
const RETRY_MS = 1_000;
/** How often counters are read, at most: several times within a hold. */
const COUNT_MS = 10_000;
/** Of 1,000 limits every 30 s: to read them takes 100 ms of CPU. */
const COUNT_MS_PER_LIMIT = 30;
/** How often all that stands in the kernel is compared. */
const VERIFY_MS = 60_000;
const OWN_ADDRESSES_MS = 10_000;

/** What is shown of one limit, or of one that is not set, and why. */
export interface EnforcedLimit {
  readonly limit: StandingLimit | null;
  readonly decision: Decision;
  /** Whether the kernel holds it now. */
  readonly inForce: boolean;
  /** Why the kernel does not hold it; null: it does, or will at once. */
  readonly failure: string | null;
  /** Bit/s of the larger direction; null: not known. */
  readonly offeredBps: number | null;
  /** null: not known. */
  readonly callsUp: number | null;
  /** When it was last seen that it drops packets of calls; null: never. */
  readonly voiceDroppedMs: Milliseconds | null;
  /** What the kernel has counted, at each interface where the limit is. */
  readonly outbound: readonly DirectionState[];
  readonly inbound: readonly DirectionState[];
}

/** An order for a limit by hand. */
export interface Order {
  readonly tenant: string;
  readonly rateBps: number;
  /** null: until it is lifted by hand. */
  readonly forMs: Milliseconds | null;
  readonly reason: string;
  readonly by: string;
}

export interface EnforcerOptions {
  readonly config: Config;
  readonly limiter: Limiter;
  readonly log: Pick<BaseLogger, 'info' | 'warn' | 'error'>;
  /** The host's own addresses, as CIDR blocks. */
  readonly ownAddresses: () => readonly string[];
  /** Of the jitter of holds. */
  readonly seed: number;
  /** null: nothing is kept over a restart. */
  readonly store: LimitStore | null;
  /** Who may change the kernel; null: nobody else can. */
  readonly lock: Pick<WriterLock, 'take' | 'release'> | null;
}

export class Enforcer {
  readonly #options: EnforcerOptions;
  #policy: EnforcementPolicy;
  #detectorModes: Readonly<Record<string, DetectorMode>>;
  #places: Places;
  readonly #limiter: Limiter;
  readonly #saved: SavedPolicy | null;
  readonly #load = new OfferedLoad();
  #incidents: readonly Incident[] = [];
  #memory: PolicyMemory = NOTHING;
  #decisions: readonly Decision[] = [];
  #wanted: readonly Limit[] = [];
  #wantedKeys: ReadonlySet<string> = new Set();
  /** What the limiter was last asked for, and what of it the kernel holds, as keys. */
  #applied: ReadonlySet<string> = new Set();
  #standing: ReadonlySet<string> = new Set();
  #busy: Promise<void> = Promise.resolve();
  #isBusy = false;
  #ownReadMs = -Infinity;
  #judgedMs = -Infinity;
  #triedMs = -Infinity;
  #countedMs = -Infinity;
  /** The reading of the counters that was looked at last. */
  #observedMs = Number.NaN;
  #verifiedMs = 0;
  readonly #logLimiter = new LogLimiter();

  constructor(options: EnforcerOptions) {
    const { config, limiter } = options;
    this.#options = options;
    this.#policy = policyOf(config);
    this.#detectorModes = modesOf(config);
    this.#places = placesOf(config);
    this.#limiter = limiter;
    this.#saved = options.store === null ? null : new SavedPolicy(options.store);
  }

  /**
   * Takes up the limits of the last run, as far as their time is not over, and removes what else a killed daemon left. To
   * enforce, the kernel must be able to limit; to observe, it is only looked at.
   */
  async start(nowMs: Milliseconds): Promise<void> {
    const { lock, log } = this.#options;
    this.#memory = this.#saved?.load() ?? NOTHING;
    this.#places.observeOwn(this.#options.ownAddresses());
    this.#decide([], nowMs);
    const taken = lock?.take() ?? null;
    if (this.#policy.mode === 'enforce') {
      if (taken !== null) throw new Error(`Cannot limit here: ${taken}`);
      await this.#limiter.start(this.#wanted);
      this.#standing = this.#applied = new Set(this.#wanted.map(keyOf));
    } else {
      const looked = taken === null ? this.#limiter.clean() : Promise.reject(new Error(taken));
      await looked.catch((error: unknown) => log.warn(`Cannot look for limits of an earlier run: ${messageOf(error)}`));
    }
  }

  /**
   * Takes up another configuration of the same tenants and interfaces. Rejects, with everything as it was, where limits are to
   * be set and cannot, or are to be lifted and stay.
   */
  async reconfigure(config: Config, nowMs: Milliseconds): Promise<void> {
    const { mode, exempt } = config.enforcement;
    await this.#busy;
    this.#isBusy = true;
    try {
      if (mode !== this.#policy.mode) await this.#turn(mode);
    } finally {
      this.#isBusy = false;
    }
    this.#policy = policyOf(config);
    this.#detectorModes = modesOf(config);
    this.#places = placesOf(config);
    this.#places.observeOwn(this.#options.ownAddresses());
    // What fails from here on is tried again, as always.
    await this.#limiter.exempt(exempt.prefixes).catch(() => {});
    await this.#settle(nowMs);
  }

  /** Gets the kernel ready for limits, or rid of them. */
  async #turn(mode: EnforcementPolicy['mode']): Promise<void> {
    // What is applied is not known any more, whatever comes of it.
    this.#applied = this.#standing = new Set();
    if (mode === 'observe') return this.#limiter.stop();
    const taken = this.#options.lock?.take() ?? null;
    if (taken !== null) throw new Error(`Cannot limit here: ${taken}`);
    await this.#limiter.start([]).catch(async (error: unknown) => {
      await this.#limiter.clean().catch(() => {}); // so that its failure is not taken for one of the present limits
      throw error;
    });
  }

  /** Leaves every interface as it was found; or the limits where they are, for the daemon that comes next to adopt. */
  async stop({ keepLimits = false } = {}): Promise<void> {
    await this.#busy;
    // Once more: nothing comes after it that would try again.
    if (this.#policy.mode === 'enforce' && !keepLimits) await this.#limiter.stop().catch(() => this.#limiter.stop());
    this.#options.lock?.release();
  }

  /** Decides anew where incidents came or went, or it is time; to be called several times a second, and when an incident opens. */
  tick(incidents: readonly Incident[], nowMs: Milliseconds): void {
    if (isDue(this.#ownReadMs, OWN_ADDRESSES_MS, nowMs)) {
      this.#places.observeOwn(this.#options.ownAddresses());
      this.#ownReadMs = nowMs;
    }
    const isSame =
      incidents.length === this.#incidents.length && incidents.every((each, i) => each.id === this.#incidents[i]?.id);
    if (!isSame || isDue(this.#judgedMs, JUDGE_MS, nowMs)) this.#decide(incidents, nowMs);
    this.#carryOut(nowMs);
  }

  #decide(incidents: readonly Incident[], nowMs: Milliseconds): void {
    this.#incidents = incidents;
    this.#judgedMs = nowMs;
    const { memory, decisions } = decide({
      incidents,
      places: this.#places,
      memory: this.#memory,
      policy: this.#policy,
      detectorModes: this.#detectorModes,
      offeredBps: this.#load.bps,
      calls: new Map(),
      nowMs,
      seed: this.#options.seed,
    });
    this.#tell(decisions);
    this.#memory = memory;
    this.#decisions = decisions;
    this.#wanted = memory.limits.flatMap((limit) => this.#places.of(limit));
    this.#wantedKeys = new Set(this.#wanted.map(keyOf));
    this.#saved?.save(memory, decisions, nowMs);
  }

  limits(): EnforcedLimit[] {
    const { limits: states, error } = this.#limiter.state();
    const statesOf = Map.groupBy(states, ({ tenant }) => tenant);
    const limitOf = new Map(this.#memory.limits.map((limit) => [limit.tenant, limit]));
    return this.#decisions
      .filter(({ action }) => action !== 'release')
      .map((decision) => this.#enforced(decision, limitOf.get(decision.tenant), statesOf.get(decision.tenant), error));
  }

  /** What there is to tell of limiting as a whole. */
  get state(): EnforcementState & { readonly capabilities: Capabilities | null } {
    const { capabilities, error } = this.#limiter.state();
    const { limitsPerMinute } = this.#policy;
    return { stoppedMs: this.#memory.stoppedMs, limitsPerMinute, error, capabilities };
  }

  #enforced(
    decision: Decision,
    limit: StandingLimit | undefined,
    states: readonly LimitState[] = [],
    error: string | null,
  ): EnforcedLimit {
    const refused = states.find((state) => state.refused !== null)?.refused ?? null;
    const failure = limit === undefined ? null : (refused ?? error);
    const places = limit === undefined ? [] : this.#places.of(limit);
    return {
      limit: limit ?? null,
      decision,
      failure,
      inForce: limit !== undefined && failure === null && places.every((place) => this.#standing.has(keyOf(place))),
      offeredBps: limit === undefined ? null : (this.#load.bps.get(decision.tenant) ?? null),
      callsUp: null,
      voiceDroppedMs: this.#load.voiceDroppedMs(decision.tenant),
      outbound: states.map(({ outbound }) => outbound),
      inbound: states.map(({ inbound }) => inbound),
    };
  }

  /** Sets a limit by hand. Resolves when the kernel holds it, or does not; with why it may not, where it may not. */
  async order({ tenant, rateBps, forMs, reason, by }: Order, nowMs: Milliseconds): Promise<string | null> {
    const why = this.#whyNot(tenant, rateBps);
    if (why !== null) return `Cannot limit ${tenant}: ${why}`;
    const untilMs = forMs === null ? null : nowMs + forMs;
    const limit = { tenant, rateBps, sinceMs: nowMs, untilMs, holdMs: 0, reason, incident: null, by };
    this.#options.log.info({ tenant, rateBps, forMs, reason, by }, 'enforcement: limit by hand');
    this.#memory = order(this.#memory, limit);
    await this.#settle(nowMs);
    return null;
  }

  /** Lifts a limit by hand, whatever set it. Resolves when the kernel has none; with why not, where there was none. */
  async release(tenant: string, by: string, nowMs: Milliseconds): Promise<string | null> {
    if (!this.#memory.limits.some((limit) => limit.tenant === tenant)) return `${tenant} is not limited`;
    this.#options.log.info({ tenant, by }, 'enforcement: release by hand');
    this.#saved?.released(tenant, by);
    this.#memory = release(this.#memory, tenant, this.#policy.graceMs, nowMs);
    await this.#settle(nowMs);
    return null;
  }

  #whyNot(tenant: string, rateBps: number): string | null {
    if (this.#policy.mode === 'observe') return 'enforcement.mode is observe';
    if (rateBps < MIN_RATE_BPS) return `${formatRate(rateBps)} is below ${formatRate(MIN_RATE_BPS)}`;
    return this.#places.exemption(tenant);
  }

  /** Until what is wanted now has been tried. */
  async #settle(nowMs: Milliseconds): Promise<void> {
    await this.#busy;
    this.#decide(this.#incidents, nowMs);
    this.#carryOut(nowMs);
    await this.#busy;
  }

  /** One run at a time; what changes meanwhile is taken up when it ends. */
  #carryOut(nowMs: Milliseconds): void {
    if (this.#isBusy || this.#policy.mode === 'observe') return;
    const wanted = this.#wantedKeys;
    const work = this.#nextWork(wanted, nowMs);
    if (work === null) return;
    this.#isBusy = true;
    this.#busy = work.then(
      () => this.#noteEnd(wanted, nowMs),
      (error: unknown) => {
        if (this.#logLimiter.allows('failure', nowMs))
          this.#options.log.error(`${messageOf(error)} (tried again every second)`);
        this.#triedMs = nowMs;
        this.#noteEnd(new Set(), nowMs);
      },
    );
  }

  /** What is to be done in the kernel now; null: nothing. */
  #nextWork(wanted: ReadonlySet<string>, nowMs: Milliseconds): Promise<void> | null {
    const { error } = this.#limiter;
    if (!isSame(wanted, this.#applied)) {
      this.#applied = wanted;
      return this.#limiter.apply(this.#wanted);
    }
    if (error !== null) return isDue(this.#triedMs, RETRY_MS, nowMs) ? this.#limiter.check() : null;
    if (wanted.size === 0) return null;
    if (isDue(this.#verifiedMs, VERIFY_MS, nowMs)) {
      this.#verifiedMs = nowMs;
      return this.#limiter.verify();
    }
    const countMs = Math.max(COUNT_MS, wanted.size * COUNT_MS_PER_LIMIT);
    if (isDue(this.#countedMs, Math.min(countMs, this.#policy.holdMs / 4), nowMs)) {
      this.#countedMs = nowMs;
      return this.#limiter.count();
    }
    return this.#limiter.check();
  }

  #noteEnd(standing: ReadonlySet<string>, nowMs: Milliseconds): void {
    this.#isBusy = false;
    this.#standing = standing;
    const { readMs, error } = this.#limiter;
    if (!Object.is(readMs, this.#observedMs)) this.#load.observe(readMs, this.#limiter.state().limits, nowMs);
    this.#observedMs = readMs;
    if (error === null && !isSame(this.#wantedKeys, this.#applied)) this.#carryOut(nowMs);
  }

  /** Says each decision once, when it is new. */
  #tell(decisions: readonly Decision[]): void {
    const before = new Map(this.#decisions.map(({ tenant, action }) => [tenant, action]));
    for (const { tenant, action, reason } of decisions)
      if (before.get(tenant) !== action) this.#options.log.info({ tenant, reason }, `enforcement: ${action}`);
  }
}

const policyOf = ({ enforcement }: Config): EnforcementPolicy => ({
  ...enforcement,
  observedTenants: new Set(enforcement.observedTenants),
});

const modesOf = ({ detectors }: Config): Record<string, DetectorMode> =>
  Object.fromEntries(Object.entries(detectors).map(([id, { mode }]) => [id, mode]));

const placesOf = ({ tenants, interfaces, enforcement }: Config): Places =>
  new Places({ tenants, interfaces, exempt: enforcement.exempt });

/** A clock that was set back is no reason to wait. */
const isDue = (beforeMs: Milliseconds, everyMs: Milliseconds, nowMs: Milliseconds): boolean =>
  Math.abs(nowMs - beforeMs) >= everyMs;

/** What makes two limits the same one for the kernel; a tenant's addresses do not change while the daemon runs. */
const keyOf = ({ tenant, interface: name, rateBps }: Limit): string => `${tenant} ${name} ${rateBps}`;

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((key) => b.has(key));
