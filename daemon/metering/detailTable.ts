/**
 * Closer looks at the busy targets of a window: distinct sources (HyperLogLog), distinct ports, top sources and top ports of
 * both ends of a sample, and when the looks began and ended.
 */
import type { Milliseconds } from '../../probes/probe.ts';
import { type AddressWords, hashPort } from './address.ts';
import { type DistinctSketch, SKETCH_REGISTERS } from './distinctSketch.ts';
import { type Counter, mergeCounters } from './spaceSaving.ts';

/** Linear-counting bits for distinct ports (Whang et al. 1990): within 5 % up to about 5,000 of them. */
const PORT_BIT_WORDS = 32;
/** Space-Saving slots (Metwally et al. 2005): every address with over 1/16 of the sample is among them. */
const TOP_SOURCES = 16;
const TOP_PORTS = 8;
/** Words of a top source: four of the address, its count, how much of the count may be others'. */
const SOURCE_WORDS = 6;
/** Words of a top port: port + 1, count, error. */
const PORT_WORDS = 3;

const OWNER = 0;
const SAMPLED = 1;
const SKETCH = 2;
const PORT_BITS = SKETCH + SKETCH_REGISTERS / 4;
const SOURCES = PORT_BITS + PORT_BIT_WORDS;
const PORTS = SOURCES + TOP_SOURCES * SOURCE_WORDS;
const SOURCE_PORTS = PORTS + TOP_PORTS * PORT_WORDS;
/** Microseconds since the window's start. */
const FIRST_US = SOURCE_PORTS + TOP_PORTS * PORT_WORDS;
const LAST_US = FIRST_US + 1;
const WORDS = LAST_US + 1;

/** The counters of Space-Saving in a slot: each a key, its count and its error. */
interface CounterArea {
  readonly at: number;
  readonly counters: number;
  /** Words of a counter. */
  readonly words: number;
}
const SOURCE_COUNTERS: CounterArea = { at: SOURCES, counters: TOP_SOURCES, words: SOURCE_WORDS };
const PORT_COUNTERS: CounterArea = { at: PORTS, counters: TOP_PORTS, words: PORT_WORDS };
const SOURCE_PORT_COUNTERS: CounterArea = { at: SOURCE_PORTS, counters: TOP_PORTS, words: PORT_WORDS };
/** A window lasts longer than half an hour only by a broken clock. */
const MAX_US = 0x7fff_ffff;

/** Counters have 32 bits and a sign; a flow record may claim more packets. */
const MAX_SAMPLED = 0x7fff_ffff;

const META_WORDS = 16;
const TAKEN = 0;
const REFUSED = 1;
const HAND = 2;

export interface TopSource {
  readonly words: AddressWords;
  /** Share of the sampled packets that are surely this source's, 0 … 1. */
  readonly share: number;
}

export interface TopPort {
  readonly port: number;
  readonly share: number;
}

export class DetailTable {
  readonly #meta: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #slots: number;

  static byteLength(slots: number): number {
    return (META_WORDS + slots * WORDS) * 4;
  }

  constructor(memory: ArrayBufferLike, byteOffset: number, slots: number) {
    this.#slots = slots;
    this.#meta = new Int32Array(memory, byteOffset, META_WORDS);
    this.#words = new Int32Array(memory, byteOffset + META_WORDS * 4, slots * WORDS);
    this.#bytes = new Uint8Array(memory, byteOffset + META_WORDS * 4, slots * WORDS * 4);
  }

  clear(): void {
    this.#meta.fill(0);
  }

  get taken(): number {
    return this.#meta[TAKEN]!;
  }

  /** How often a busy target asked for a slot when none was free. */
  get refused(): number {
    return this.#meta[REFUSED]!;
  }

  /** A slot for the target at `line`, or -1 when all are taken. */
  claim(line: number): number {
    const slot = this.#meta[TAKEN]!;
    if (slot === this.#slots) {
      this.#meta[REFUSED]! += 1;
      return -1;
    }
    this.#meta[TAKEN] = slot + 1;
    this.assign(slot, line);
    return slot;
  }

