/** The generator behind the workloads: xorshift64 (Marsaglia 2003) in two halves of 32 bits, so that no number is a BigInt. */

export class Xorshift64 {
  #high = 0x9e3779b9;
  #low = 0x7f4a7c15;

  /** The upper 32 bits of the next state, 0 … 2^32 - 1. */
  next(): number {
    let high = this.#high;
    let low = this.#low;
    high ^= (high << 13) | (low >>> 19);
    low ^= low << 13;
    low ^= (low >>> 7) | (high << 25);
    high ^= high >>> 7;
    high ^= (high << 17) | (low >>> 15);
    low ^= low << 17;
    this.#high = high;
    this.#low = low;
    return high >>> 0;
  }

  /** 0 … `limit` - 1. */
  below(limit: number): number {
    return this.next() % limit;
  }

  /** The lowest bit of the next number. */
  coin(): boolean {
    return (this.next() & 1) === 1;
  }
}
