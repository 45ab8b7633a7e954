/** `weir evidence`: asks the running daemon for the packets of an incident, as a pcap file. */
import { writeFile } from 'node:fs/promises';
import { messageOf } from '../messageOf.ts';
import { fetchStatus } from './askStatus.ts';
import { fail, loadOr } from './terminal.ts';

export interface EvidenceOptions {
  /** The configuration file that names where the daemon listens. */
  readonly config?: string;
  /** Where the file is written; left out: to standard output. */
  readonly output?: string;
}

/** 0: written; 1: there is none, or no daemon answers, or it cannot be written, which has been printed. */
export async function evidence(id: string, { config: path, output }: EvidenceOptions): Promise<number> {
  const config = await loadOr(path);
  if (config === null) return 1;
  const answer = await fetchStatus(config, `/api/incidents/${encodeURIComponent(id)}/evidence.pcap`);
  if (answer === null) return 1;
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (output === undefined) {
    process.stdout.write(bytes);
    return 0;
  }
  try {
    await writeFile(output, bytes);
    return 0;
  } catch (error) {
    return fail(`Cannot write ${output}: ${messageOf(error)}`);
  }
}
