/** What a gauge has held: the level that it was not below in nine tenths of a fixed span of time, from its means in at most 30 buckets. */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';

const MAX_BUCKETS = 30;
/** A dip of a tenth of the time does not count as an end, nor a peak of nine tenths as lasting. */
const HELD_SHARE = 0.9;
/** Of the span, or nothing is said. */
const LEAST_KNOWN_SHARE = 0.5;
/** Sums of many parts of the same span are the span but for rounding. */
const ROUNDING = 1e-9;

const cells = z.array(z.number().nonnegative()).max(MAX_BUCKETS);
export const savedHeldLevel = z.object({
  bucketMs: z.number(),
  newest: z.number().int().nonnegative(),
  sinceMs: z.number(),
  sums: cells,
  knownMs: cells,
});
export type SavedHeldLevel = z.output<typeof savedHeldLevel>;

export class HeldLevel {
  readonly #spanMs: number;
  readonly #bucketMs: number;
  /** Bucket k, from k to k + 1 times `bucketMs`, lies at k modulo their number: value × ms, and the ms in which it was known. */
  readonly #sums: Float64Array;
  readonly #knownMs: Float64Array;
  #newest = 0;
  #sinceMs: Milliseconds;

  /** Before `sinceMs` the gauge is taken to have been zero. */
  constructor(spanMs: number, sinceMs: Milliseconds) {
    this.#spanMs = spanMs;
    this.#bucketMs = Math.ceil(spanMs / (MAX_BUCKETS - 1));
    const count = Math.ceil(spanMs / this.#bucketMs) + 1; // one is for the partial oldest
    this.#sums = new Float64Array(count);
    this.#knownMs = new Float64Array(count);
    this.#sinceMs = sinceMs;
  }

  /** The gauge's mean from `startMs` to `endMs`; NaN: not known. */
  add(startMs: Milliseconds, endMs: Milliseconds, value: number): void {
    const bucketMs = this.#bucketMs;
    const last = Math.ceil(endMs / bucketMs) - 1;
    if (!Number.isSafeInteger(last) || last < 0) return;
    this.#turnTo(last);
    if (Number.isNaN(value)) return;
    for (let k = Math.max(Math.floor(startMs / bucketMs), this.#oldest); k <= last; k++) {
      const insideMs = Math.max(Math.min(endMs, (k + 1) * bucketMs) - Math.max(startMs, k * bucketMs), 0);
      const at = k % this.#sums.length;
      this.#sums[at]! += value * insideMs;
      this.#knownMs[at]! += insideMs;
    }
  }

  /** The level that was held over the span up to `endMs`; 0 where less than half of it is known. */
  at(endMs: Milliseconds): number {
    const fromMs = endMs - this.#spanMs;
    const zeroMs = Math.min(Math.max(this.#sinceMs - fromMs, 0), this.#spanMs);
    const parts = this.#partsSince(fromMs).toSorted((a, b) => b.value - a.value);
    const knownMs = parts.reduce((sum, { ms }) => sum + ms, zeroMs);
    if (knownMs < this.#spanMs * LEAST_KNOWN_SHARE) return 0;
    let heldMs = 0;
    const held = parts.find(({ ms }) => (heldMs += ms) >= knownMs * HELD_SHARE - ROUNDING * this.#spanMs);
    return held?.value ?? 0;
  }

  /** Whether nothing that it remembers reaches the level. */
  isBelow(level: number): boolean {
    return this.#partsSince(-Infinity).every(({ value }) => value < level);
  }

  #partsSince(fromMs: Milliseconds): { value: number; ms: number }[] {
    const bucketMs = this.#bucketMs;
    const parts = [];
    for (let k = this.#oldest; k <= this.#newest; k++) {
      const at = k % this.#sums.length;
      const knownMs = this.#knownMs[at]!;
      const inside = Math.min(Math.max(((k + 1) * bucketMs - fromMs) / bucketMs, 0), 1);
      if (knownMs > 0 && inside > 0) parts.push({ value: this.#sums[at]! / knownMs, ms: knownMs * inside });
    }
    return parts;
  }

  get #oldest(): number {
    return Math.max(this.#newest - this.#sums.length + 1, 0);
  }

  /** Makes room up to this bucket. A clock that was set back beyond the oldest one begins anew. */
  #turnTo(bucket: number): void {
    const count = this.#sums.length;
    const isAnew = bucket < this.#oldest || bucket >= this.#newest + count;
    if (bucket < this.#oldest) this.#sinceMs = bucket * this.#bucketMs;
    const from = isAnew ? bucket - count + 1 : this.#newest + 1;
    for (let k = Math.max(from, 0); k <= bucket; k++) this.#sums[k % count] = this.#knownMs[k % count] = 0;
    this.#newest = isAnew ? bucket : Math.max(this.#newest, bucket);
  }

  save(): SavedHeldLevel {
    return {
      bucketMs: this.#bucketMs,
      newest: this.#newest,
      sinceMs: this.#sinceMs,
      sums: [...this.#sums],
      knownMs: [...this.#knownMs],
    };
  }

  /** Takes up what a level over the same span has saved. */
  restore(saved: SavedHeldLevel): void {
    const { length } = this.#sums;
    if (saved.bucketMs !== this.#bucketMs || saved.sums.length !== length || saved.knownMs.length !== length) return;
    this.#newest = saved.newest;
    this.#sinceMs = saved.sinceMs;
    this.#sums.set(saved.sums);
    this.#knownMs.set(saved.knownMs);
  }
}
