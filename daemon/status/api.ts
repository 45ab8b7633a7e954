/** What each request of the status endpoint is answered, whatever carries it. Read-only. */
import { HistoryUnavailable } from '../store/historyReader.ts';
import { QueryError } from './archive.ts';
import { openApiDocument } from './openapi.ts';
import { renderStatus } from './render.ts';
import { fileReply, PAGES, pageReply } from './page/pages.ts';
import { jsonReply, problem, type Reply, TEXT } from './reply.ts';
import { type ApiSources, type Route, ROUTES } from './routes.ts';

export interface ApiRequest {
  readonly method: string;
  /** As in the request line. */
  readonly target: string;
  /** What the client would like best; empty: it does not say. */
  readonly accept: string;
}

const MAX_PARAMETER = 200;

/** What a query has beyond what is asked for is ignored. */
export async function answer({ method, target, accept }: ApiRequest, sources: ApiSources): Promise<Reply> {
  const cut = target.indexOf('?');
  const path = cut === -1 ? target : target.slice(0, cut);
  const query = new URLSearchParams(cut === -1 ? '' : target.slice(cut + 1));
  const reply = replyTo(path, accept);
  if (reply === null) return problem(404, 'not found');
  if (method !== 'GET' && method !== 'HEAD')
    return { ...problem(405, 'read-only: GET and HEAD alone'), allow: 'GET, HEAD' };
  try {
    return await reply(sources, query);
  } catch (error) {
    if (error instanceof QueryError) return problem(400, error.message);
    if (error instanceof HistoryUnavailable) return problem(503, error.message);
    throw error;
  }
}

type ReplyTo = (sources: ApiSources, query: URLSearchParams) => Reply | Promise<Reply>;

const wantsPage = (accept: string): boolean => /(?:^|[,\s])text\/html/.test(accept);

function replyTo(path: string, accept: string): ReplyTo | null {
  const file = fileReply(path);
  if (file !== null) return () => file;
  if (path !== '/' || wantsPage(accept))
    for (const { path: pattern, page } of PAGES) {
      const parameters = parametersOf(pattern, path);
      if (parameters !== null) return (sources, query) => pageReply(page(sources, parameters, query));
    }
  if (path === '/')
    return ({ snapshot }) => ({ status: 200, contentType: TEXT, body: renderStatus(snapshot()) + listing() });
  if (path === '/api/openapi.json') return () => jsonReply(200, document());
  for (const route of ROUTES) {
    const parameters = parametersOf(route.path, path);
    if (parameters !== null) return (sources, query) => route.reply(sources, parameters, query, accept);
  }
  return null;
}

/** null: the path is not of this route. */
function parametersOf(pattern: Route['path'], path: string): string[] | null {
  const wanted = pattern.split('/');
  const parts = path.split('/', wanted.length + 1);
  if (parts.length !== wanted.length) return null;
  const parameters: string[] = [];
  for (const [i, want] of wanted.entries()) {
    const part = parts[i] ?? '';
    if (!want.startsWith('{')) {
      if (part !== want) return null;
      continue;
    }
    const parameter = decoded(part);
    if (parameter === null) return null;
    parameters.push(parameter);
  }
  return parameters;
}

function decoded(part: string): string | null {
  try {
    const text = decodeURIComponent(part);
    return text === '' || text.length > MAX_PARAMETER ? null : text;
  } catch {
    return null;
  }
}

let written: ReturnType<typeof openApiDocument> | null = null;
const document = () => (written ??= openApiDocument());

const listing = (): string =>
  `\n${ROUTES.map(({ path, summary }) => `${path}  ${summary}`).join('\n')}\n/api/openapi.json  all of it for programs\n`;
