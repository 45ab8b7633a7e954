/** Hours, days and months of UTC; a month is numbered by 12 a year. */
import type { Milliseconds } from '../probes/probe.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

export function monthOf(ms: Milliseconds): number {
  const date = new Date(ms);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

export const startOfMonth = (month: number): Milliseconds => Date.UTC(Math.floor(month / 12), month % 12);

/** `2026-03`. */
export const monthName = (month: number): string => new Date(startOfMonth(month)).toISOString().slice(0, 7);
