/** Finds out when the host's clock was set: it is compared with one that nobody can set. Pure: both are read by the caller. */
import type { Milliseconds } from '../../probes/probe.ts';

/**
 * A clock that is slewed goes wrong by at most 0.5 ms a second (adjtimex(2)); ntpd steps from 128 ms on, and so does a
 * virtual machine that was paused.
 */
const LEAST_JUMP_MS = 100;
/** A thread that was put aside between two readings has learnt nothing from them. */
const LONGEST_READING_MS = 10;

export interface ClockReading {
  /** Since the Unix epoch. */
  readonly wallMs: Milliseconds;
  /** Of a clock that only goes on, just before and just after. */
  readonly beforeMs: Milliseconds;
  readonly afterMs: Milliseconds;
}

export class ClockWatch {
  /** How far the wall clock was ahead of the other one. */
  #offsetMs: Milliseconds | null = null;

  /** By how much the clock was set since the last reading; 0: it was not. */
  observe({ wallMs, beforeMs, afterMs }: ClockReading): Milliseconds {
    if (afterMs - beforeMs > LONGEST_READING_MS) return 0;
    const offsetMs = wallMs - beforeMs;
    const jumpMs = offsetMs - (this.#offsetMs ?? offsetMs);
    this.#offsetMs = offsetMs;
    return Math.abs(jumpMs) < LEAST_JUMP_MS ? 0 : jumpMs;
  }
}

export function readClocks(): ClockReading {
  const beforeMs = performance.now();
  const wallMs = Date.now();
  return { wallMs, beforeMs, afterMs: performance.now() };
}
