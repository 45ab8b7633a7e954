/** What the commands have in common that show what the running daemon answers. */
import type { Config } from '../config/config.ts';
import type { Page, PastPage } from '../status/answers.ts';
import { messageOf } from '../messageOf.ts';
import { statusUrl } from '../status/statusUrl.ts';
import { allPages } from './pages.ts';
import { fail, loadOr, print } from './terminal.ts';

const TIMEOUT_MS = 5_000;

export interface AskOptions {
  /** The configuration file that names where the daemon listens. */
  readonly config?: string;
  /** The answer is shown as it is. */
  readonly json?: boolean;
}

/** The answer, read as `Answer`; null: there is none, which has been printed. */
export async function askFor<Answer>(config: Config, path: string): Promise<Answer | null> {
  const answer = await fetchStatus(config, path);
  if (answer === null) return null;
  const value: Answer = JSON.parse(await answer.text());
  return value;
}

/** All items of a list, at most `most`; null as above. */
export const askForAll = <Item>(
  config: Config,
  path: string,
  query: Readonly<Record<string, string>>,
  most = Infinity,
): Promise<PastPage<Item> | null> =>
  allPages(
    (asked) => askFor<Page<Item> & { readonly missing?: string | null }>(config, `${path}?${asked}`),
    query,
    most,
  );

/** `render` makes text of the JSON. 0: shown; 1: no daemon answers there, or it refuses, which has been printed. */
export async function askStatus(path: string, options: AskOptions, render: (json: string) => string): Promise<number> {
  const config = await loadOr(options.config);
  if (config === null) return 1;
  const answer = await fetchStatus(config, path);
  if (answer === null) return 1;
  const text = await answer.text();
  print(options.json ? text.trimEnd() : render(text));
  return 0;
}

/** null: no daemon answers there, or it refuses, which has been printed. */
export async function fetchStatus({ status }: Config, path: string): Promise<Response | null> {
  const url = `${statusUrl(status.listen)}${path}`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.ok) return answer;
    fail(`Cannot read ${url}: ${errorIn(await answer.text()) ?? `answered ${answer.status}`}`);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    fail(`Cannot read ${url}: ${messageOf(cause)} (is the daemon running?)`);
  }
  return null;
}

/** What the daemon says is wrong; null: it is not the daemon's. */
function errorIn(text: string): string | null {
  try {
    const { error }: { error?: unknown } = JSON.parse(text);
    return typeof error === 'string' ? error : null;
  } catch {
    return null;
  }
}
