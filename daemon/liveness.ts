/** Whether the threads that watch have spoken lately: what the watchdog is answered by. Reads no clock. */

/** 20 windows. An interface that is down or absent gives windows as well. */
const MAX_SILENCE_MS = 5_000;

export class Liveness {
  /** null: since the first time that was asked after. */
  readonly #heardMs: Map<string, number | null>;

  /** Those that must be heard of. */
  constructor(names: readonly string[]) {
    this.#heardMs = new Map(names.map((name) => [name, null]));
  }

  heard(name: string, nowMs: number): void {
    this.#heardMs.set(name, nowMs);
  }

  /** The main thread was not looking for so long: nobody can have been heard of. */
  pardon(lateMs: number): void {
    for (const [name, heardMs] of this.#heardMs) if (heardMs !== null) this.#heardMs.set(name, heardMs + lateMs);
  }

  /** Who has been silent for too long. */
  silent(nowMs: number): string[] {
    for (const [name, heardMs] of this.#heardMs) if (heardMs === null) this.#heardMs.set(name, nowMs);
    return [...this.#heardMs]
      .filter(([, heardMs]) => nowMs - (heardMs ?? nowMs) > MAX_SILENCE_MS)
      .map(([name]) => name);
  }
}
