/** Waits for what cannot tell by itself that it has happened: looks again and again until a deadline. */
import { setInterval } from 'node:timers/promises';

const LOOK_EVERY_MS = 50;

/** The first result of `look` that is neither undefined nor false. Throws after `withinMs`, naming what was waited for. */
export async function until<T>(what: string, withinMs: number, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for await (const _ of setInterval(LOOK_EVERY_MS)) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadlineMs) break;
  }
  throw new Error(`${what}: not within ${withinMs} ms`);
}
