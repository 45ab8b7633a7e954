/** `weir incidents`: asks the running daemon for open and past incidents. */
import { describeSubject } from '../incidents/describe.ts';
import { formatRate, formatTime } from '../incidents/format.ts';
import type { Incident } from '../incidents/incident.ts';
import { formatSpan } from '../status/span.ts';
import { table } from '../status/textTable.ts';
import { askForAll, type AskOptions } from './askStatus.ts';
import { fail, loadOr, print } from './terminal.ts';

export interface IncidentsOptions extends AskOptions {
  readonly state?: string;
  readonly tenant?: string;
  readonly since?: string;
  readonly limit: string;
}

/** 0: shown; 1: no daemon answers there, or it refuses. */
export async function incidents(options: IncidentsOptions): Promise<number> {
  const { config: path, json, state, tenant, since } = options;
  const most = Number(options.limit);
  if (!Number.isInteger(most) || most < 1)
    return fail(`Cannot list incidents: --limit must be a number from 1 on, got ${options.limit}`);
  const config = await loadOr(path);
  if (config === null) return 1;
  const query = {
    ...(state !== undefined && { state }),
    ...(tenant !== undefined && { tenant }),
    ...(since !== undefined && { since }),
  };
  const all = await askForAll<Incident>(config, '/api/incidents', query, most);
  if (all === null) return 1;
  if (json) print(JSON.stringify(all.items));
  else print(all.items.length === 0 ? 'No incidents' : table(7, TITLES, all.items.map(cells)).join('\n'));
  if (all.missing !== null) fail(`Without those of the past: ${all.missing}`);
  return 0;
}

const TITLES = ['incident', 'state', 'severity', 'began', 'lasted', 'peak', 'what'];

const cells = (incident: Incident): string[] => [
  incident.id,
  incident.state,
  incident.severity,
  formatTime(incident.firstSeen),
  formatSpan((Date.parse(incident.lastSeen) - Date.parse(incident.firstSeen)) / 1000),
  formatRate(incident.peak, incident.unit),
  describeSubject(incident),
];
