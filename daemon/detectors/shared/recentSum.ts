/** A sum over the last minute, in slices of five seconds of packet time. */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';

const RECENT_MS = 60_000;
const SLICES = 12;
const SLICE_MS = RECENT_MS / SLICES;

export const savedRecentSum = z.object({
  slice: z.number().int(),
  sums: z.array(z.number().nonnegative()).length(SLICES),
});
type SavedRecentSum = z.output<typeof savedRecentSum>;

export class RecentSum {
  #slice: number;
  readonly #sums: number[];

  constructor({ slice, sums }: SavedRecentSum = { slice: 0, sums: Array<number>(SLICES).fill(0) }) {
    this.#slice = slice;
    this.#sums = [...sums];
  }

  add(nowMs: Milliseconds, amount: number): void {
    this.#turn(nowMs);
    this.#sums[this.#place]! += amount;
  }

  /** Of the minute that ends with the slice that `nowMs` is in. */
  sum(nowMs: Milliseconds): number {
    this.#turn(nowMs);
    return this.#sums.reduce((sum, each) => sum + each, 0);
  }

  get #place(): number {
    return ((this.#slice % SLICES) + SLICES) % SLICES;
  }

  /** Empties the slices that have passed. A clock that was set back by more than a minute begins anew, by less it goes on in the slice. */
  #turn(nowMs: Milliseconds): void {
    const slice = Math.floor(nowMs / SLICE_MS);
    if (Math.abs(slice - this.#slice) >= SLICES) {
      this.#sums.fill(0);
      this.#slice = slice;
    }
    while (this.#slice < slice) {
      this.#slice += 1;
      this.#sums[this.#place] = 0;
    }
  }

  save(): SavedRecentSum {
    return { slice: this.#slice, sums: [...this.#sums] };
  }
}
