import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '../probes/probe.ts';

/** What the work comes to; null: it takes longer, and is not waited for. Keeps no process alive. */
export async function within<Result>(ms: Milliseconds, work: Promise<Result>): Promise<Result | null> {
  const timer = new AbortController();
  const late = pause(ms, null, { signal: timer.signal, ref: false }).catch(() => null);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
