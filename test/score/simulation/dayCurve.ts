/** How busy an office is, by the time of day and week: 0 … 1. */
import type { Milliseconds } from '../../../probes/probe.ts';

const HOUR_MS = 3_600_000;
const NIGHT = 0.03;
const WEEKEND = 0.1;
/** From 0 to 23 o'clock. */
const WORKDAY = [
  0, 0, 0, 0, 0, 0.02, 0.1, 0.35, 0.75, 0.95, 1, 0.95, 0.6, 0.7, 0.9, 0.95, 0.85, 0.6, 0.3, 0.15, 0.1, 0.05, 0.03, 0,
];

export function activityAt(timeMs: Milliseconds): number {
  const hours = timeMs / HOUR_MS;
  const hour = Math.floor(hours) % 24;
  // 1 January 1970 was a Thursday.
  const weekday = (Math.floor(hours / 24) + 4) % 7;
  const now = WORKDAY[hour] ?? 0;
  const next = WORKDAY[(hour + 1) % 24] ?? 0;
  const busy = now + (next - now) * (hours % 1);
  return Math.max(NIGHT, weekday === 0 || weekday === 6 ? busy * WEEKEND : busy);
}
