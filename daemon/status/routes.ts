/** The paths of the API: what each answers, what can be asked of it, and in which shape; the OpenAPI document is made of this list. */
import type { z } from 'zod';
import type { Archive } from './archive.ts';
import type { EventStream } from './eventStream.ts';
import type { Explanation } from './explanation.ts';
import { assessHealth } from './health.ts';
import { explainQuery, incidentsQuery, limitsQuery, parseQuery, tenantsQuery, usageQuery } from './queries.ts';
import type { MetricsFormat } from './metricsText.ts';
import { jsonReply, problem, type Reply } from './reply.ts';
import type { StatusSnapshot, Vitals } from './snapshot.ts';

export type ExplainAnswer =
  | { readonly status: 200; readonly explanation: Explanation }
  | { readonly status: 404 | 503; readonly error: string };

export interface ApiSources {
  readonly snapshot: () => StatusSnapshot;
  readonly vitals: () => Vitals;
  readonly archive: Archive;
  readonly events: EventStream;
  /** `detector` null: all of them. */
  readonly explain: (tenant: string, detector: string | null) => Promise<ExplainAnswer>;
  /** The pcap file of an incident's packets; null: there is none, or not yet. */
  readonly evidence: (id: string) => Promise<Uint8Array | null>;
  /** The text that Prometheus scrapes. */
  readonly metrics: (format: MetricsFormat) => Promise<string>;
}

/** Prometheus' text format, https://prometheus.io/docs/instrumenting/exposition_formats/. */
const METRICS = 'text/plain; version=0.0.4; charset=utf-8';
/** https://prometheus.io/docs/specs/om/open_metrics_spec/: the same, with exemplars. */
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
/** https://www.iana.org/assignments/media-types/application/vnd.tcpdump.pcap. */
const PCAP = 'application/vnd.tcpdump.pcap';
const EVENTS = 'text/event-stream; charset=utf-8';

/** What is answered with 200: the name of a shape in openapi.ts, or a type that is no JSON. */
export type AnswerType =
  | { readonly shape: string; readonly alsoAt?: readonly number[] }
  | { readonly contentType: string; readonly words: string };

export interface Route {
  /** Parts in braces are names of parameters. */
  readonly path: string;
  readonly summary: string;
  readonly query: z.ZodObject | null;
  readonly answer: AnswerType;
  /** Beside 400 where there is a query. */
  readonly problems: readonly number[];
  /** `accept` is what the client would like best. */
  reply(
    sources: ApiSources,
    parameters: readonly string[],
    query: URLSearchParams,
    accept: string,
  ): Reply | Promise<Reply>;
}

const found = (value: unknown, otherwise: string): Reply =>
  value === null ? problem(404, otherwise) : jsonReply(200, value);

