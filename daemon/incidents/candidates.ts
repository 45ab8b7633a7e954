/** What may become an incident at one observation point: which of its last windows passed a threshold. Bounded. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { Finding } from '../detectors/detector.ts';

const MAX_CANDIDATES = 1024;

/** A finding and the window that it was made in. */
export interface Sighting {
  readonly finding: Finding;
  readonly startMs: Milliseconds;
  readonly endMs: Milliseconds;
}

export interface Candidate {
  /** Of the last windows that passed, the earliest first; at most as many as the signature's entry looks at. */
  readonly sightings: readonly Sighting[];
  /** Whether it was once refused for want of room. */
  suppressed: boolean;
}

const span = ({ finding, startMs, endMs }: Sighting): Milliseconds => finding.signature.entry.of * (endMs - startMs);

export class Candidates {
  /** The one that passed longest ago first. */
  readonly #byIdentity = new Map<string, Candidate>();
  /** Candidates that had to make room while they still could have become incidents. */
  evicted = 0;

  /** Remembers that the threshold was passed; the candidate as it is now. */
  pass(identity: string, sighting: Sighting): Candidate {
    const before = this.#byIdentity.get(identity);
    const recent = (before?.sightings ?? []).filter(
      ({ endMs }) => endMs < sighting.endMs && endMs > sighting.endMs - span(sighting),
    );
    const candidate = { sightings: [...recent, sighting], suppressed: before?.suppressed ?? false };
    this.#byIdentity.delete(identity);
    this.#byIdentity.set(identity, candidate);
    if (this.#byIdentity.size > MAX_CANDIDATES) this.#evictOldest();
    return candidate;
  }

  /** How many of the last windows before `endMs` passed. */
  passed(identity: string, endMs: Milliseconds): number {
    const sightings = this.#byIdentity.get(identity)?.sightings ?? [];
    return sightings.filter((sighting) => Math.abs(endMs - sighting.endMs) < span(sighting)).length;
  }

  forget(identity: string): void {
    this.#byIdentity.delete(identity);
  }

  /** Drops those whose last window is too far from this one to count, be it that the clock was set back. */
  expire(endMs: Milliseconds): void {
    for (const [identity, { sightings }] of this.#byIdentity) {
      const last = sightings.at(-1);
      if (last !== undefined && Math.abs(endMs - last.endMs) < span(last)) return;
      this.#byIdentity.delete(identity);
    }
  }

  #evictOldest(): void {
    const [oldest] = this.#byIdentity.keys();
    if (oldest === undefined) return;
    this.#byIdentity.delete(oldest);
    this.evicted += 1;
  }
}

/** Whether the signature's m of n windows have passed, or one of them by far. */
export function hasEntered({ sightings }: Candidate): boolean {
  const last = sightings.at(-1);
  if (last === undefined) return false;
  const { signature, value, threshold } = last.finding;
  return sightings.length >= signature.entry.windows || value >= signature.entry.atOnce * threshold;
}
