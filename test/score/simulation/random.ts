/** What traffic is drawn from: repeatable by its seed. */
import { randomFrom } from '../../support/random.ts';

export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomFrom(seed);
  }

  /** 32 bits. */
  word(): number {
    return this.#next();
  }

  /** 0 … 1, without 1. */
  share(): number {
    return this.#next() / 2 ** 32;
  }

  /** 0 … `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.share() * limit);
  }

  between(low: number, high: number): number {
    return low + this.share() * (high - low);
  }

  /** True in so many of one. */
  chance(share: number): boolean {
    return this.share() < share;
  }

  /** The time to the next of what happens so often on average (a Poisson process). */
  wait(meanMs: number): number {
    return -Math.log(1 - this.share()) * meanMs;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('Cannot pick from nothing');
    return item;
  }

  ephemeralPort(): number {
    return 32_768 + this.below(28_000);
  }
}
