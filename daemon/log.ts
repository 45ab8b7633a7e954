/** The daemon's log: JSON lines on standard output, for journald. */
import { type Logger, pino, stdTimeFunctions } from 'pino';
import type { LogLevel } from './config/config.ts';
import { isJournal, withPriority } from './journal.ts';
import { LogOutput } from './logOutput.ts';

export type { Logger };

const STDOUT = 1;

export const makeLog = (level: LogLevel): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    new LogOutput(STDOUT, isJournal(STDOUT, process.env['JOURNAL_STREAM']) ? { mark: withPriority } : {}),
  );

/**
 * Lets a line through at most once an interval for each key, so that a flood of events does not become one of lines. It
 * keeps the keys: they come from the configuration or the code, never from packets.
 */
export class LogLimiter {
  readonly #lastMs = new Map<string, number>();
  readonly #intervalMs: number;

  constructor(intervalMs = 60_000) {
    this.#intervalMs = intervalMs;
  }

  allows(key: string, nowMs: number): boolean {
    const last = this.#lastMs.get(key);
    if (last !== undefined && nowMs >= last && nowMs - last < this.#intervalMs) return false;
    this.#lastMs.set(key, nowMs);
    return true;
  }
}