export const ROUTES: readonly Route[] = [
  {
    path: '/healthz',
    summary: 'Whether the daemon does its work, and why not',
    query: null,
    answer: { shape: 'Health', alsoAt: [503] },
    problems: [],
    reply: ({ vitals }) => {
      const health = assessHealth(vitals());
      return jsonReply(health.status === 'ok' ? 200 : 503, health);
    },
  },
  {
    path: '/api/status',
    summary: 'Everything that the daemon knows of itself now',
    query: null,
    answer: { shape: 'Status' },
    problems: [],
    reply: ({ snapshot }) => jsonReply(200, snapshot()),
  },
  {
    path: '/api/tenants',
    summary: 'The tenants, with their rates, plans, limits and workloads',
    query: tenantsQuery,
    answer: { shape: 'TenantPage' },
    problems: [],
    reply: ({ archive }, _, query) =>
      withQuery(tenantsQuery, query, async (asked) => jsonReply(200, archive.tenants(asked))),
  },
  {
    path: '/api/tenants/{id}',
    summary: 'One tenant, and its 95th percentile of this month and the last',
    query: null,
    answer: { shape: 'TenantDetail' },
    problems: [404],
    reply: async ({ archive }, [id = '']) => found(await archive.tenant(id), `no tenant has the id ${id}`),
  },
  {
    path: '/api/incidents',
    summary: 'Open incidents, then those that were seen last',
    query: incidentsQuery,
    answer: { shape: 'IncidentPage' },
    problems: [],
    reply: ({ archive }, _, query) =>
      withQuery(incidentsQuery, query, async (asked) => jsonReply(200, await archive.incidents(asked))),
  },
  {
    path: '/api/incidents/{id}',
    summary: 'One incident, how it went, and what was done',
    query: null,
    answer: { shape: 'IncidentDetail' },
    problems: [404, 503],
    reply: async ({ archive }, [id = '']) => found(await archive.incident(id), `there is no incident ${id}`),
  },
  {
    path: '/api/incidents/{id}/evidence.pcap',
    summary: 'The headers of some of its packets',
    query: null,
    answer: { contentType: PCAP, words: 'a capture file (pcap)' },
    problems: [404],
    reply: async ({ evidence }, [id = '']) => {
      const body = await evidence(id);
      if (body !== null) return { status: 200, contentType: PCAP, body };
      return problem(404, `no packets of ${id} are kept, or it was opened less than 10 s ago`);
    },
  },
  {
    path: '/api/limits',
    summary: 'The limits that stand, or those that have ended',
    query: limitsQuery,
    answer: { shape: 'LimitPage' },
    problems: [],
    reply: ({ archive }, _, query) =>
      withQuery(limitsQuery, query, async (asked) =>
        jsonReply(200, asked.state === 'standing' ? archive.standingLimits(asked) : await archive.endedLimits(asked)),
      ),
  },
  {
    path: '/api/usage/{id}',
    summary: 'What a tenant used, over time, and the 95th percentile of a month',
    query: usageQuery,
    answer: { shape: 'Usage' },
    problems: [404, 503],
    reply: ({ archive }, [id = ''], query) =>
      withQuery(usageQuery, query, async (asked) =>
        found(await archive.usage(id, asked), `no tenant has the id ${id}`),
      ),
  },
  {
    path: '/api/explain',
    summary: 'Where a tenant stands with the detectors, and why nothing is open',
    query: explainQuery,
    answer: { shape: 'Explanation' },
    problems: [404, 503],
    reply: ({ explain }, _, query) =>
      withQuery(explainQuery, query, async ({ tenant, detector = null }) => {
        const answered = await explain(tenant, detector);
        return answered.status === 200
          ? jsonReply(200, answered.explanation)
          : problem(answered.status, answered.error);
      }),
  },
  {
    path: '/api/events',
    summary: 'What happens, as server-sent events: `status` (Overview) every second, `incident` (IncidentChange)',
    query: null,
    answer: { contentType: EVENTS, words: 'a stream that does not end' },
    problems: [503],
    reply: ({ events }) =>
      events.isFull
        ? problem(503, 'too many listen already')
        : { status: 200, contentType: EVENTS, body: '', feed: (response) => events.attach(response) },
  },
  {
    path: '/metrics',
    summary: 'What Prometheus scrapes',
    query: null,
    answer: { contentType: METRICS, words: "Prometheus' text format" },
    problems: [],
    reply: async ({ metrics }, _, __, accept) =>
      /application\/openmetrics-text\s*;\s*version="?1\.0\.0/.test(accept)
        ? { status: 200, contentType: OPEN_METRICS, body: await metrics('openMetrics') }
        : { status: 200, contentType: METRICS, body: await metrics('prometheus') },
  },
];

async function withQuery<Shape extends z.ZodType>(
  shape: Shape,
  query: URLSearchParams,
  reply: (value: z.output<Shape>) => Promise<Reply>,
): Promise<Reply> {
  const parsed = parseQuery(shape, query);
  return 'error' in parsed ? problem(400, parsed.error) : reply(parsed.value);
}