  /** Empties the slot for the target at `line`. */
  assign(slot: number, line: number): void {
    this.#words.fill(0, slot * WORDS, (slot + 1) * WORDS);
    this.#words[slot * WORDS + OWNER] = line;
    this.#words[slot * WORDS + FIRST_US] = MAX_US;
  }

  /** A look so long after the window's start; negative: before it, as packets that are late. */
  time(slot: number, offsetMs: Milliseconds): void {
    const words = this.#words;
    const us = Math.min(Math.max(Math.round(offsetMs * 1000), 0), MAX_US);
    if (us < words[slot * WORDS + FIRST_US]!) words[slot * WORDS + FIRST_US] = us;
    if (us > words[slot * WORDS + LAST_US]!) words[slot * WORDS + LAST_US] = us;
  }

  /** From the first look to the last one; 0: there was one, or none was timed. */
  spanMs(slot: number): Milliseconds {
    const words = this.#words;
    return Math.max(words[slot * WORDS + LAST_US]! - words[slot * WORDS + FIRST_US]!, 0) / 1000;
  }

  /** The slots in turn: whose owner may have to give way when all are taken. */
  nextCandidate(): number {
    const candidate = this.#meta[HAND]!;
    this.#meta[HAND] = (candidate + 1) % this.#slots;
    return candidate;
  }

  /** The line of the target whose slot this is: an evicted target's slot is passed on. */
  owner(slot: number): number {
    return this.#words[slot * WORDS + OWNER]!;
  }

  /** Counts one packet's source (by its hash) and destination port (-1: none) among the distinct ones. */
  observe(slot: number, sourceHash: number, port: number): void {
    const at = (slot * WORDS + SKETCH) * 4 + (sourceHash & (SKETCH_REGISTERS - 1));
    const rank = Math.clz32(sourceHash >>> 8) - 7;
    if (this.#bytes[at]! < rank) this.#bytes[at] = rank;
    if (port >= 0) {
      const bit = hashPort(0, port) >>> 22;
      this.#words[slot * WORDS + PORT_BITS + (bit >>> 5)]! |= 1 << (bit & 31);
    }
  }

  /** Takes packets of one source and its ports (-1: none) into the sample behind the top sources and top ports. */
  sample(
    slot: number,
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    sourcePort: number,
    port: number,
    packets = 1,
  ): void {
    const base = slot * WORDS;
    // No counter is larger than their sum. A full sample is left as it is.
    const sampled = Math.min(packets, MAX_SAMPLED - this.#words[base + SAMPLED]!);
    if (sampled === 0) return;
    this.#words[base + SAMPLED]! += sampled;
    this.#countSource(base + SOURCES, w0, w1, w2, w3, sampled);
    if (port >= 0) this.#countPort(base + PORTS, port, sampled);
    if (sourcePort >= 0) this.#countPort(base + SOURCE_PORTS, sourcePort, sampled);
  }

  #countSource(first: number, w0: number, w1: number, w2: number, w3: number, packets: number): void {
    const words = this.#words;
    let least = first;
    for (let at = first; at < first + TOP_SOURCES * SOURCE_WORDS; at += SOURCE_WORDS) {
      if (words[at + 4] === 0) {
        least = at;
        break;
      }
      if (words[at + 3] === w3 && words[at + 2] === w2 && words[at + 1] === w1 && words[at] === w0) {
        words[at + 4]! += packets;
        return;
      }
      if (words[at + 4]! < words[least + 4]!) least = at;
    }
    words[least] = w0;
    words[least + 1] = w1;
    words[least + 2] = w2;
    words[least + 3] = w3;
    words[least + 5] = words[least + 4]!;
    words[least + 4]! += packets;
  }

  #countPort(first: number, port: number, packets: number): void {
    const words = this.#words;
    let least = first;
    for (let at = first; at < first + TOP_PORTS * PORT_WORDS; at += PORT_WORDS) {
      if (words[at] === 0) {
        least = at;
        break;
      }
      if (words[at] === port + 1) {
        words[at + 1]! += packets;
        return;
      }
      if (words[at + 1]! < words[least + 1]!) least = at;
    }
    words[least] = port + 1;
    words[least + 2] = words[least + 1]!;
    words[least + 1]! += packets;
  }

