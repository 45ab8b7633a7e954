/** The paths of the status page, and its files. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HistoryUnavailable } from '../../store/historyReader.ts';
import { QueryError } from '../archive.ts';
import { incidentsQuery, limitsQuery, parseQuery, tenantsQuery, usageQuery } from '../queries.ts';
import type { Reply } from '../reply.ts';
import type { ApiSources } from '../routes.ts';
import { incidentPage } from './incidentPage.ts';
import { incidentsPage, notFoundPage, tenantsPage } from './listPages.ts';
import { overviewPage } from './overviewPage.ts';
import { SPANS, tenantPage } from './tenantPage.ts';
import { whyPage } from './whyPage.ts';

const HTML = 'text/html; charset=utf-8';
const MOST_OF_TENANT = 20;

export interface PageRoute {
  /** Parts in braces are names of parameters. */
  readonly path: string;
  readonly page: (
    sources: ApiSources,
    parameters: readonly string[],
    query: URLSearchParams,
  ) => Promise<string | NotShown>;
}

/** Why there is no such page. */
interface NotShown {
  readonly status: 400 | 404 | 503;
  readonly words: string;
}

const now = (): string => new Date().toISOString();

export const PAGES: readonly PageRoute[] = [
  { path: '/', page: async ({ snapshot }) => overviewPage(snapshot()) },
  {
    path: '/incidents',
    page: async ({ archive }, _, query) => {
      const parsed = parseQuery(incidentsQuery, filled(query));
      if ('error' in parsed) return { status: 400, words: parsed.error };
      return incidentsPage(await archive.incidents(parsed.value), parsed.value, now());
    },
  },
  {
    path: '/incidents/{id}',
    page: async ({ archive, snapshot }, [id = '']) => {
      const detail = await archive.incident(id);
      return detail === null ? { status: 404, words: `There is no incident ${id}.` } : incidentPage(detail, snapshot());
    },
  },
  {
    path: '/tenants',
    page: async ({ archive }, _, query) => {
      const parsed = parseQuery(tenantsQuery, filled(query));
      if ('error' in parsed) return { status: 400, words: parsed.error };
      return tenantsPage(archive.tenants(parsed.value), parsed.value, now());
    },
  },
  {
    path: '/tenants/{id}',
    page: async (sources, [id = ''], query) => (await tenant(sources, id, query.get('span'))) ?? unknownTenant(id),
  },
  {
    path: '/tenants/{id}/why',
    page: async ({ explain }, [id = ''], query) => {
      const answered = await explain(id, query.get('detector'));
      if (answered.status === 200) return whyPage(answered.explanation, now());
      return { status: answered.status, words: answered.error };
    },
  },
];

const unknownTenant = (id: string): NotShown => ({ status: 404, words: `No tenant has the id ${id}.` });

/** A form sends its empty fields, too. */
const filled = (query: URLSearchParams): URLSearchParams =>
  new URLSearchParams([...query].filter(([, value]) => value !== ''));

async function tenant({ archive }: ApiSources, id: string, asked: string | null): Promise<string | null> {
  const [detail, incidents, ended, usage] = await Promise.all([
    archive.tenant(id),
    archive.incidents({ ...incidentsQuery.parse({}), tenant: id, limit: MOST_OF_TENANT }),
    archive.endedLimits({ ...limitsQuery.parse({}), tenant: id, limit: MOST_OF_TENANT }),
    archive.usage(id, usageQuery.parse({ from: '24h', step: 'hour' })).catch(nothingKept),
  ]);
  if (detail === null) return null;
  const span = SPANS.find(([name]) => name === asked)?.[0] ?? '24h';
  return tenantPage({ detail, incidents, ended, usage, span, now: now() });
}

function nothingKept(error: unknown): null {
  if (error instanceof HistoryUnavailable) return null;
  throw error;
}

/** `shown`: what a page gives. */
export async function pageReply(shown: Promise<string | NotShown>): Promise<Reply> {
  const result = await shown.catch(whyNotShown);
  if (typeof result === 'string') return { status: 200, contentType: HTML, body: result };
  return { status: result.status, contentType: HTML, body: notFoundPage(result.words, now()) };
}

function whyNotShown(error: unknown): NotShown {
  if (error instanceof QueryError) return { status: 400, words: error.message };
  if (error instanceof HistoryUnavailable) return { status: 503, words: error.message };
  throw error;
}

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

const CHART_LIBRARY = dirname(fileURLToPath(import.meta.resolve('uplot')));

/** Folder of each file; they are read when first asked for. */
const FILES: ReadonlyMap<string, string> = new Map([
  ['style.css', import.meta.dirname],
  ['live.js', import.meta.dirname],
  ['charts.js', import.meta.dirname],
  ['weir.svg', import.meta.dirname],
  ['uPlot.esm.js', CHART_LIBRARY],
  ['uPlot.min.css', CHART_LIBRARY],
]);

const replies = new Map<string, Reply>();

/** null: the page has no such file. */
export function fileReply(path: string): Reply | null {
  const name = path.startsWith('/page/') ? path.slice('/page/'.length) : '';
  const folder = FILES.get(name);
  if (folder === undefined) return null;
  const reply = replies.get(name) ?? {
    status: 200,
    contentType: TYPES[name.split('.').at(-1) ?? ''] ?? '',
    body: readFileSync(join(folder, name)),
  };
  replies.set(name, reply);
  return reply;
}
