/** The API as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1): the routes and the shapes of what they answer. */
import { z } from 'zod';
import { version } from '../version.ts';
import { ROUTES, type Route } from './routes.ts';
import {
  health,
  incidentDetail,
  limitRecord,
  overview,
  pageOf,
  pastPageOf,
  problem,
  tenantDetail,
  usage,
} from './shapes/answerShapes.ts';
import { explanation, incident } from './shapes/incidentShapes.ts';
import { limit, snapshot, tenant } from './shapes/statusShapes.ts';

const SHAPES: Readonly<Record<string, z.ZodType>> = {
  Health: health,
  Status: snapshot,
  Tenant: tenant,
  TenantPage: pageOf(tenant),
  TenantDetail: tenantDetail,
  Incident: incident,
  IncidentPage: pastPageOf(incident),
  IncidentDetail: incidentDetail,
  IncidentChange: z.strictObject({ event: z.enum(['opened', 'refreshed', 'closed']), incident }),
  Limit: limit,
  LimitPage: z.union([pageOf(limit), pastPageOf(limitRecord)]),
  Usage: usage,
  Explanation: explanation,
  Overview: overview,
  Problem: problem,
};

const JSON_TYPE = 'application/json';
const PROBLEM_WORDS: Readonly<Record<number, string>> = {
  400: 'the query cannot be',
  404: 'there is none',
  503: 'not now',
};

type Schema = Readonly<Record<string, unknown>>;

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface Operation {
  readonly summary: string;
  readonly parameters: readonly Schema[];
  readonly responses: Readonly<Record<string, Schema>>;
}

export function openApiDocument(): OpenApiDocument {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Weir',
      version,
      description:
        'Read-only, on loopback alone. Times are RFC 3339, rates are by second, unknown is null. Answers have an ETag; a list is told a page at a time.',
    },
    paths: Object.fromEntries(ROUTES.map((route) => [route.path, { get: operation(route) }])),
    components: { schemas: schemas() },
  };
}

function schemas(): Readonly<Record<string, Schema>> {
  const registry = z.registry<{ id: string }>();
  for (const [id, shape] of Object.entries(SHAPES)) registry.add(shape, { id });
  const written = z.toJSONSchema(registry, { uri: reference }).schemas;
  return Object.fromEntries(
    Object.entries(written).map(([id, { $id: _id, $schema: _schema, ...schema }]) => [id, schema]),
  );
}

const reference = (id: string): string => `#/components/schemas/${id}`;

function operation({ path, summary, query, answer, problems }: Route): Operation {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const inPath = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const failing = [...(query === null ? [] : [400]), ...problems];
  return {
    summary,
    parameters: [...inPath, ...queryParameters(query)],
    responses: {
      ...answers(answer),
      ...Object.fromEntries(failing.map((status) => [status, jsonAnswer(PROBLEM_WORDS[status] ?? '', 'Problem')])),
    },
  };
}

function answers(answer: Route['answer']): Record<string, Schema> {
  if ('contentType' in answer)
    return { 200: { description: answer.words, content: { [answer.contentType.split(';', 1)[0] ?? '']: {} } } };
  const statuses = [200, ...(answer.alsoAt ?? [])];
  return Object.fromEntries(statuses.map((status) => [status, jsonAnswer(answer.shape, answer.shape)]));
}

const jsonAnswer = (description: string, shape: string): Schema => ({
  description,
  content: { [JSON_TYPE]: { schema: { $ref: reference(shape) } } },
});

function queryParameters(query: z.ZodObject | null): Schema[] {
  if (query === null) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}
