/** What the log says of a probe's troubles: each kind at most once a minute an interface. */
import type { Milliseconds, ProbeStatistics } from '../probes/probe.ts';
import { formatQuantity } from './incidents/format.ts';
import { LogLimiter } from './log.ts';
import type { Direction, Window } from './metering/window.ts';

/** As much of a logger as it takes. */
interface Lines {
  warn(facts: object, message: string): void;
  info(facts: object, message: string): void;
}

export class ProbeLog {
  readonly #log: Lines;
  readonly #limiter = new LogLimiter();
  /** By interface. */
  readonly #onlySees = new Map<string, Direction | null>();
  readonly #unseenBytes = new Map<string, number>();
  readonly #restarts = new Map<string, number>();

  constructor(log: Lines) {
    this.#log = log;
  }

  observe(name: string, window: Window, unseenBytes: number | null, nowMs: Milliseconds): void {
    const { dropped, received, clockJumpMs } = window;
    if (dropped !== null && dropped > 0) {
      this.#warn('dropped', name, nowMs, { dropped, received }, `losing packets on ${name}`);
    }
    if (clockJumpMs !== 0) {
      const seconds = Math.round(Math.abs(clockJumpMs)) / 1000;
      const way = clockJumpMs < 0 ? 'back' : 'forward';
      this.#warn('clock', name, nowMs, {}, `the clock was set ${way} by ${seconds} s, as seen on ${name}`);
    }
    this.#tellWays(name, window.onlySees, nowMs);
    this.#tellUnseen(name, unseenBytes ?? 0, nowMs);
  }

  /** Of the process that captures, where it is one of its own. */
  observeRestarts(name: string, { restarts = 0, lastFailure = null }: ProbeStatistics, nowMs: Milliseconds): void {
    const before = this.#restarts.get(name) ?? 0;
    this.#restarts.set(name, restarts);
    if (restarts <= before) return;
    this.#warn('restart', name, nowMs, { restarts }, `the process that captures on ${name} ended: ${lastFailure}`);
  }

  /** When a suspicion begins, and when it is given up. */
  #tellWays(name: string, onlySees: Direction | null, nowMs: Milliseconds): void {
    const before = this.#onlySees.get(name) ?? null;
    this.#onlySees.set(name, onlySees);
    if (onlySees === before) return;
    if (onlySees === null) {
      if (this.#limiter.allows(`both ways ${name}`, nowMs)) {
        this.#log.info({ interface: name }, `both directions are seen on ${name} again`);
      }
    } else {
      const cause = 'a mirror of one way, or asymmetric routes?';
      this.#warn('one way', name, nowMs, { onlySees }, `only ${onlySees} traffic is seen on ${name} (${cause})`);
    }
  }

  #tellUnseen(name: string, bytes: number, nowMs: Milliseconds): void {
    const before = this.#unseenBytes.get(name) ?? 0;
    if (bytes <= before) return;
    const more = formatQuantity(bytes - before, 'B');
    const said = this.#warn('unseen', name, nowMs, { bytes: bytes - before }, `${more} passed ${name} unseen`);
    if (said) this.#unseenBytes.set(name, bytes);
  }

  #warn(kind: string, name: string, nowMs: Milliseconds, facts: object, message: string): boolean {
    const isAllowed = this.#limiter.allows(`${kind} ${name}`, nowMs);
    if (isAllowed) this.#log.warn({ interface: name, ...facts }, message);
    return isAllowed;
  }
}
