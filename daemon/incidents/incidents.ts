/** The open incidents: findings with one identity become one incident, which is refreshed while it is seen and closed after. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { Finding } from '../detectors/detector.ts';
import { Candidates, hasEntered, type Sighting } from './candidates.ts';
import { ClosedLives, type Life } from './closedLives.ts';
import { type Identified, identityOf } from './identity.ts';
import type { Incident, IncidentChange } from './incident.ts';
import { begin, close, type IncidentRecord, refresh } from './record.ts';
import { type OpenIncident, restoreIncident, type SavedIncident, saveIncident } from './savedIncident.ts';

export interface IncidentsOptions {
  /** An incident that none of its observation points has seen for so long, each by its own packets' time, is closed. */
  readonly closeAfterMs: Milliseconds;
  /** More are not opened, but counted as suppressed. */
  readonly maxOpen: number;
}

export interface IncidentCounters {
  readonly opened: number;
  readonly closed: number;
  /** Incidents that were not opened because too many were open. */
  readonly suppressed: number;
  /** Candidates that were forgotten because there were too many of them. */
  readonly candidatesEvicted: number;
}

/** How far a subject is on its way into an incident, or out of it. */
export interface Standing {
  /** The open one that it is; null: it is none. */
  readonly incident: Incident | null;
  /** The last windows, of those that its signature's entry looks at, in which it passed. */
  readonly passed: number;
}

/** One observation point, whose clock need not agree with the others'. */
interface Point {
  readonly candidates: Candidates;
  /** How long no window may come without its clock being taken to have gone on. */
  lagMs: Milliseconds;
  /** Where its last window ended; -Infinity: none has come. */
  clockMs: Milliseconds;
  /** How long ago that window came, or since when none has come. */
  silentMs: Milliseconds;
}

/**
 * No clock: time is that of the windows, and how much of it `advance` is told. The same windows give the same incidents.
 * An incident is open as long as one of those that see it has not been quiet for `closeAfterMs` by its own clock.
 */
export class Incidents {
  readonly #options: IncidentsOptions;
  /** By identity, in the order in which they were opened. */
  readonly #open = new Map<string, OpenIncident>();
  readonly #points = new Map<string, Point>();
  readonly #closedLives: ClosedLives;
  #opened = 0;
  #closed = 0;
  #suppressed = 0;

  constructor(options: IncidentsOptions) {
    this.#options = options;
    this.#closedLives = new ClosedLives(options.closeAfterMs);
  }

  /** Says that the windows of an observation point may be so late: by what a flow exporter waits, or a busy thread. */
  declare(observationPoint: string, { lagMs }: { readonly lagMs: Milliseconds }): void {
    this.#point(observationPoint).lagMs = lagMs;
  }

  /** Takes the findings of all detectors in one window of one observation point; each point's windows come in order. */
  observe(
    observationPoint: string,
    endMs: Milliseconds,
    windowMs: Milliseconds,
    findings: readonly Finding[],
  ): IncidentChange[] {
    const startMs = endMs - windowMs;
    const changes = this.#turnClock(observationPoint, startMs, endMs);
    this.#point(observationPoint).candidates.expire(endMs);
    for (const finding of findings) {
      const change = this.#observeFinding(observationPoint, { finding, startMs, endMs });
      if (change !== null) changes.push(change);
    }
    return changes;
  }

