/** What an incident is, in names and values for a person. Pure. */
import { CLAUSE_WORDS } from '../incidents/clauses.ts';
import { formatRate, formatShare, formatTime } from '../incidents/format.ts';
import type { Incident } from '../incidents/incident.ts';
import { formatSpan } from '../status/span.ts';

export type Fact = readonly [name: string, value: string];

export function factsOf(incident: Incident): Fact[] {
  const { id, tenant, state, severity, clause, unit, firstSeen, lastSeen, offender, victim } = incident;
  const seconds = (Date.parse(lastSeen) - Date.parse(firstSeen)) / 1000;
  return [
    ['incident', id],
    ['tenant', tenant],
    ['state', `${state}, ${severity}`],
    ['first seen', formatTime(firstSeen)],
    ['last seen', `${formatTime(lastSeen)}, ${formatSpan(seconds)} later`],
    ['by', offender ?? 'nobody in particular, or many'],
    ['against', victim ?? 'nobody in particular, or many'],
    ['value', formatRate(incident.value, unit)],
    ['peak', formatRate(incident.peak, unit)],
    ['threshold', formatRate(incident.threshold, unit)],
    ['clause', `${CLAUSE_WORDS[clause]} (${clause})`],
    ['seen at', incident.observationPoint],
    ['confidence', formatShare(incident.confidence)],
  ];
}
