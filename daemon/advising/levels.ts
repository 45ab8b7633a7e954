/** How high each signature was for each tenant and direction: of every step (a window, or a minute) the largest value. */
import { type Level, levelKey, type LevelSeries } from '../level.ts';

/** Values are kept to 1 %. */
const BUCKET_BASE = Math.log(1.01);
/** What is usual: all but one step in a thousand. */
const UNUSUAL_SHARE = 0.001;

export interface Heights extends LevelSeries {
  readonly peak: number;
  /** All but one step in a thousand are at most as high; 0: lower than what is noted. */
  readonly usual: number;
}

interface Series {
  readonly of: LevelSeries;
  peak: number;
  /** Steps by the logarithm of their value. */
  readonly counts: Map<number, number>;
}

export class Levels {
  readonly #series = new Map<string, Series>();
  /** Of the present step. */
  readonly #present = new Map<string, Level>();

  /** A value of the present step, of which the largest counts. */
  note(level: Level): void {
    const key = levelKey(level);
    if (level.value > (this.#present.get(key)?.value ?? 0)) this.#present.set(key, level);
  }

  endStep(): void {
    for (const level of this.#present.values()) this.add(level);
    this.#present.clear();
  }

  /** The largest value of a whole step. */
  add({ value, ...of }: Level): void {
    if (!(value > 0)) return;
    const key = levelKey(of);
    const series = this.#series.get(key) ?? { of, peak: 0, counts: new Map<number, number>() };
    const bucket = Math.ceil(Math.log(value) / BUCKET_BASE);
    series.counts.set(bucket, (series.counts.get(bucket) ?? 0) + 1);
    series.peak = Math.max(series.peak, value);
    this.#series.set(key, series);
  }

  /** Of so many steps, in the others of which nothing was told. */
  heights(steps: number): Heights[] {
    return [...this.#series.values()].map(({ of, peak, counts }) => ({
      ...of,
      peak,
      usual: Math.min(usualOf(counts, Math.floor(steps * UNUSUAL_SHARE)), peak),
    }));
  }
}

/** The largest value but for `unusual` larger ones. */
function usualOf(counts: ReadonlyMap<number, number>, unusual: number): number {
  let left = unusual;
  const bucket = [...counts.keys()].toSorted((a, b) => b - a).find((each) => (left -= counts.get(each) ?? 0) < 0);
  return bucket === undefined ? 0 : Math.exp(bucket * BUCKET_BASE);
}
