/** Whether the daemon does its work, decided from its vitals alone: the answer of GET /healthz. */
import type { InterfaceStatus, Vitals } from './snapshot.ts';

/** 20 windows. */
const MAX_SILENCE_MS = 5_000;

export type Health =
  | { readonly status: 'ok' }
  | { readonly status: 'failing'; readonly reasons: readonly [string, ...string[]] };

/**
 * Failing when an interface is not watched although it is there, or when none is there at all. A single interface that
 * is down or absent is the host's business (a tenant's guest is switched off), and is waited for.
 */
export function assessHealth(vitals: Vitals): Health {
  const { interfaces, collector } = vitals;
  const sees = collector !== null || interfaces.some(({ state }) => state !== 'down' && state !== 'absent');
  const reasons = [...interfaces.map((each) => whyUnwatched(each, vitals)), whyUncollected(vitals)].filter(
    (why) => why !== null,
  );
  const [first, ...others] = sees ? reasons : [whyBlind(interfaces), ...reasons];
  return first === undefined ? { status: 'ok' } : { status: 'failing', reasons: [first, ...others] };
}

function whyBlind(interfaces: readonly InterfaceStatus[]): string {
  const states = interfaces.map(({ name, state }) => `${name} is ${state}`);
  return `Cannot see any traffic: ${states.length === 0 ? 'no interface is watched' : states.join(', ')}`;
}

function whyUnwatched(watched: InterfaceStatus, vitals: Vitals): string | null {
  const { name, state, lastWindowAt } = watched;
  if (state === 'dead') return `Cannot watch ${name}: its worker is dead`;
  if (state === 'restarting') return `Cannot watch ${name}: the process that captures is dead (${whyDead(watched)})`;
  if (state !== 'up' && state !== 'starting') return null;
  const silenceMs = Date.parse(vitals.now) - Date.parse(lastWindowAt ?? vitals.startedAt);
  if (silenceMs <= MAX_SILENCE_MS) return null;
  return `Cannot watch ${name}: no window for ${(silenceMs / 1000).toFixed(1)} s`;
}

const whyDead = ({ captureProcess }: InterfaceStatus): string => captureProcess?.lastFailure ?? 'why is not known';

function whyUncollected({ collector, now, startedAt }: Vitals): string | null {
  if (collector === null) return null;
  if (collector.state === 'dead') return 'Cannot collect flow records: the worker is dead';
  const silenceMs = Date.parse(now) - Date.parse(collector.lastReportAt ?? startedAt);
  if (silenceMs <= MAX_SILENCE_MS) return null;
  return `Cannot collect flow records: no word of the worker for ${(silenceMs / 1000).toFixed(1)} s`;
}
