/** What enforcement remembers over a restart: the limits that stand, why and by whose will; those that ended are history. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { Direction } from '../metering/window.ts';

/** Told apart by tenant, direction and `sinceMs`. */
export interface SavedLimit {
  /** The tenant's id. */
  readonly tenant: string;
  /** null: both. */
  readonly direction: Direction | null;
  readonly rateBps: number;
  readonly sinceMs: Milliseconds;
  /** null: until somebody releases it. */
  readonly untilMs: Milliseconds | null;
  readonly reason: string;
  /** The user's name; `weir`: the daemon of itself. */
  readonly who: string;
}

/** How a limit ended. */
export interface LimitEnd {
  readonly atMs: Milliseconds;
  readonly reason: string;
  readonly who: string;
}

/** Neither blocks nor throws: what cannot be written is tried again, and said. */
export interface LimitStore {
  /** Those that stood when the last run ended, however it ended; to be asked once the store has started. */
  load(): readonly SavedLimit[];
  /** What the policy remembered, as it was saved; null: nothing. */
  loadMemory(): string | null;
  saveMemory(text: string, atMs: Milliseconds): void;
  /** All that stand now. One that is no longer among them has ended. */
  save(standing: readonly SavedLimit[], atMs: Milliseconds): void;
  /** Why one of them ends, before `save` without it. */
  end(limit: SavedLimit, end: LimitEnd): void;
}