  /** Time passes, also where no windows come; Infinity closes all. */
  advance(elapsedMs: Milliseconds): IncidentChange[] {
    for (const point of this.#points.values()) point.silentMs += elapsedMs;
    return this.#close((name, seenMs) => {
      const { clockMs, silentMs, lagMs } = this.#point(name);
      const sinceMs = clockMs === -Infinity ? seenMs : clockMs;
      return sinceMs + Math.max(0, silentMs - lagMs) - seenMs;
    });
  }

  /** Closes what has been quiet for too long by the clock of this observation point. */
  #turnClock(observationPoint: string, startMs: Milliseconds, endMs: Milliseconds): IncidentChange[] {
    const { closeAfterMs } = this.#options;
    const point = this.#point(observationPoint);
    if (point.clockMs === -Infinity) this.#resumeAt(observationPoint, startMs);
    const isSetBack = point.clockMs - endMs >= closeAfterMs;
    point.clockMs = endMs;
    point.silentMs = 0;
    if (isSetBack) {
      for (const open of this.#open.values()) open.spansSetBack ||= open.seenAt.has(observationPoint);
    }
    const changes = this.#close((name, seenMs) => (name === observationPoint ? Math.abs(startMs - seenMs) : 0));
    if (isSetBack) this.#closedLives.clear();
    return changes;
  }

  /** Between two runs nobody looked: what was seen before counts as seen at the first window. */
  #resumeAt(observationPoint: string, startMs: Milliseconds): void {
    for (const { seenAt } of this.#open.values())
      if (seenAt.has(observationPoint)) seenAt.set(observationPoint, startMs);
  }

  #close(quietMs: (observationPoint: string, lastSeenMs: Milliseconds) => Milliseconds): IncidentChange[] {
    const changes: IncidentChange[] = [];
    for (const [identity, { record, seenAt, spansSetBack, pauseMs }] of this.#open) {
      const patienceMs = this.#options.closeAfterMs + pauseMs;
      for (const [point, seenMs] of seenAt) if (quietMs(point, seenMs) >= patienceMs) seenAt.delete(point);
      if (seenAt.size > 0) continue;
      this.#open.delete(identity);
      this.#closed += 1;
      if (!spansSetBack) this.#closedLives.remember(identity, lifeOf(record));
      changes.push({ event: 'closed', incident: close(record) });
    }
    return changes;
  }

  open(): readonly Incident[] {
    return [...this.#open.values()].map(({ record }) => record.incident);
  }

  /** Where a subject stands at an observation point, after its last window. */
  standingOf(observationPoint: string, subject: Identified): Standing {
    const identity = identityOf(subject);
    const point = this.#points.get(observationPoint);
    return {
      incident: this.#open.get(identity)?.record.incident ?? null,
      passed: point?.candidates.passed(identity, point.clockMs) ?? 0,
    };
  }

  /** Of the open ones. */
  get(id: string): Incident | undefined {
    return this.open().find((incident) => incident.id === id);
  }

  /** An open one as text; null: it is not open. */
  save(id: string): SavedIncident | null {
    for (const [identity, open] of this.#open) if (open.record.incident.id === id) return saveIncident(identity, open);
    return null;
  }

  /**
   * Goes on with what an earlier run has saved; to be called before any window. Gives those that are open again: a point
   * that sees one no more has been quiet since its first window, or since now where none comes.
   */
  restore(saved: readonly SavedIncident[]): Incident[] {
    return saved.flatMap((each) => {
      const restored = restoreIncident(each);
      if (restored === null || this.#open.has(restored.identity) || this.#open.size >= this.#options.maxOpen) return [];
      const { identity, open } = restored;
      this.#open.set(identity, open);
      for (const point of open.seenAt.keys()) this.#point(point);
      return [open.record.incident];
    });
  }

  get counters(): IncidentCounters {
    return {
      opened: this.#opened,
      closed: this.#closed,
      suppressed: this.#suppressed,
      candidatesEvicted: [...this.#points.values()].reduce((sum, { candidates }) => sum + candidates.evicted, 0),
    };
  }

  #observeFinding(observationPoint: string, sighting: Sighting): IncidentChange | null {
    const { value, threshold, signature } = sighting.finding;
    const identity = identityOf(sighting.finding);
    const known = this.#open.get(identity);
    if (known !== undefined) {
      return value < threshold * signature.leaveBelow ? null : see(known, observationPoint, sighting);
    }
    if (value < threshold || this.#closedLives.includes(identity, sighting)) return null;
    return this.#observeCandidate(observationPoint, identity, sighting);
  }

  #observeCandidate(observationPoint: string, identity: string, sighting: Sighting): IncidentChange | null {
    const { candidates } = this.#point(observationPoint);
    const candidate = candidates.pass(identity, sighting);
    if (!hasEntered(candidate)) return null;
    if (this.#open.size >= this.#options.maxOpen) {
      if (!candidate.suppressed) this.#suppressed += 1;
      candidate.suppressed = true;
      return null;
    }
    candidates.forget(identity);
    this.#opened += 1;
    const [first = sighting, ...later] = candidate.sightings;
    const record = later.reduce(
      (begun, next) => refresh(begun, observationPoint, next),
      begin(observationPoint, first),
    );
    const seenAt = new Map([[observationPoint, sighting.endMs]]);
    this.#open.set(identity, { record, seenAt, spansSetBack: false, pauseMs: sighting.finding.pauseMs ?? 0 });
    return { event: 'opened', incident: record.incident };
  }

  #point(name: string): Point {
    const known = this.#points.get(name);
    if (known !== undefined) return known;
    const point = { candidates: new Candidates(), lagMs: 0, clockMs: -Infinity, silentMs: 0 };
    this.#points.set(name, point);
    return point;
  }
}

/** The incident is seen once more. */
function see(open: OpenIncident, observationPoint: string, sighting: Sighting): IncidentChange {
  open.record = refresh(open.record, observationPoint, sighting);
  open.pauseMs = sighting.finding.pauseMs ?? 0;
  open.seenAt.set(observationPoint, sighting.endMs);
  return { event: 'refreshed', incident: open.record.incident };
}

const lifeOf = ({ firstSeenMs, lastSeenMs }: IncidentRecord): Life => ({ firstMs: firstSeenMs, lastMs: lastSeenMs });