  /** The registers behind the number of distinct sources; a copy, to keep beyond the window. */
  sketch(slot: number): DistinctSketch {
    const start = (slot * WORDS + SKETCH) * 4;
    return this.#bytes.slice(start, start + SKETCH_REGISTERS);
  }

  /** An estimate of the distinct destination ports, by linear counting. */
  distinctPorts(slot: number): number {
    let zeros = 0;
    for (let word = 0; word < PORT_BIT_WORDS; word++) {
      let clear = ~this.#words[slot * WORDS + PORT_BITS + word]!;
      for (; clear !== 0; clear &= clear - 1) zeros += 1;
    }
    const bits = PORT_BIT_WORDS * 32;
    return Math.round(bits * Math.log(bits / Math.max(zeros, 1)));
  }

  /** Top sources, the largest first. */
  topSources(slot: number): TopSource[] {
    return this.#top(slot, SOURCE_COUNTERS).map(({ key: [w0 = 0, w1 = 0, w2 = 0, w3 = 0], share }) => ({
      words: [w0, w1, w2, w3],
      share,
    }));
  }

  /** Top destination ports, the largest first. */
  topPorts(slot: number): TopPort[] {
    return this.#topPorts(slot, PORT_COUNTERS);
  }

  /** Top source ports, the largest first: services that are used as reflectors. */
  topSourcePorts(slot: number): TopPort[] {
    return this.#topPorts(slot, SOURCE_PORT_COUNTERS);
  }

  #topPorts(slot: number, area: CounterArea): TopPort[] {
    return this.#top(slot, area).map(({ key: [port = 0], share }) => ({ port: port - 1, share }));
  }

  #top(slot: number, area: CounterArea): { key: readonly number[]; share: number }[] {
    const sampled = this.#words[slot * WORDS + SAMPLED]!;
    return this.#counters(slot, area)
      .map(({ key, count, error }) => ({ key, share: (count - error) / sampled }))
      .filter(({ share }) => share > 0)
      .toSorted((a, b) => b.share - a.share);
  }

  #wordsOf(slot: number, { at, counters, words }: CounterArea): Int32Array {
    return this.#words.subarray(slot * WORDS + at, slot * WORDS + at + counters * words);
  }

  /** The counters in use. */
  #counters(slot: number, area: CounterArea): Counter[] {
    const all = this.#wordsOf(slot, area);
    return Array.from({ length: area.counters }, (_, i) => [...all.subarray(i * area.words, (i + 1) * area.words)])
      .map((one) => ({ key: one.slice(0, -2), count: one.at(-2) ?? 0, error: one.at(-1) ?? 0 }))
      .filter(({ count }) => count > 0);
  }

  /** Adds another window's slot: the sketches' union, the samples' sum. */
  merge(slot: number, from: DetailTable, fromSlot: number): void {
    const into = slot * WORDS;
    const base = fromSlot * WORDS;
    const words = from.#words;
    const bytes = from.#bytes;
    for (let i = 0; i < SKETCH_REGISTERS; i++) {
      const rank = bytes[(base + SKETCH) * 4 + i]!;
      if (this.#bytes[(into + SKETCH) * 4 + i]! < rank) this.#bytes[(into + SKETCH) * 4 + i] = rank;
    }
    for (let i = 0; i < PORT_BIT_WORDS; i++) this.#words[into + PORT_BITS + i]! |= words[base + PORT_BITS + i]!;
    this.#words[into + SAMPLED]! += words[base + SAMPLED]!;
    this.#words[into + FIRST_US] = Math.min(this.#words[into + FIRST_US]!, words[base + FIRST_US]!);
    this.#words[into + LAST_US] = Math.max(this.#words[into + LAST_US]!, words[base + LAST_US]!);
    for (const area of [SOURCE_COUNTERS, PORT_COUNTERS, SOURCE_PORT_COUNTERS]) {
      const merged = mergeCounters(this.#counters(slot, area), from.#counters(fromSlot, area), area.counters);
      const mine = this.#wordsOf(slot, area);
      merged.forEach(({ key, count, error }, i) => mine.set([...key, count, error], i * area.words));
    }
  }

  addRefused(count: number): void {
    this.#meta[REFUSED]! += count;
  }
}
