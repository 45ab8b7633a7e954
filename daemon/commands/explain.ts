/** `weir explain`: asks the running daemon where a tenant stands with its detectors. */
import { renderExplanation } from '../status/renderExplanation.ts';
import { askStatus, type AskOptions } from './askStatus.ts';

/** 0: shown; 1: there is no such tenant or detector, or no daemon answers. */
export async function explain(tenant: string, detector: string | undefined, options: AskOptions): Promise<number> {
  const query = new URLSearchParams({ tenant, ...(detector !== undefined && { detector }) });
  return askStatus(`/api/explain?${query.toString()}`, options, (json) => renderExplanation(JSON.parse(json)));
}
