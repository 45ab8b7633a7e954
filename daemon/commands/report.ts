/** `weir report`: a report of an incident for an abuse desk, from the running daemon. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import { messageOf } from '../messageOf.ts';
import { reportHtml } from '../reports/reportHtml.ts';
import { reportText } from '../reports/reportText.ts';
import { xarfReport } from '../reports/xarf.ts';
import type { IncidentDetail } from '../status/answers.ts';
import { version } from '../version.ts';
import { askFor, type AskOptions, fetchStatus } from './askStatus.ts';
import { fail, loadOr, print, printable } from './terminal.ts';

export interface ReportOptions extends AskOptions {
  readonly format: 'text' | 'html' | 'xarf';
  /** Where it is written; left out: to standard output. */
  readonly output?: string;
  /** Who reports, in X-ARF. */
  readonly org?: string;
  readonly contact?: string;
}

/** 0: written; 1: there is no such incident, it cannot be reported so, or no daemon answers. */
export async function report(id: string, options: ReportOptions): Promise<number> {
  const { config: path, json, format: asked, output } = options;
  const format = json ? 'xarf' : asked;
  if (format === 'xarf' && (options.org === undefined || !options.contact?.includes('@')))
    return fail('Cannot report: X-ARF names who reports: --org "Example Telecom" --contact abuse@example.net');
  const config = await loadOr(path);
  const detail = config && (await askFor<IncidentDetail>(config, `/api/incidents/${encodeURIComponent(id)}`));
  if (config === null || detail === null) return 1;
  const written = await write(config, detail, { ...options, format });
  if ('refused' in written) return fail(`Cannot report ${id}: ${written.refused}`);
  if (output === undefined) print(written.text);
  else {
    try {
      await writeFile(output, `${printable(written.text)}\n`);
    } catch (error) {
      return fail(`Cannot write ${output}: ${messageOf(error)}`);
    }
  }
  return 0;
}

async function write(
  config: Config,
  detail: IncidentDetail,
  { format, org = '', contact = '' }: ReportOptions,
): Promise<{ readonly text: string } | { readonly refused: string }> {
  if (format === 'text') return { text: reportText(detail) };
  const pcap = detail.hasEvidence ? await packetsOf(config, detail.incident.id) : null;
  const madeAt = new Date().toISOString();
  if (format === 'html')
    return { text: reportHtml(detail, { pcap, madeAt, madeBy: `Weir ${version} on ${hostname()}` }) };
  const reported = xarfReport(detail, { reporter: { org, contact }, reportId: randomUUID(), pcap });
  return 'refused' in reported ? reported : { text: JSON.stringify(reported.report, null, 2) };
}

async function packetsOf(config: Config, id: string): Promise<Uint8Array | null> {
  const answer = await fetchStatus(config, `/api/incidents/${encodeURIComponent(id)}/evidence.pcap`);
  return answer === null ? null : new Uint8Array(await answer.arrayBuffer());
}
