/** What happened when in an incident, from the first to the last. Pure. */
import { formatRate } from '../incidents/format.ts';
import type { IncidentDetail } from '../status/answers.ts';

export interface CourseEvent {
  /** RFC 3339. */
  readonly at: string;
  readonly what: string;
}

export function courseOf({ incident, limits, limit }: IncidentDetail): CourseEvent[] {
  const { firstSeen, lastSeen, state } = incident;
  const events: readonly CourseEvent[] = [
    { at: firstSeen, what: 'seen for the first time' },
    ...limits.flatMap(({ since, by, reason, ended, rateBps }) => [
      { at: since, what: `limited to ${formatRate(rateBps, 'bit/s')} by ${by}: ${reason}` },
      { at: ended.at, what: `limit ended by ${ended.by}: ${ended.reason}` },
    ]),
    ...(limit?.state === 'inForce'
      ? [{ at: limit.since, what: `limited to ${formatRate(limit.rateBps, 'bit/s')}: ${limit.reason}` }]
      : []),
    { at: lastSeen, what: state === 'open' ? 'seen last, and it goes on' : 'seen for the last time' },
  ];
  return events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
