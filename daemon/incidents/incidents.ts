/** The open incidents: findings with one identity become one incident, which is refreshed while it is seen and closed after. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { Finding } from '../detectors/detector.ts';
import { Candidates, hasEntered, type Sighting } from './candidates.ts';
import { identityOf } from './identity.ts';
import type { Incident, IncidentChange, IncidentEvent } from './incident.ts';
import { begin, close, type IncidentRecord, refresh } from './record.ts';

export interface IncidentsOptions {
  /** An incident that no window has seen for so long, in packet time, is closed. */
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

/** No clock: time is that of the windows, and what `advance` is told. The same windows give the same incidents. */
export class Incidents {
  readonly #options: IncidentsOptions;
  /** By identity, in the order in which they were opened. */
  readonly #open = new Map<string, IncidentRecord>();
  /** By observation point: their clocks need not agree. */
  readonly #candidates = new Map<string, Candidates>();
  #opened = 0;
  #closed = 0;
  #suppressed = 0;

  constructor(options: IncidentsOptions) {
    this.#options = options;
  }

  /** Takes the findings of all detectors in one window of one observation point; each point's windows come in order. */
  observe(
    observationPoint: string,
    endMs: Milliseconds,
    windowMs: Milliseconds,
    findings: readonly Finding[],
  ): IncidentChange[] {
    const startMs = endMs - windowMs;
    const changes = this.#close((lastSeenMs) => Math.abs(startMs - lastSeenMs) >= this.#options.closeAfterMs);
    this.#candidatesAt(observationPoint).expire(endMs);
    for (const finding of findings) {
      const change = this.#observeFinding(observationPoint, { finding, startMs, endMs });
      if (change !== null) changes.push(change);
    }
    return changes;
  }

  /** Closes what has been quiet for too long at `nowMs`; Infinity closes all. */
  advance(nowMs: Milliseconds): IncidentChange[] {
    return this.#close((lastSeenMs) => nowMs - lastSeenMs >= this.#options.closeAfterMs);
  }

  #close(isOver: (lastSeenMs: Milliseconds) => boolean): IncidentChange[] {
    const changes: IncidentChange[] = [];
    for (const [identity, record] of this.#open) {
      if (!isOver(record.lastSeenMs)) continue;
      this.#open.delete(identity);
      this.#closed += 1;
      changes.push({ event: 'closed', incident: close(record) });
    }
    return changes;
  }

  open(): readonly Incident[] {
    return [...this.#open.values()].map(({ incident }) => incident);
  }

  /** Of the open ones. */
  get(id: string): Incident | undefined {
    return this.open().find((incident) => incident.id === id);
  }

  get counters(): IncidentCounters {
    return {
      opened: this.#opened,
      closed: this.#closed,
      suppressed: this.#suppressed,
      candidatesEvicted: [...this.#candidates.values()].reduce((sum, { evicted }) => sum + evicted, 0),
    };
  }

  #observeFinding(observationPoint: string, sighting: Sighting): IncidentChange | null {
    const { value, threshold, signature } = sighting.finding;
    const identity = identityOf(sighting.finding);
    const known = this.#open.get(identity);
    if (known !== undefined) {
      if (value < threshold * signature.leaveBelow) return null;
      return this.#set('refreshed', identity, refresh(known, observationPoint, sighting));
    }
    return value < threshold ? null : this.#observeCandidate(observationPoint, identity, sighting);
  }

  #observeCandidate(observationPoint: string, identity: string, sighting: Sighting): IncidentChange | null {
    const candidates = this.#candidatesAt(observationPoint);
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
    const begun = begin(observationPoint, first);
    return this.#set(
      'opened',
      identity,
      later.reduce((record, next) => refresh(record, observationPoint, next), begun),
    );
  }

  #candidatesAt(observationPoint: string): Candidates {
    const known = this.#candidates.get(observationPoint);
    if (known !== undefined) return known;
    const candidates = new Candidates();
    this.#candidates.set(observationPoint, candidates);
    return candidates;
  }

  #set(event: IncidentEvent, identity: string, record: IncidentRecord): IncidentChange {
    this.#open.set(identity, record);
    return { event, incident: record.incident };
  }
}
