/** Offices of 200 tenants: days of nothing to be named, and an hour with everything in it. */
import { tenantPrefixes, TENANTS } from '../../bench/workload/addresses.ts';
import { Observer } from '../observe.ts';
import type { Trial, WrittenTenant } from '../trial.ts';
import type { Agenda } from './agenda.ts';
import { HOUR, MINUTE, MONDAY, SECOND } from './calendar.ts';
import type { FrameWriter } from './frameWriter.ts';
import { hiddenAttacks } from './hiddenAttacks.ts';
import { Office } from './office.ts';
import { idOf } from './plans.ts';
import type { Scene } from './scene.ts';
import { run } from './simulate.ts';

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

/** Of each hour of the week its first three minutes, at true rates, as if nobody had looked between them. */
const SAMPLED_MS = 3 * MINUTE;
/** So that no conversation ends for want of time: the last SYN of one that is not answered comes after 7 s. */
const TAIL_MS = 15 * SECOND;

export const sampledWeek = (seed: number): Trial => ({
  name: 'an office week, three minutes of each hour',
  kind: 'benign',
  expected: [],
  allowed: [],
  observe() {
    const observer = new Observer(officeTenants());
    const hours = Array.from({ length: 7 * 24 }, (_, hour) => MONDAY + hour * HOUR);
    for (const startMs of hours) {
      const span = { startMs, endMs: startMs + SAMPLED_MS };
      const open = (writer: FrameWriter, agenda: Agenda): void => new Office(writer, agenda, { seed, ...span }).open();
      run(span, open, (block) => observer.observe(block), TAIL_MS);
    }
    return { ...observer.finish(), hours: (hours.length * SAMPLED_MS) / HOUR, attackTimesMs: [] };
  },
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
