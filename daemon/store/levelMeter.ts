/** The largest value of each signature for each tenant in the present minute: from it thresholds are proposed later. Bounded. */
import type { Milliseconds } from '../../probes/probe.ts';
import { MINUTE_MS } from '../calendar.ts';
import { type Level, levelKey } from '../level.ts';
import type { LevelsWrite } from './writes.ts';

/** A minute. 1,000 tenants have some hundreds: only who comes near a threshold has a level. */
export const MAX_LEVELS = 2048;

export class LevelMeter {
  #minute = 0;
  readonly #largest = new Map<string, Level>();
  /** Of them, those that were not told yet. */
  readonly #news = new Set<string>();
  /** Levels for which there was no place. */
  refused = 0;

  note(level: Level): void {
    const key = levelKey(level);
    const known = this.#largest.get(key);
    if (known !== undefined && known.value >= level.value) return;
    if (known === undefined && this.#largest.size >= MAX_LEVELS) {
      this.refused += 1;
      return;
    }
    this.#largest.set(key, level);
    this.#news.add(key);
  }

  /** What has grown since it was asked last. */
  take(nowMs: Milliseconds): LevelsWrite[] {
    const levels = [...this.#news].flatMap((key) => this.#largest.get(key) ?? []);
    this.#news.clear();
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.#minute) this.#largest.clear();
    this.#minute = minute;
    return levels.length === 0 ? [] : [{ kind: 'levels', minute, levels }];
  }
}
