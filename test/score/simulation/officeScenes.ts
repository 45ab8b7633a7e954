/** Offices of 200 tenants: days of nothing to be named, and an hour with everything in it. */
import { tenantPrefixes, TENANTS } from '../../bench/workload/addresses.ts';
import type { WrittenTenant } from '../trial.ts';
import { HOUR, MONDAY, SECOND } from './calendar.ts';
import { hiddenAttacks } from './hiddenAttacks.ts';
import { idOf } from './plans.ts';
import type { Scene } from './scene.ts';

/** Ports of 100 Mbit/s; more than 80 for a minute is too much. */
const officeTenants = (): WrittenTenant[] =>
  Array.from({ length: TENANTS }, (_, tenant) => ({
    id: idOf(tenant),
    addresses: tenantPrefixes(tenant),
    plan: { port: '100mbit', threshold: { rate: '80mbit', for: '60s' } },
  }));

export const officeHours = (name: string, fromHour: number, hours: number, seed: number): Scene => ({
  name,
  kind: 'benign',
  tenants: officeTenants(),
  startMs: MONDAY + fromHour * HOUR,
  endMs: MONDAY + (fromHour + hours) * HOUR,
  office: { seed },
});

/** One after another, ten seconds and more apart, in an hour like any other. */
export function officeHour(): Scene {
  const startMs = MONDAY + 10 * HOUR;
  const attacks = hiddenAttacks().map((plan, i) => ({ plan, atMs: startMs + (10 + 20 * i) * SECOND }));
  return {
    name: 'an office hour with everything in it',
    kind: 'attack',
    tenants: officeTenants(),
    startMs,
    endMs: startMs + HOUR,
    office: { seed: 3 },
    attacks,
  };
}
