/** Turns open incidents into limits in the kernel, and lifts them: policy and limiter, driven by the daemon's tick. */
import type { BaseLogger } from 'pino';
import type { Milliseconds } from '../../probes/probe.ts';
import type { Config } from '../config/config.ts';
import type { DetectorMode } from '../detectors/detector.ts';
import type { Incident } from '../incidents/incident.ts';
import { LogLimiter } from '../log.ts';
import { messageOf } from '../messageOf.ts';
import type { StandingLimit } from './limit.ts';
import type { Limiter } from './limiter.ts';
import { type Decision, wantedLimits } from './policy.ts';

/** How often the kernel is looked at for devices that went away, and how often all that stands there is compared. */
const CHECK_MS = 1_000;
const COMPARE_MS = 10_000;

/** What is shown of one limit, or of one that is not set, and why. */
export interface EnforcedLimit {
  readonly limit: StandingLimit | null;
  readonly decision: Decision;
  /** Whether the kernel holds it now. */
  readonly inForce: boolean;
  /** Why the kernel does not hold it; null: it does, or will at once. */
  readonly failure: string | null;
}

export class Enforcer {
  readonly #config: Config;
  readonly #detectorModes: Readonly<Record<string, DetectorMode>>;
  readonly #limiter: Limiter;
  readonly #log: Pick<BaseLogger, 'info' | 'warn' | 'error'>;
  #current: readonly StandingLimit[] = [];
  #decisions: readonly Decision[] = [];
  /** What the limiter was last asked for, and what of it the kernel holds, as keys. */
  #applied: ReadonlySet<string> = new Set();
  #standing: ReadonlySet<string> = new Set();
  #busy: Promise<void> = Promise.resolve();
  #isBusy = false;
  #checkedMs = 0;
  #comparedMs = 0;
  readonly #logLimiter = new LogLimiter();

  constructor(config: Config, limiter: Limiter, log: Pick<BaseLogger, 'info' | 'warn' | 'error'>) {
    this.#config = config;
    this.#detectorModes = Object.fromEntries(Object.entries(config.detectors).map(([id, { mode }]) => [id, mode]));
    this.#limiter = limiter;
    this.#log = log;
  }

  /** Removes what a killed daemon left. To enforce, the kernel must be able to limit; to observe, it is only looked at. */
  async start(): Promise<void> {
    if (this.#config.enforcement.mode === 'enforce') return this.#limiter.start();
    await this.#limiter
      .clean()
      .catch((error: unknown) => this.#log.warn(`Cannot look for limits of an earlier run: ${messageOf(error)}`));
  }

  /** Leaves every interface as it was found. */
  async stop(): Promise<void> {
    await this.#busy;
    if (this.#config.enforcement.mode === 'observe') return;
    // Once more: nothing comes after it that would try again.
    await this.#limiter.stop().catch(() => this.#limiter.stop());
  }

  /** Decides anew; several times a second, and at once when an incident opens. */
  tick(incidents: readonly Incident[], nowMs: Milliseconds): void {
    const { limits, decisions } = wantedLimits({
      incidents,
      tenants: this.#config.tenants,
      interfaces: this.#config.interfaces,
      current: this.#current,
      enforcement: this.#config.enforcement,
      detectorModes: this.#detectorModes,
      nowMs,
    });
    this.#tell(decisions);
    this.#current = limits;
    this.#decisions = decisions;
    this.#carryOut(nowMs);
  }

  limits(): EnforcedLimit[] {
    const { limits: states, error } = this.#limiter.state();
    return this.#decisions
      .filter(({ action }) => action !== 'release')
      .map((decision) => {
        const isIts = ({ tenant }: StandingLimit): boolean => tenant === decision.tenant;
        const places = this.#current.filter(isIts);
        const refused = states.filter(isIts).find((state) => state.refused !== null)?.refused ?? null;
        const limit = places[0] ?? null;
        const failure = limit === null ? null : (refused ?? error);
        const stands = places.every((place) => this.#standing.has(keyOf(place)));
        return { limit, decision, failure, inForce: limit !== null && failure === null && stands };
      });
  }

  /** One run at a time; what changes meanwhile is taken up by the next tick. */
  #carryOut(nowMs: Milliseconds): void {
    if (this.#isBusy || this.#config.enforcement.mode === 'observe') return;
    const wanted = new Set(this.#current.map(keyOf));
    const isCheckDue = Math.abs(nowMs - this.#checkedMs) >= CHECK_MS;
    const isCompareDue = wanted.size > 0 && Math.abs(nowMs - this.#comparedMs) >= COMPARE_MS;
    const isToApply = !isSame(wanted, this.#applied) || isCompareDue;
    if (!isToApply && !isCheckDue) return;
    const work = isToApply ? this.#limiter.apply(this.#current) : this.#limiter.check();
    this.#applied = wanted;
    this.#checkedMs = nowMs;
    if (isToApply) this.#comparedMs = nowMs;
    this.#isBusy = true;
    this.#busy = work.then(
      () => this.#noteEnd(wanted),
      (error: unknown) => {
        if (this.#logLimiter.allows('failure', nowMs))
          this.#log.error(`${messageOf(error)} (tried again every second)`);
        this.#noteEnd(new Set());
      },
    );
  }

  #noteEnd(standing: ReadonlySet<string>): void {
    this.#isBusy = false;
    this.#standing = standing;
  }

  /** Says each decision once, when it is new. */
  #tell(decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      const before = this.#decisions.find(({ tenant }) => tenant === decision.tenant);
      if (before?.action === decision.action) continue;
      this.#log.info({ tenant: decision.tenant, reason: decision.reason }, `enforcement: ${decision.action}`);
    }
  }
}

/** What makes two limits the same one for the kernel; a tenant's addresses do not change while the daemon runs. */
const keyOf = ({ tenant, interface: name, rateBps }: StandingLimit): string => `${tenant} ${name} ${rateBps}`;

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((key) => b.has(key));
