/** What fills tenants' ports: for minutes, by night, by day, and for a day and a night. */
import type { Milliseconds } from '../../../probes/probe.ts';
import { tenantAddress, tenantPrefixes } from '../../bench/workload/addresses.ts';
import type { Named } from '../trial.ts';
import { DAY, HOUR, MINUTE, MONDAY, SECOND } from './calendar.ts';
import { activityAt } from './dayCurve.ts';
import { STRANGER } from './plans.ts';
import type { Scene } from './scene.ts';

/** A tenant with a port of 100 Mbit/s, and what goes through it. */
interface User {
  readonly id: string;
  readonly direction: 'outbound' | 'inbound';
  readonly rateBpsAt: (timeMs: Milliseconds) => number;
  readonly isGuaranteed?: boolean;
  /** What names it; left out: nothing. */
  readonly detector?: string;
}

const at = (rateBps: number) => () => rateBps;
const nightly = (timeMs: Milliseconds): number => ((timeMs - MONDAY) % DAY < 2 * HOUR ? 85e6 : 0);
const byDay = (timeMs: Milliseconds): number => 70e6 * activityAt(timeMs);
const atWeekend = (fromHour: number, hours: number, rateBps: number) => (timeMs: Milliseconds) =>
  timeMs >= MONDAY + 5 * DAY + fromHour * HOUR && timeMs < MONDAY + 5 * DAY + (fromHour + hours) * HOUR ? rateBps : 0;
const burst = (seconds: number, rateBps: number) => (timeMs: Milliseconds) =>
  timeMs >= MONDAY + MINUTE && timeMs < MONDAY + MINUTE + seconds * SECOND ? rateBps : 1e6;

const CONSTANT: readonly User[] = [
  { id: 'uploads', direction: 'outbound', rateBpsAt: at(80e6), detector: 'sustainedThroughput' },
  { id: 'downloads', direction: 'inbound', rateBpsAt: at(75e6), detector: 'sustainedThroughput' },
  { id: 'guaranteed', direction: 'outbound', rateBpsAt: at(80e6), isGuaranteed: true },
  { id: 'a-fifth', direction: 'outbound', rateBpsAt: at(20e6) },
];

const CHANGING: readonly User[] = [
  { id: 'two-hours-a-night', direction: 'outbound', rateBpsAt: nightly },
  { id: 'by-day', direction: 'inbound', rateBpsAt: byDay },
];

/** The plan's threshold is 90 Mbit/s for a minute. */
const PEAKS: readonly User[] = [
  { id: 'two-minutes', direction: 'outbound', rateBpsAt: burst(120, 96e6), detector: 'bandwidthThreshold' },
  { id: 'half-a-minute', direction: 'outbound', rateBpsAt: burst(30, 96e6) },
  { id: 'just-below', direction: 'outbound', rateBpsAt: burst(3600, 88e6) },
];

/** No threshold is passed: a backup of two hours in each of seven nights, one of 20 h at the weekend, and the office by day. */
const OF_WEEK: readonly User[] = [
  { id: 'two-hours-a-night', direction: 'outbound', rateBpsAt: nightly },
  { id: 'twenty-hours-at-the-weekend', direction: 'outbound', rateBpsAt: atWeekend(2, 20, 85e6) },
  { id: 'by-day', direction: 'inbound', rateBpsAt: byDay },
];

export const weekOfThroughput = (): Scene => sceneOf('a week of throughput that changes', 7 * 24, OF_WEEK);

export const throughput = (): Scene[] => [
  sceneOf('a day of constant throughput', 25, CONSTANT),
  sceneOf('two days of throughput that changes', 48, CHANGING),
  sceneOf('peaks of throughput', 1.25, PEAKS, MONDAY + MINUTE),
];

function sceneOf(name: string, hours: number, users: readonly User[], sinceMs = MONDAY): Scene {
  return {
    name,
    kind: users.some(({ detector }) => detector !== undefined) ? 'attack' : 'benign',
    tenants: users.map(({ id, isGuaranteed = false }, i) => ({
      id,
      addresses: tenantPrefixes(i),
      plan: { port: '100mbit', guaranteed: isGuaranteed, threshold: { rate: '90mbit', for: '60s' } },
    })),
    startMs: MONDAY,
    endMs: MONDAY + hours * HOUR,
    streams: users.map((user, i) => ({ ...endsOf(user, i), rateBpsAt: user.rateBpsAt, ...labelOf(user), sinceMs })),
  };
}

function endsOf({ direction }: User, i: number): { from: number; to: number } {
  const [tenant, stranger] = [tenantAddress(i), STRANGER + i];
  return direction === 'outbound' ? { from: tenant, to: stranger } : { from: stranger, to: tenant };
}

const labelOf = ({ id, direction, detector }: User): { expected?: Named } =>
  detector === undefined ? {} : { expected: { detector, tenant: id, direction } };
