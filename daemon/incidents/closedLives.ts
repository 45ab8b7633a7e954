/** When incidents that are closed by now were open, so that windows which come late do not tell of them a second time. Bounded. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { Sighting } from './candidates.ts';

const MAX_IDENTITIES = 4096;
/** An attack that pauses longer than `closeAfterMs` again and again has a life each time. */
const MAX_LIVES = 8;

export interface Life {
  readonly firstMs: Milliseconds;
  readonly lastMs: Milliseconds;
}

export class ClosedLives {
  /** The one that closed longest ago first. */
  readonly #byIdentity = new Map<string, readonly Life[]>();
  readonly #marginMs: Milliseconds;

  /** A sighting within `marginMs` of a life would have kept it open, had it come in time. */
  constructor(marginMs: Milliseconds) {
    this.#marginMs = marginMs;
  }

  remember(identity: string, life: Life): void {
    const lives = [...(this.#byIdentity.get(identity) ?? []), life].slice(-MAX_LIVES);
    this.#byIdentity.delete(identity);
    this.#byIdentity.set(identity, lives);
    const [oldest] = this.#byIdentity.keys();
    if (this.#byIdentity.size > MAX_IDENTITIES && oldest !== undefined) this.#byIdentity.delete(oldest);
  }

  includes(identity: string, { startMs, endMs }: Sighting): boolean {
    const lives = this.#byIdentity.get(identity) ?? [];
    return lives.some(({ firstMs, lastMs }) => startMs < lastMs + this.#marginMs && endMs > firstMs - this.#marginMs);
  }

  /** A clock was set back: the same times come again. */
  clear(): void {
    this.#byIdentity.clear();
  }
}
