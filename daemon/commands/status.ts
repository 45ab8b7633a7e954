/** `weir status`: asks the running daemon and shows its answer. */
import { messageOf } from '../messageOf.ts';
import { renderStatus } from '../status/render.ts';
import type { StatusSnapshot } from '../status/snapshot.ts';
import { fail, loadOr, print } from './terminal.ts';

const TIMEOUT_MS = 5_000;

/** 0: shown; 1: no daemon answers there. */
export async function status(options: { config?: string; json?: boolean }): Promise<number> {
  const config = await loadOr(options.config);
  if (config === null) return 1;
  const { host, port } = config.status.listen;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/api/status`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await answer.text();
    if (!answer.ok) return fail(`Cannot read ${url}: answered ${answer.status}`);
    const snapshot: StatusSnapshot = JSON.parse(text);
    print(options.json ? text.trimEnd() : renderStatus(snapshot));
    return 0;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return fail(`Cannot read ${url}: ${messageOf(cause)} (is the daemon running?)`);
  }
}
