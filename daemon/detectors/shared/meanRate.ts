/** A rolling mean rate of bits or packets over a fixed span of packet time, in at most 60 buckets; time without any counts as zero. */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';
import { WINDOW_MS } from '../../metering/window.ts';

const MAX_BUCKETS = 60;

export const savedMeanRate = z.object({
  bucketMs: z.number(),
  newest: z.number().int(),
  amounts: z.array(z.number().nonnegative()).max(MAX_BUCKETS),
});
export type SavedMeanRate = z.output<typeof savedMeanRate>;

export class MeanRate {
  readonly #spanMs: number;
  readonly #bucketMs: number;
  /** Bucket k, from k to k + 1 times `bucketMs` of packet time, lies at k modulo their number; one is for the partial oldest. */
  readonly #amounts: Float64Array;
  #newest = 0;
  /** Of all buckets, for thousands of ports are asked every window; added up anew once a turn, so that no error of rounding grows. */
  #total = 0;

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
    this.#bucketMs = Math.ceil(spanMs / (MAX_BUCKETS - 1) / WINDOW_MS) * WINDOW_MS;
    this.#amounts = new Float64Array(Math.ceil(spanMs / this.#bucketMs) + 1);
  }

  /** Counts what was seen from `startMs` to `endMs`, evenly spread. */
  add(startMs: Milliseconds, endMs: Milliseconds, amount: number): void {
    const bucketMs = this.#bucketMs;
    const end = Math.max(endMs, startMs + 1);
    const last = Math.ceil(end / bucketMs) - 1;
    if (!Number.isSafeInteger(last) || last < 0) return; // a broken capture's time, beyond which numbers do not count on
    this.#turnTo(last);
    for (let k = Math.max(Math.floor(startMs / bucketMs), this.#oldest); k * bucketMs < end; k++) {
      const inside = Math.min(end, (k + 1) * bucketMs) - Math.max(startMs, k * bucketMs);
      const share = (amount * inside) / (end - startMs);
      this.#amounts[k % this.#amounts.length]! += share;
      this.#total += share;
    }
  }

  /** Over the whole span up to `endMs`, however little of it has been seen. */
  perSecond(endMs: Milliseconds): number {
    const bucketMs = this.#bucketMs;
    const from = endMs - this.#spanMs;
    let amount = this.#total;
    for (let k = this.#oldest; k <= this.#newest && k * bucketMs < from; k++) {
      const outside = Math.min((from - k * bucketMs) / bucketMs, 1);
      amount -= this.#amounts[k % this.#amounts.length]! * outside;
    }
    return (Math.max(amount, 0) * 1000) / this.#spanMs;
  }

  get #oldest(): number {
    return Math.max(this.#newest - this.#amounts.length + 1, 0);
  }

  /** Makes room up to this bucket. A clock that was set back beyond the oldest one begins anew. */
  #turnTo(bucket: number): void {
    const count = this.#amounts.length;
    const isAnew = bucket < this.#oldest || bucket >= this.#newest + count;
    if (isAnew) this.#amounts.fill(0);
    if (isAnew) this.#total = 0;
    for (let k = isAnew ? bucket : this.#newest + 1; k <= bucket; k++) {
      this.#total -= this.#amounts[k % count]!;
      this.#amounts[k % count] = 0;
      if (k % count === 0) this.#total = sumOf(this.#amounts);
    }
    this.#newest = isAnew ? bucket : Math.max(this.#newest, bucket);
  }

  save(): SavedMeanRate {
    return { bucketMs: this.#bucketMs, newest: this.#newest, amounts: [...this.#amounts] };
  }

  /** Takes up what a mean over the same span has saved. */
  restore(saved: SavedMeanRate): void {
    if (saved.bucketMs !== this.#bucketMs || saved.amounts.length !== this.#amounts.length) return;
    this.#newest = Math.max(saved.newest, 0);
    this.#amounts.set(saved.amounts);
    this.#total = sumOf(this.#amounts);
  }
}

function sumOf(amounts: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < amounts.length; i++) sum += amounts[i]!;
  return sum;
}
