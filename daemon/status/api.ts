/** What each path of the status endpoint answers, whatever carries it. Read-only. */
import type { Explanation } from './explanation.ts';
import { assessHealth } from './health.ts';
import { renderStatus } from './render.ts';
import type { LimitStatus, StatusSnapshot, Vitals } from './snapshot.ts';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** The methods that there are, where the one that was asked for is none of them. */
  readonly allow?: string;
}

export type ExplainAnswer =
  | { readonly status: 200; readonly explanation: Explanation }
  | { readonly status: 404 | 503; readonly error: string };

export interface ApiSources {
  readonly snapshot: () => StatusSnapshot;
  readonly vitals: () => Vitals;
  readonly limits: () => readonly LimitStatus[];
  /** `detector` null: all of them. */
  readonly explain: (tenant: string, detector: string | null) => Promise<ExplainAnswer>;
  /** The pcap file of an incident's packets; null: there is none, or not yet. */
  readonly evidence: (id: string) => Promise<Uint8Array | null>;
  /** The text that Prometheus scrapes. */
  readonly metrics: () => Promise<string>;
}

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';
/** Prometheus' text format, https://prometheus.io/docs/instrumenting/exposition_formats/. */
const METRICS = 'text/plain; version=0.0.4; charset=utf-8';
const LISTING =
  '\n/healthz     200 ok, or 503 and why\n/api/status  all of this as JSON\n/api/limits  the limits alone\n' +
  '/api/explain?tenant=…[&detector=…]  where a tenant stands with the detectors\n/api/incidents/ID/evidence.pcap  the headers of some of its packets\n/metrics     for Prometheus\n';

type Route = (sources: ApiSources, query: URLSearchParams) => Reply | Promise<Reply>;

const ROUTES = new Map<string, Route>([
  ['/', ({ snapshot }) => ({ status: 200, contentType: TEXT, body: renderStatus(snapshot()) + LISTING })],
  ['/healthz', ({ vitals }) => healthReply(vitals())],
  ['/api/status', ({ snapshot }) => jsonReply(200, snapshot())],
  ['/api/limits', ({ limits }) => jsonReply(200, limits())],
  ['/api/explain', explainReply],
  ['/metrics', async ({ metrics }) => ({ status: 200, contentType: METRICS, body: await metrics() })],
]);

export function jsonReply(status: number, value: unknown): Reply {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

/** `target` as in the request line; what a query has beyond what is asked for is ignored. */
export async function answer(method: string, target: string, sources: ApiSources): Promise<Reply> {
  const [path = '', query = ''] = target.split('?', 2);
  const route = ROUTES.get(path) ?? evidenceRoute(path);
  if (route === undefined) return jsonReply(404, { error: 'not found' });
  if (method !== 'GET' && method !== 'HEAD')
    return { ...jsonReply(405, { error: 'read-only: GET and HEAD alone' }), allow: 'GET, HEAD' };
  return route(sources, new URLSearchParams(query));
}

/** Of https://www.iana.org/assignments/media-types/application/vnd.tcpdump.pcap. */
const PCAP = 'application/vnd.tcpdump.pcap';

function evidenceRoute(path: string): Route | undefined {
  const id = /^\/api\/incidents\/([0-9a-f]{12})\/evidence\.pcap$/.exec(path)?.[1];
  if (id === undefined) return undefined;
  return async ({ evidence }) => {
    const body = await evidence(id);
    return body === null
      ? jsonReply(404, { error: `no packets of ${id} are kept, or it was opened less than 10 s ago` })
      : { status: 200, contentType: PCAP, body };
  };
}

async function explainReply({ explain }: ApiSources, query: URLSearchParams): Promise<Reply> {
  const tenant = query.get('tenant');
  if (tenant === null) return jsonReply(400, { error: 'whose? /api/explain?tenant=ID' });
  const answered = await explain(tenant, query.get('detector'));
  return answered.status === 200
    ? jsonReply(200, answered.explanation)
    : jsonReply(answered.status, { error: answered.error });
}

function healthReply(vitals: Vitals): Reply {
  const health = assessHealth(vitals);
  return jsonReply(health.status === 'ok' ? 200 : 503, health);
}
