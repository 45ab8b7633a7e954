/** The time of day in fractions of milliseconds, which follows when it is set. */

/** Date.now() is whole milliseconds; more than this is a clock that was set, or that drifted. */
const TOLERANCE_MS = 2;

export class WallClock {
  #originMs = performance.timeOrigin;

  now(): number {
    return this.#originMs + performance.now();
  }

  /** Adopts the system's clock where it is another; to be called now and then. */
  correct(): void {
    const behindMs = Date.now() - this.now();
    if (Math.abs(behindMs) > TOLERANCE_MS) this.#originMs += behindMs;
  }
}
