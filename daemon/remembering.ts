/** The store as a part of the daemon: what is written into it and when, and what a run takes up of the one before. */
import type { Milliseconds } from '../probes/probe.ts';
import type { Component } from './components.ts';
import type { Detector } from './detectors/detector.ts';
import type { Incident, IncidentChange } from './incidents/incident.ts';
import { parseIncident } from './incidents/savedIncident.ts';
import { type Logger, LogLimiter } from './log.ts';
import { parseJson } from './parseJson.ts';
import type { Memory, Pipeline } from './pipeline.ts';
import type { LevelMeter } from './store/levelMeter.ts';
import { Store } from './store/store.ts';
import type { Remembered } from './store/storeProtocol.ts';
import { UsageMeter } from './store/usageMeter.ts';

/** A killed daemon loses no more of what was counted. */
const COUNTS_MS = 1000;
const REFRESH_MS = 10_000;
const MEMORIES_MS = 60_000;
/** Of memories, on the average: those of 1,000 tenants with thresholds are 8 MB, and a minute old or three is the same to them. */
const MEMORY_BYTES_PER_MS = 50;
/** Most detectors have none. */
const MEMORIES_A_TURN = 16;
/** Of an incident that was seen longer ago nobody can say that it went on. */
const RESUME_WITHIN_MS = 15 * 60_000;

/** What the traffic has added up to. */
export interface UsageSource {
  /** Rows by (tenant number * 2 + direction). */
  readonly totals: Float64Array;
  isWatched(tenant: number, nowMs: Milliseconds): boolean;
}

export interface RememberingOptions {
  readonly path: string;
  readonly keepMs: Milliseconds;
  /** By tenant number - 1. */
  readonly tenantIds: readonly string[];
  readonly pipeline: Pipeline;
  readonly levels: LevelMeter;
  readonly usage: UsageSource;
  readonly log: Logger;
  /** The incidents of earlier runs that closed last, the last one first. */
  onClosed(incidents: readonly Incident[]): void;
}

interface RememberingDetector {
  readonly point: string;
  readonly detector: Detector;
}

export class Remembering implements Component {
  readonly name = 'store';
  readonly store: Store;
  readonly #options: RememberingOptions;
  readonly #logLimiter = new LogLimiter();
  readonly #usageMeter: UsageMeter;
  /** When an open incident was written last. */
  readonly #writtenMs = new Map<string, Milliseconds>();
  /** Whose memory is still to be saved in this round. */
  #unsaved: RememberingDetector[] = [];
  /** Since the round began. */
  #roundMs = MEMORIES_MS;
  /** Until the next memory may be saved. */
  #restMs = 0;
  #uncountedMs: Milliseconds = 0;
  #resumed: IncidentChange[] = [];

