/** What each path of the status endpoint answers, whatever carries it. Read-only. */
import { assessHealth } from './health.ts';
import { renderStatus } from './render.ts';
import type { LimitStatus, StatusSnapshot, Vitals } from './snapshot.ts';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** The methods that there are, where the one that was asked for is none of them. */
  readonly allow?: string;
}

export interface ApiSources {
  readonly snapshot: () => StatusSnapshot;
  readonly vitals: () => Vitals;
  readonly limits: () => readonly LimitStatus[];
  /** The text that Prometheus scrapes. */
  readonly metrics: () => Promise<string>;
}

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';
/** Prometheus' text format, https://prometheus.io/docs/instrumenting/exposition_formats/. */
const METRICS = 'text/plain; version=0.0.4; charset=utf-8';
const LISTING =
  '\n/healthz     200 ok, or 503 and why\n/api/status  all of this as JSON\n/api/limits  the limits alone\n/metrics     for Prometheus\n';

type Route = (sources: ApiSources) => Reply | Promise<Reply>;

const ROUTES = new Map<string, Route>([
  ['/', ({ snapshot }) => ({ status: 200, contentType: TEXT, body: renderStatus(snapshot()) + LISTING })],
  ['/healthz', ({ vitals }) => healthReply(vitals())],
  ['/api/status', ({ snapshot }) => jsonReply(200, snapshot())],
  ['/api/limits', ({ limits }) => jsonReply(200, limits())],
  ['/metrics', async ({ metrics }) => ({ status: 200, contentType: METRICS, body: await metrics() })],
]);

export function jsonReply(status: number, value: unknown): Reply {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

/** `target` as in the request line; a query is ignored. */
export async function answer(method: string, target: string, sources: ApiSources): Promise<Reply> {
  const route = ROUTES.get(target.split('?', 1)[0] ?? '');
  if (route === undefined) return jsonReply(404, { error: 'not found' });
  if (method !== 'GET' && method !== 'HEAD')
    return { ...jsonReply(405, { error: 'read-only: GET and HEAD alone' }), allow: 'GET, HEAD' };
  return route(sources);
}

function healthReply(vitals: Vitals): Reply {
  const health = assessHealth(vitals);
  return jsonReply(health.status === 'ok' ? 200 : 503, health);
}
