/** Mutates a datagram in place and takes it back, so that a million mutations cost next to nothing beside decoding them. */

/** What lengths, counts and ids are most often wrong with. */
const INTERESTING = Uint16Array.from([
  0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 20, 24, 127, 128, 255, 256, 257, 300, 0x3fff, 0x7fff, 0x8000, 0xfffe, 0xffff,
]);
/** A few changes keep most of the message's sense. */
const MOST_CHANGES = 4;
const MOST_COPIED = 8;
/** Octets that may be there behind the end. */
const SPARE = 64;

export class Mutator {
  /** The datagram as it is mutated now: its first `mutate()` octets. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** To go on from: the same state, the same mutations. */
  state: number;
  readonly #length: number;
  readonly #positions = new Uint32Array(MOST_CHANGES * MOST_COPIED);
  readonly #values = new Uint8Array(MOST_CHANGES * MOST_COPIED);
  #changed = 0;

  constructor(datagram: Uint8Array, seed: number) {
    this.bytes = new Uint8Array(datagram.length + SPARE);
    this.bytes.set(datagram);
    this.bytes.fill(0x5a, datagram.length);
    this.#length = datagram.length;
    // xorshift needs a bit that is set.
    this.state = seed | 1;
  }

  /** How long the datagram is now. */
  mutate(): number {
    const changes = 1 + (this.#random() & (MOST_CHANGES - 1));
    for (let i = 0; i < changes; i++) this.#change();
    const choice = this.#random() & 15;
    if (choice === 0) return this.#random() % (this.#length + 1);
    return choice === 1 ? this.#length + (this.#random() % SPARE) : this.#length;
  }

  undo(): void {
    while (this.#changed > 0) {
      this.#changed -= 1;
      this.bytes[this.#positions[this.#changed]!] = this.#values[this.#changed]!;
    }
  }

  #change(): void {
    const { bytes } = this;
    const at = this.#random() % this.#length;
    const random = this.#random();
    switch (random & 7) {
      case 0:
      case 1:
        return this.#set(at, bytes[at]! ^ (1 << ((random >>> 3) & 7)));
      case 2:
        return this.#set(at, random >>> 8);
      case 3:
        return this.#set(at, bytes[at]! + ((random >>> 3) % 9) - 4);
      case 4:
      case 5:
        return this.#setWord(at & ~1, INTERESTING[(random >>> 3) % INTERESTING.length]!);
      case 6:
        this.#setWord(at & ~3, random >>> 3);
        return this.#setWord((at & ~3) + 2, (random & 8) === 0 ? 0xffff : random >>> 16);
      default:
        return this.#copy((random >>> 3) % this.#length, at, 1 + ((random >>> 24) % MOST_COPIED));
    }
  }

  #copy(from: number, to: number, octets: number): void {
    for (let i = 0; i < octets; i++) this.#set(to + i, this.bytes[from + i]!);
  }

  #setWord(at: number, value: number): void {
    this.#set(at, value >>> 8);
    this.#set(at + 1, value);
  }

  #set(at: number, value: number): void {
    this.#positions[this.#changed] = at;
    this.#values[this.#changed] = this.bytes[at]!;
    this.#changed += 1;
    this.bytes[at] = value;
  }

  /** xorshift32 (Marsaglia 2003). */
  #random(): number {
    let { state } = this;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.state = state;
    return state >>> 0;
  }
}
