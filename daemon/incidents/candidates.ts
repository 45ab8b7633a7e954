/** What may become an incident: which of the last windows of an observation point passed a threshold. Bounded. */
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
  readonly #byKey = new Map<string, Candidate>();
  /** Candidates that had to make room while they still could have become incidents. */
  evicted = 0;

  /** Remembers that the threshold was passed; the candidate as it is now. */
  pass(key: string, sighting: Sighting): Candidate {
    const before = this.#byKey.get(key);
    const recent = (before?.sightings ?? []).filter(
      ({ endMs }) => endMs < sighting.endMs && endMs > sighting.endMs - span(sighting),
    );
    const candidate = { sightings: [...recent, sighting], suppressed: before?.suppressed ?? false };
    this.#byKey.delete(key);
    this.#byKey.set(key, candidate);
    if (this.#byKey.size > MAX_CANDIDATES) this.#evictOldest();
    return candidate;
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }

  /** Drops those whose last window is too long ago to count. */
  expire(endMs: Milliseconds): void {
    for (const [key, { sightings }] of this.#byKey) {
      const last = sightings.at(-1);
      if (last !== undefined && last.endMs > endMs - span(last)) return;
      this.#byKey.delete(key);
    }
  }

  #evictOldest(): void {
    const [oldest] = this.#byKey.keys();
    if (oldest === undefined) return;
    this.#byKey.delete(oldest);
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
