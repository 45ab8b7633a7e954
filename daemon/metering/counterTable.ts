/** A table of counters keyed by address, fixed in size: 4-way set-associative, evicts the smallest, counts what it evicted. */
import type { AddressWords } from './address.ts';

/** Lanes (32-bit words) that every line begins with, after the four of the address; the rest is the owner's. */

/** Epoch << 16 | tenant: a line of an older epoch is empty, so that a new window costs no clearing. */
export const MARK = 4;
export const PACKETS = 5;
/** As a double over lanes 6 and 7. */
export const BYTES = 6;
export const FIRST_FREE_LANE = 8;

const WAYS = 4;
const MAX_EPOCH = 0x7fff;
const USED = 0;
const EPOCH = 1;
const EVICTIONS = 2;
const META_LANES = 16;

export interface CounterTableShape {
  /** 2^bits lines. */
  readonly bits: number;
  /** Words of a line: 16 (one cache line) or 32. */
  readonly lanes: 16 | 32;
}

export class CounterTable {
  /** All lines; a line is named by the index of its first lane. */
  readonly lanes: Int32Array;
  /** The same memory as doubles: `doubles[(line + BYTES) >> 1]`. */
  readonly doubles: Float64Array;
  readonly #meta: Int32Array;
  readonly #used: Int32Array;
  /** The first way of a hash is at (hash & setMask) << shift. */
  readonly shift: number;
  readonly setMask: number;
  readonly #laneCount: number;

  static byteLength(shape: CounterTableShape): number {
    return META_LANES * 4 + (4 << shape.bits) + ((shape.lanes * 4) << shape.bits);
  }

  constructor(memory: ArrayBufferLike, byteOffset: number, shape: CounterTableShape) {
    const lines = 1 << shape.bits;
    this.#laneCount = shape.lanes;
    this.shift = 31 - Math.clz32(shape.lanes * WAYS);
    this.setMask = lines / WAYS - 1;
    this.#meta = new Int32Array(memory, byteOffset, META_LANES);
    this.#used = new Int32Array(memory, byteOffset + META_LANES * 4, lines);
    const start = byteOffset + META_LANES * 4 + lines * 4;
    this.lanes = new Int32Array(memory, start, lines * shape.lanes);
    this.doubles = new Float64Array(memory, start, (lines * shape.lanes) / 2);
    if (this.#meta[EPOCH] === 0) this.#meta[EPOCH] = 1;
  }

  /** Forgets every line. */
  clear(): void {
    const epoch = this.#meta[EPOCH]! + 1;
    if (epoch > MAX_EPOCH) this.lanes.fill(0);
    this.#meta[EPOCH] = epoch > MAX_EPOCH ? 1 : epoch;
    this.#meta[USED] = 0;
    this.#meta[EVICTIONS] = 0;
  }

  /** The line of an address, or -1. */
  find(hash: number, w0: number, w1: number, w2: number, w3: number): number {
    const { lanes } = this;
    const epoch = this.#meta[EPOCH]!;
    const step = this.#laneCount;
    let line = (hash & this.setMask) << this.shift;
    const end = line + WAYS * step;
    for (; line < end; line += step) {
      if (
        lanes[line + 3] === w3 &&
        lanes[line + MARK]! >>> 16 === epoch &&
        lanes[line + 2] === w2 &&
        lanes[line + 1] === w1 &&
        lanes[line] === w0
      )
        return line;
    }
    return -1;
  }

  /** A fresh line for an address that `find` did not know; the least busy of its set makes room. */
  insert(hash: number, w0: number, w1: number, w2: number, w3: number, tenant: number): number {
    const { lanes } = this;
    const epoch = this.#meta[EPOCH]!;
    const step = this.#laneCount;
    const line = this.#lineToTake(hash);
    if (lanes[line + MARK]! >>> 16 === epoch) this.#meta[EVICTIONS]! += 1;
    else {
      this.#used[this.#meta[USED]!] = line;
      this.#meta[USED]! += 1;
    }
    for (let at = line; at < line + step; at++) lanes[at] = 0; // fill() costs more to call than to do
    lanes[line] = w0;
    lanes[line + 1] = w1;
    lanes[line + 2] = w2;
    lanes[line + 3] = w3;
    lanes[line + MARK] = (epoch << 16) | tenant;
    return line;
  }

  /** Packets of the line that `insert` would evict; -1: one is free. */
  packetsToEvict(hash: number): number {
    const line = this.#lineToTake(hash);
    return this.lanes[line + MARK]! >>> 16 === this.epoch ? this.packets(line) : -1;
  }

  /** A free line of the set, else the least busy. */
  #lineToTake(hash: number): number {
    const { lanes } = this;
    const epoch = this.#meta[EPOCH]!;
    const step = this.#laneCount;
    const first = (hash & this.setMask) << this.shift;
    let line = first;
    for (let at = first; at < first + WAYS * step; at += step) {
      if (lanes[at + MARK]! >>> 16 !== epoch) return at;
      if (lanes[at + PACKETS]! < lanes[line + PACKETS]!) line = at;
    }
    return line;
  }

  /** The lines in use, in the order in which they were first taken. */
  used(): Int32Array {
    return this.#used.subarray(0, this.#meta[USED]);
  }

  /** What a line's mark must have in its upper half to be of this window. */
  get epoch(): number {
    return this.#meta[EPOCH]!;
  }

  get evictions(): number {
    return this.#meta[EVICTIONS]!;
  }

  addEvictions(count: number): void {
    this.#meta[EVICTIONS]! += count;
  }

  tenant(line: number): number {
    return this.lanes[line + MARK]! & 0xffff;
  }

  words(line: number): AddressWords {
    const { lanes } = this;
    return [lanes[line]!, lanes[line + 1]!, lanes[line + 2]!, lanes[line + 3]!];
  }

  packets(line: number): number {
    return this.lanes[line + PACKETS]! >>> 0;
  }

  bytes(line: number): number {
    return this.doubles[(line + BYTES) >> 1]!;
  }
}
