/** Writes that wait to be written, in the order in which their things first came up. Bounded. */
import { bytesOf, keyOf, unite, type Write } from './writes.ts';

export class WriteQueue {
  readonly #maxBytes: number;
  readonly #byKey = new Map<string, Write>();
  #bytes = 0;
  /** Writes that had to make room. */
  dropped = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#byKey.size;
  }

  /** One that would take most of the room is given up instead of all the others. */
  put(write: Write): void {
    if (bytesOf(write) > this.#maxBytes / 2) {
      this.dropped += 1;
      return;
    }
    const key = keyOf(write);
    const before = this.#byKey.get(key);
    const united = before === undefined ? write : unite(before, write);
    this.#byKey.set(key, united);
    this.#bytes += bytesOf(united) - (before === undefined ? 0 : bytesOf(before));
    while (this.#bytes > this.#maxBytes && this.#byKey.size > 1) this.#dropFirst(key);
  }

  /** All of them; none are left. */
  take(): Write[] {
    const writes = [...this.#byKey.values()];
    this.#byKey.clear();
    this.#bytes = 0;
    return writes;
  }

  /** But for the one that has just grown. */
  #dropFirst(grown: string): void {
    const [first, second] = this.#byKey;
    const oldest = first?.[0] === grown ? second : first;
    if (oldest === undefined) return;
    const [key, write] = oldest;
    this.#byKey.delete(key);
    this.#bytes -= bytesOf(write);
    this.dropped += 1;
  }
}