  constructor(options: RememberingOptions) {
    const { path, keepMs, tenantIds } = options;
    this.#options = options;
    this.#usageMeter = new UsageMeter(tenantIds.length);
    this.store = new Store({ path, keepMs, tenantIds, onProblem: (problem) => this.#tell(problem) });
  }

  /** Takes up what the last run left. Never rejects: without a store there is no memory, and no less to see. */
  async start(): Promise<void> {
    const nowMs = Date.now();
    const remembered = await this.store.start(nowMs);
    this.#options.pipeline.restore(memoriesOf(remembered));
    this.#options.onClosed(remembered.closed.flatMap((text) => parseIncident(text) ?? []));
    this.#resume(remembered, nowMs);
  }

  /** What became of the incidents that the last run left open; once. */
  takeResumed(): readonly IncidentChange[] {
    const resumed = this.#resumed;
    this.#resumed = [];
    return resumed;
  }

  /** An opening and a close are written at once, what happens between them from time to time. */
  observe({ event, incident }: IncidentChange, nowMs: Milliseconds): void {
    const { id, state, tenant, detector, clause, severity, firstSeen, lastSeen } = incident;
    const writtenMs = this.#writtenMs.get(id);
    if (event === 'refreshed' && writtenMs !== undefined && Math.abs(nowMs - writtenMs) < REFRESH_MS) return;
    if (state === 'closed') this.#writtenMs.delete(id);
    else this.#writtenMs.set(id, nowMs);
    const saved = state === 'closed' ? null : this.#options.pipeline.incidents.save(id);
    this.store.put({
      kind: 'incident',
      id,
      state,
      tenant,
      detector,
      clause,
      severity,
      firstSeenMs: Date.parse(firstSeen),
      lastSeenMs: Date.parse(lastSeen),
      incident: saved?.incident ?? JSON.stringify(incident),
      memory: saved?.memory ?? null,
    });
  }

  /** Several times a second. */
  tick(nowMs: Milliseconds, elapsedMs: Milliseconds): void {
    this.#uncountedMs += elapsedMs;
    if (this.#uncountedMs >= COUNTS_MS) this.#putCounts(nowMs);
    this.#roundMs += elapsedMs;
    if (this.#unsaved.length === 0 && this.#roundMs >= MEMORIES_MS) this.#beginRound();
    this.#restMs -= elapsedMs;
    if (this.#restMs <= 0) this.#saveNext(nowMs);
    this.store.tick(nowMs);
  }

  async stop(): Promise<void> {
    const nowMs = Date.now();
    this.#putCounts(nowMs);
    for (const write of this.#usageMeter.settle()) this.store.put(write);
    for (const each of this.#options.pipeline.detectors()) this.#save(each, nowMs);
    await this.store.stop(nowMs);
  }

  #resume({ open }: Remembered, nowMs: Milliseconds): void {
    const { pipeline, log } = this.#options;
    const incidents = open.flatMap((saved) => {
      const incident = parseIncident(saved.incident);
      return incident === null ? [] : [{ incident, saved }];
    });
    const recent = incidents.filter(({ incident }) => nowMs - Date.parse(incident.lastSeen) <= RESUME_WITHIN_MS);
    const reopened = pipeline.incidents.restore(
      recent.flatMap(({ saved: { incident, memory } }) => (memory === null ? [] : [{ incident, memory }])),
    );
    const isOpen = new Set(reopened.map(({ id }) => id));
    const ended = incidents.filter(({ incident }) => !isOpen.has(incident.id));
    this.#resumed = [
      ...reopened.map((incident) => ({ event: 'refreshed' as const, incident })),
      ...ended.map(({ incident }) => ({
        event: 'closed' as const,
        incident: { ...incident, state: 'closed' as const },
      })),
    ];
    if (this.#resumed.length > 0)
      log.info({ open: reopened.length, closed: ended.length }, 'going on with the incidents of the last run');
  }

  #putCounts(nowMs: Milliseconds): void {
    const { usage, levels } = this.#options;
    const isWatched = (tenant: number): boolean => usage.isWatched(tenant, nowMs);
    for (const write of this.#usageMeter.take(usage.totals, isWatched, nowMs, this.#uncountedMs)) this.store.put(write);
    for (const write of levels.take(nowMs)) this.store.put(write);
    this.#uncountedMs = 0;
  }

  /** Also says which incidents are open, in case that a close could not be written. */
  #beginRound(): void {
    const { pipeline } = this.#options;
    this.#roundMs = 0;
    this.#unsaved = [...pipeline.detectors()];
    const ids = pipeline.incidents.open().map(({ id }) => id);
    this.store.put({ kind: 'openIncidents', ids });
  }

  /** One at a time: of 1,000 tenants it takes the main thread 30 ms. */
  #saveNext(nowMs: Milliseconds): void {
    for (let i = 0; i < MEMORIES_A_TURN; i++) {
      const next = this.#unsaved.shift();
      if (next === undefined) return;
      const bytes = this.#save(next, nowMs);
      if (bytes === 0) continue;
      this.#restMs = bytes / MEMORY_BYTES_PER_MS;
      return;
    }
  }

  /** Gives its size. */
  #save({ point, detector }: RememberingDetector, savedMs: Milliseconds): number {
    const memory = detector.save();
    if (memory === null) return 0;
    const state = JSON.stringify(memory);
    this.store.put({ kind: 'memory', point, detector: detector.id, savedMs, state });
    return state.length;
  }

  #tell(problem: string): void {
    if (this.#logLimiter.allows('problem', Date.now())) this.#options.log.error(problem);
  }
}

function memoriesOf({ memories }: Remembered): Memory[] {
  return memories.flatMap(({ point, detector, state }) => {
    const parsed = parseJson(state);
    return parsed === undefined ? [] : [{ point, detector, state: parsed }];
  });
}
