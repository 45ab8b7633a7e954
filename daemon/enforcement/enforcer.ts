/** Turns open incidents into limits in the kernel, and lifts them: policy and limiter, driven by the daemon's tick. */
import type { BaseLogger } from 'pino';
import type { Milliseconds } from '../../probes/probe.ts';
import type { Config } from '../config/config.ts';
import type { Incident } from '../incidents/incident.ts';
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
  readonly #limiter: Limiter;
  readonly #log: Pick<BaseLogger, 'info' | 'warn' | 'error'>;
  #current: readonly StandingLimit[] = [];
  #decisions: readonly Decision[] = [];
  /** What the limiter was last asked for, and what of it stands. */
  #applied = '';
  #standing = '';
  #busy: Promise<void> = Promise.resolve();
  #isBusy = false;
  #checkedMs = 0;
  #comparedMs = 0;
  #lastError = '';

  constructor(config: Config, limiter: Limiter, log: Pick<BaseLogger, 'info' | 'warn' | 'error'>) {
    this.#config = config;
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
    if (this.#config.enforcement.mode === 'enforce') await this.#limiter.stop();
  }

  /** Decides anew; several times a second, and at once when an incident opens. */
  tick(incidents: readonly Incident[], nowMs: Milliseconds): void {
    const { limits, decisions } = wantedLimits({
      incidents,
      tenants: this.#config.tenants,
      interfaces: this.#config.interfaces.map(({ name, faces, tenant }) => ({
        name,
        faces,
        tenant: tenant ?? undefined,
      })),
      current: this.#current,
      enforcement: this.#config.enforcement,
      detectorModes: Object.fromEntries(Object.entries(this.#config.detectors).map(([id, { mode }]) => [id, mode])),
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
        const limit = this.#current.find(({ tenant }) => tenant === decision.tenant) ?? null;
        const state = states.find(({ tenant }) => tenant === decision.tenant);
        const failure = limit === null ? null : (state?.refused ?? error);
        return {
          limit,
          decision,
          failure,
          inForce: limit !== null && failure === null && this.#standing === this.#applied,
        };
      });
  }

  /** One run at a time; what changes meanwhile is taken up by the next tick. */
  #carryOut(nowMs: Milliseconds): void {
    if (this.#isBusy || this.#config.enforcement.mode === 'observe') return;
    const wanted = this.#current.map(({ tenant, interface: name, rateBps }) => `${tenant} ${name} ${rateBps}`).join();
    const isCheckDue = Math.abs(nowMs - this.#checkedMs) >= CHECK_MS;
    const isCompareDue = wanted !== '' && Math.abs(nowMs - this.#comparedMs) >= COMPARE_MS;
    const isToApply = wanted !== this.#applied || isCompareDue;
    if (!isToApply && !isCheckDue) return;
    const work = isToApply ? this.#limiter.apply(this.#current) : this.#limiter.check();
    this.#applied = wanted;
    this.#checkedMs = nowMs;
    if (isToApply) this.#comparedMs = nowMs;
    this.#isBusy = true;
    this.#busy = work.then(
      () => this.#noteEnd('', wanted),
      (error: unknown) => this.#noteEnd(messageOf(error), ''),
    );
  }

  #noteEnd(message: string, standing: string): void {
    this.#isBusy = false;
    this.#standing = standing;
    if (message !== '' && message !== this.#lastError) this.#log.error(`${message} (tried again every second)`);
    this.#lastError = message;
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

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
