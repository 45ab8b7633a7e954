/** Lays what was named beside what should have been: pure. */
import type { Incident } from '../../daemon/incidents/incident.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import type { Named, Observation, Seen, Trial } from './trial.ts';

/**
 * From the best to the worst: named as it should be; with another sub-type; not at all; by its name, but at somebody else or in
 * the wrong direction; by a wrong name, at those who have to do with it.
 */
export const VERDICTS = ['found', 'mistyped', 'missed', 'misplaced', 'misnamed'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Judgement {
  readonly expected: Named;
  readonly verdict: Verdict;
  /** What it was named as, where that is not what was expected. */
  readonly instead: string | null;
  /** From the first packet of the attack to the end of the window that opened the incident; null: it was not found. */
  readonly latency: { readonly packets: number; readonly ms: Milliseconds } | null;
}

export interface Ruling {
  readonly judgements: readonly Judgement[];
  /** What was named without cause, or once too often. */
  readonly extra: readonly string[];
}

export function judge({ expected, allowed }: Pick<Trial, 'expected' | 'allowed'>, observation: Observation): Ruling {
  const left = new Set(observation.seen);
  // Those that are right are taken first, so that a neighbour's mistake does not take them.
  const found = expected.map((named) => take(left, (seen) => fits(named, seen)));
  for (const seen of left) if (allowed.some((named) => fits(named, seen))) left.delete(seen);
  const judgements = expected.map((named, i) => {
    const seen = found[i];
    const times = observation.attackTimesMs[i] ?? [];
    return seen === undefined ? unfound(named, left) : rightly(named, seen, times);
  });
  return { judgements, extra: [...left].map(({ incident }) => describe(incident)) };
}

function take(left: Set<Seen>, isIt: (seen: Seen) => boolean): Seen | undefined {
  const all = [...left].filter(isIt);
  const first = all.toSorted((a, b) => a.openedMs - b.openedMs)[0];
  if (first !== undefined) left.delete(first);
  return first;
}

function rightly(expected: Named, { incident, openedMs }: Seen, times: readonly Milliseconds[]): Judgement {
  const type = typeOf(incident);
  const isTyped = expected.type === undefined || expected.type === type;
  const firstMs = times[0] ?? openedMs;
  return {
    expected,
    verdict: isTyped ? 'found' : 'mistyped',
    instead: isTyped ? null : (type ?? 'no type'),
    latency: { packets: times.filter((timeMs) => timeMs < openedMs).length, ms: openedMs - firstMs },
  };
}

function unfound(expected: Named, left: Set<Seen>): Judgement {
  const misplaced = take(
    left,
    ({ incident }) =>
      isOneOf(expected.detector, incident.detector) && (concerns(expected, incident) || isOf(expected, incident)),
  );
  if (misplaced !== undefined) return wrongly(expected, 'misplaced', misplaced);
  const misnamed = take(left, ({ incident }) => concerns(expected, incident));
  if (misnamed !== undefined) return wrongly(expected, 'misnamed', misnamed);
  return { expected, verdict: 'missed', instead: null, latency: null };
}

const wrongly = (expected: Named, verdict: Verdict, { incident }: Seen): Judgement => ({
  expected,
  verdict,
  instead: describe(incident),
  latency: null,
});

/** All but its sub-type. */
const fits = (named: Named, { incident }: Seen): boolean =>
  isOneOf(named.detector, incident.detector) &&
  agrees(named.tenant, incident.tenant) &&
  agrees(named.direction, incident.direction) &&
  agrees(named.offender, incident.offender) &&
  agrees(named.victim, incident.victim);

const isOneOf = (detectors: string | readonly string[], id: string): boolean => [detectors].flat().includes(id);

const agrees = <Value>(wanted: Value | undefined, actual: Value): boolean => wanted === undefined || wanted === actual;

const isOf = ({ tenant }: Named, incident: Incident): boolean => agrees(tenant, incident.tenant);

/** The incident has one of the parties, or none is known to tell by. */
function concerns(expected: Named, incident: Incident): boolean {
  const parties = [expected.offender, expected.victim].filter((party) => typeof party === 'string');
  if (parties.length === 0) return isOf(expected, incident);
  return parties.some((party) => party === incident.offender || party === incident.victim);
}

/** Not all detectors have sub-types. */
function typeOf({ evidence }: Incident): string | null {
  return 'type' in evidence && typeof evidence.type === 'string' ? evidence.type : null;
}

function describe(incident: Incident): string {
  const { detector, direction, offender, victim } = incident;
  const type = typeOf(incident);
  const name = type === null ? detector : `${detector}/${type}`;
  return `${name} ${direction ?? ''} ${offender ?? 'many'} > ${victim ?? 'many'}`;
}
