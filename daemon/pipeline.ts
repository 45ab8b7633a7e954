/** From windows to incidents: every observation point has detectors of its own, all share the incidents. */
import type { Milliseconds } from '../probes/probe.ts';
import { isDeepStrictEqual } from 'node:util';
import type { Config } from './config/config.ts';
import type { Detector, DetectorContext, Json, Reading } from './detectors/detector.ts';
import { changedDetectors, createDetectors } from './detectors/index.ts';
import type { IncidentChange } from './incidents/incident.ts';
import { Incidents, type Standing } from './incidents/incidents.ts';
import { OneWayWatch } from './metering/oneWayWatch.ts';
import type { Observed, Window } from './metering/window.ts';
import { type Question, Questions } from './questions.ts';
import type { AccountsFor } from './tenants/accounting.ts';

/** What one detector remembers at one observation point. */
export interface Memory {
  readonly point: string;
  readonly detector: string;
  readonly state: Json;
}

export interface PointDeclaration {
  readonly lagMs?: Milliseconds;
  /** The number of the tenant whose own port it is; 0: everybody's. */
  readonly portTenant?: number;
}

interface PointDetectors {
  readonly observed: Observed;
  readonly detectors: Detector[];
}

export class Pipeline {
  readonly incidents: Incidents;
  #config: Config;
  #context: Omit<DetectorContext, 'portTenant'>;
  readonly #accountsFor: AccountsFor;
  /** By observation point. */
  readonly #detectors = new Map<string, PointDetectors>();
  /** What an earlier run remembered, until its detectors are made. */
  readonly #memories = new Map<string, Json>();
  readonly #oneWayWatches = new Map<string, OneWayWatch>();
  readonly #portTenants = new Map<string, number>();
  readonly #questions = new Questions();

  constructor(config: Config, context: Omit<DetectorContext, 'portTenant'>, accountsFor: AccountsFor = () => true) {
    this.#config = config;
    this.#context = context;
    this.#accountsFor = accountsFor;
    this.incidents = new Incidents(config.incidents);
  }

  /** Says what an observation point is, before its first window: how late its windows may be, whose own port it is. */
  declare(observationPoint: string, { lagMs, portTenant }: PointDeclaration): void {
    if (lagMs !== undefined) this.incidents.declare(observationPoint, { lagMs });
    if (portTenant !== undefined) this.#portTenants.set(observationPoint, portTenant);
  }

  /** What the window changes, which is marked with what is suspected of its point; each point's windows come in order. */
  observe(observationPoint: string, window: Window): IncidentChange[] {
    window.suspectOneWay(this.#oneWayWatchAt(observationPoint).observe(window));
    const detectors = this.#detectorsAt(observationPoint, window.observed);
    const findings = detectors.flatMap((detector) => detector.observe(window));
    for (const { signature, tenant, direction, value, level = value } of findings)
      this.#context.noteLevel?.(signature.id, tenant, direction, level);
    const changes = this.incidents.observe(observationPoint, window.endMs, window.endMs - window.startMs, findings);
    const standingOf = (tenant: number, reading: Reading): Standing =>
      this.incidents.standingOf(observationPoint, { ...reading, tenant: this.#context.tenants[tenant - 1]?.id ?? '' });
    this.#questions.observe({ observationPoint, window, detectors, standingOf });
    return changes;
  }

  /** Where a tenant (by number) stands with a detector (null: with all), answered by the windows to come; null: too many have asked. */
  ask(tenant: number, detector: string | null): Question | null {
    return this.#questions.ask(tenant, detector);
  }

  /** Nobody waits for the answers any more. */
  endQuestion(question: Question): void {
    this.#questions.end(question);
  }

  /** Every detector there is. */
  *detectors(): Iterable<{ readonly point: string; readonly detector: Detector }> {
    for (const [point, { detectors }] of this.#detectors) for (const detector of detectors) yield { point, detector };
  }

  /** Hands what an earlier run remembered to the detectors; to be called before any window. */
  restore(memories: readonly Memory[]): void {
    for (const { point, detector, state } of memories) this.#memories.set(memoryKey(point, detector), state);
  }

  #oneWayWatchAt(observationPoint: string): OneWayWatch {
    const known = this.#oneWayWatches.get(observationPoint);
    if (known !== undefined) return known;
    const watch = new OneWayWatch();
    this.#oneWayWatches.set(observationPoint, watch);
    return watch;
  }

  /**
   * Takes up other sections of detectors and other plans of the same tenants. A detector whose own section is as it was goes
   * on; another begins anew with what the one before it saves. Open incidents stay.
   */
  reconfigure(config: Config): void {
    const plansDiffer = !isDeepStrictEqual(config.tenants, this.#context.tenants);
    const changed = changedDetectors(this.#config.detectors, config.detectors, plansDiffer);
    this.#config = config;
    this.#context = { ...this.#context, tenants: config.tenants };
    if (changed.size === 0) return;
    for (const [point, { detectors, observed }] of this.#detectors) {
      const before = new Map(detectors.map((detector) => [detector.id, detector]));
      const next = this.#create(point, observed).map((detector) => {
        const old = before.get(detector.id);
        if (old === undefined) return detector;
        if (!changed.has(detector.id)) return old;
        detector.restore(old.save());
        return detector;
      });
      this.#detectors.set(point, { observed, detectors: next });
    }
  }

  #detectorsAt(observationPoint: string, observed: Observed): Detector[] {
    const known = this.#detectors.get(observationPoint);
    if (known !== undefined) return known.detectors;
    const detectors = this.#create(observationPoint, observed);
    this.#detectors.set(observationPoint, { observed, detectors });
    for (const detector of detectors) this.#remind(observationPoint, detector);
    return detectors;
  }

  #create(observationPoint: string, observed: Observed): Detector[] {
    const portTenant = this.#portTenants.get(observationPoint) ?? 0;
    const accountsFor = (tenant: number): boolean => this.#accountsFor(tenant, observationPoint);
    return createDetectors(this.#config.detectors, { ...this.#context, portTenant, accountsFor }, observed);
  }

  #remind(observationPoint: string, detector: Detector): void {
    const key = memoryKey(observationPoint, detector.id);
    const state = this.#memories.get(key);
    this.#memories.delete(key);
    if (state !== undefined) detector.restore(state);
  }
}

const memoryKey = (point: string, detector: string): string => `${detector} ${point}`;
