/** Incidents that have no alert of their own because too many are open: one notice tells of them. Pure. */
import type { Notice } from '../enforcement/notices.ts';
import { signatureWords } from '../incidents/format.ts';
import type { Incident } from '../incidents/incident.ts';

const NAMED = 5;

/** null: there is none. `single` is how many have an alert of their own. */
export function stormNotice(incidents: readonly Incident[], single: number): Notice | null {
  if (incidents.length === 0) return null;
  const sinceMs = incidents.reduce((first, { firstSeen }) => Math.min(first, Date.parse(firstSeen)), Infinity);
  const kinds = mostFrequent(incidents.map(({ signature }) => signatureWords(signature)));
  const tenants = mostFrequent(incidents.map(({ tenant }) => tenant));
  const critical = incidents.filter(({ severity }) => severity === 'critical').length;
  return {
    labels: { alertname: 'incidentStorm', severity: 'critical' },
    sinceMs,
    summary: `${incidents.length} more incidents are open than the ${single} that have an alert of their own`,
    description: [
      `${critical} of them are critical. What they are: ${kinds}.`,
      `Whose they are: ${tenants}.`,
      'The status page and `weir incidents` show all of them. One cause is likely: an attack on many tenants, or a threshold that is far too low.',
    ].join('\n'),
  };
}

function mostFrequent(names: readonly string[]): string {
  const counts = [...Map.groupBy(names, (name) => name)].map(([name, all]) => ({ name, count: all.length }));
  const sorted = counts.toSorted((a, b) => b.count - a.count);
  const rest = sorted.length - NAMED;
  const named = sorted.slice(0, NAMED).map(({ name, count }) => `${name} (${count})`);
  return [...named, ...(rest > 0 ? [`and ${rest} others`] : [])].join(', ');
}
