/** `weir incident`: one incident with its proof, how it went and what was done, from the running daemon. */
import { reportText } from '../reports/reportText.ts';
import type { IncidentDetail } from '../status/answers.ts';
import { askStatus, type AskOptions } from './askStatus.ts';

/** 0: shown; 1: there is none, or no daemon answers. */
export function incident(id: string, options: AskOptions): Promise<number> {
  return askStatus(`/api/incidents/${encodeURIComponent(id)}`, options, (json) => {
    const detail: IncidentDetail = JSON.parse(json);
    return reportText(detail);
  });
}
