/** What fills a tenant's port: for minutes, by night, by day, and for a day and a night. */
import type { Milliseconds } from '../../../probes/probe.ts';
import { tenantAddress, tenantPrefixes } from '../../bench/workload/addresses.ts';
import type { Named } from '../trial.ts';
import { DAY, HOUR, MINUTE, MONDAY, SECOND } from './calendar.ts';
import { activityAt } from './dayCurve.ts';
import { idOf, STRANGER } from './plans.ts';
import type { Scene, SteadyStream } from './scene.ts';

const TENANT = 1;

const byDay = (timeMs: Milliseconds): number => 70e6 * activityAt(timeMs);
const at = (rateBps: number) => () => rateBps;

const nightly = (timeMs: Milliseconds): number => ((timeMs - MONDAY) % DAY < 2 * HOUR ? 85e6 : 0);
const burst = (seconds: number, rateBps: number) => (timeMs: Milliseconds) =>
  timeMs >= MONDAY + MINUTE && timeMs < MONDAY + MINUTE + seconds * SECOND ? rateBps : 1e6;

export function throughput(): Scene[] {
  const out = { from: tenantAddress(TENANT), to: STRANGER };
  const into = { from: STRANGER, to: tenantAddress(TENANT) };
  const plan = { port: '100mbit', threshold: { rate: '90mbit', for: '60s' } };
  const sustained = (direction: 'inbound' | 'outbound'): Named => ({
    detector: 'sustainedThroughput',
    tenant: idOf(TENANT),
    direction,
  });
  const passed: Named = { detector: 'bandwidthThreshold', tenant: idOf(TENANT), direction: 'outbound' };
  const scene = (
    name: string,
    hours: number,
    streams: readonly SteadyStream[],
    own: Readonly<Record<string, unknown>> = plan,
  ): Scene => ({
    name,
    kind: streams.some(({ expected }) => expected !== undefined) ? 'attack' : 'benign',
    tenants: [{ id: idOf(TENANT), addresses: tenantPrefixes(TENANT), plan: own }],
    startMs: MONDAY,
    endMs: MONDAY + hours * HOUR,
    streams,
  });
  return [
    scene('24 h of upload at 80 % of the port', 25, [{ ...out, rateBpsAt: at(80e6), expected: sustained('outbound') }]),
    scene('24 h of download at 75 % of the port', 25, [
      { ...into, rateBpsAt: at(75e6), expected: sustained('inbound') },
    ]),
    scene('24 h of upload on a guaranteed plan', 25, [{ ...out, rateBpsAt: at(80e6) }], { ...plan, guaranteed: true }),
    scene('24 h of upload at a fifth of the port', 25, [{ ...out, rateBpsAt: at(20e6) }]),
    scene('three nights with a backup of 2 h', 72, [{ ...out, rateBpsAt: nightly }]),
    scene('two days by the day curve', 48, [{ ...into, rateBpsAt: byDay }]),
    scene('two minutes above the threshold', 0.25, [
      { ...out, rateBpsAt: burst(120, 96e6), expected: passed, sinceMs: MONDAY + MINUTE },
    ]),
    scene('half a minute above the threshold', 0.25, [{ ...out, rateBpsAt: burst(30, 96e6) }]),
    scene('an hour just below the threshold', 1.25, [{ ...out, rateBpsAt: burst(3600, 88e6) }]),
  ];
}
