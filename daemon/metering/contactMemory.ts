/**
 * Who has spoken to whom of late, and whether it was answered: one word a contact or a flow of datagrams, by a fingerprint of its
 * hash. Fixed in size; a newer one takes the word of an older one that falls on it.
 */
import type { Milliseconds } from '../../probes/probe.ts';

/** A word: fingerprint (which with the word's place is the whole hash), time, state. */
const STATE_BITS = 2;
const STATE_MASK = 3;
const AGE_BITS = 12;
const AGE_MASK = (1 << AGE_BITS) - 1;
export const FINGERPRINT_SHIFT = STATE_BITS + AGE_BITS;
const UNIT_MS = 8192;
/** What is not spoken of for 64 units (9 minutes) is forgotten. The count of units turns over after 9 hours: then it may seem fresh. */
const MAX_AGE = 64;

export const UNKNOWN = 0;
export const ASKED = 1;
export const ANSWERED_ONCE = 2;
export const REFUSED_ONCE = 3;

export class ContactMemory {
  /** For the packet loop, which looks up what is settled by itself. */
  readonly words: Int32Array;
  readonly shift: number;
  #now = 0;

  /** 2^bits words. */
  constructor(bits: number) {
    this.words = new Int32Array(1 << bits);
    this.shift = 32 - bits;
  }

  /** Time is that of the window that begins. */
  turnTo(nowMs: Milliseconds): void {
    this.#now = Math.floor(nowMs / UNIT_MS) & AGE_MASK;
  }

  /** The word of what was remembered as `state` since this window's unit of time began. */
  freshWord(hash: number, state: number): number {
    return (hash << FINGERPRINT_SHIFT) | this.freshBits(state);
  }

  /** The part of a word that is not of its hash, which stands above FINGERPRINT_SHIFT. */
  freshBits(state: number): number {
    return (this.#now << STATE_BITS) | state;
  }

  /** UNKNOWN, or what was remembered last. What is asked for stays fresh. */
  look(hash: number): number {
    const index = hash >>> this.shift;
    const word = this.words[index]!;
    if ((word ^ (hash << FINGERPRINT_SHIFT)) >>> FINGERPRINT_SHIFT !== 0 || (word & STATE_MASK) === 0) return UNKNOWN;
    const age = (this.#now - (word >>> STATE_BITS)) & AGE_MASK;
    if (age > MAX_AGE) return UNKNOWN;
    if (age !== 0) this.remember(hash, word & STATE_MASK);
    return word & STATE_MASK;
  }

  remember(hash: number, state: number): void {
    this.words[hash >>> this.shift] = this.freshWord(hash, state);
  }

  forgetAll(): void {
    this.words.fill(0);
  }
}
