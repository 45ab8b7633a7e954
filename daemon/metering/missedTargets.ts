/**
 * Addresses that were lately sent something that there was no time or room for: what comes from them now may have been asked for.
 * One bit an address, by 16 bits of its hash.
 */
import type { Milliseconds } from '../../probes/probe.ts';

const WORDS = 2048;
const WORD_SHIFT = 21;
const BIT_SHIFT = 16;
/** How long an answer may take: what is noted is kept for once to twice as long. */
const KEPT_MS = 2000;

export class MissedTargets {
  #recent = new Int32Array(WORDS);
  #before = new Int32Array(WORDS);
  #turnedMs: Milliseconds = 0;

  /** Time is that of the window that begins. */
  turnTo(nowMs: Milliseconds): void {
    const passedMs = Math.abs(nowMs - this.#turnedMs);
    if (passedMs < KEPT_MS) return;
    [this.#recent, this.#before] = [this.#before, this.#recent];
    this.#recent.fill(0);
    if (passedMs >= 2 * KEPT_MS) this.#before.fill(0);
    this.#turnedMs = nowMs;
  }

  note(targetHash: number): void {
    this.#recent[targetHash >>> WORD_SHIFT]! |= 1 << (targetHash >>> BIT_SHIFT);
  }

  has(targetHash: number): boolean {
    const word = targetHash >>> WORD_SHIFT;
    return (((this.#recent[word]! | this.#before[word]!) >>> (targetHash >>> BIT_SHIFT)) & 1) !== 0;
  }
}
