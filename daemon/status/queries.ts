/** What can be asked for behind a path: the keys of each query, their bounds and defaults. Other keys are ignored. */
import { z } from 'zod';
import type { Milliseconds } from '../../probes/probe.ts';
import { parseDuration } from '../config/units.ts';

/** Each is some KB. */
const MOST_INCIDENTS = 200;
const MOST_LIMITS = 500;
const MOST_TENANTS = 1000;
const DEFAULT_ITEMS = 100;
const MAX_TEXT = 200;

const text = () => z.string().min(1).max(MAX_TEXT);
const items = (most: number) => z.coerce.number().int().min(1).max(most).default(DEFAULT_ITEMS);
const cursor = () => text().optional().meta({ description: '`next` of the page before' });

/** RFC 3339, or a duration before now. */
const moment = () =>
  text()
    .transform((written, context): Milliseconds => {
      const agoMs = parseDuration(written);
      const atMs = agoMs === null ? timeOf(written) : Date.now() - agoMs;
      if (atMs !== null) return atMs;
      context.addIssue('must be a time such as 2026-03-01T10:00:00Z, or a duration such as 24h');
      return z.NEVER;
    })
    .meta({ description: 'a time such as 2026-03-01T10:00:00Z, or a duration before now such as 24h' });

function timeOf(written: string): Milliseconds | null {
  const parsed = z.iso.datetime({ offset: true }).safeParse(written).success ? Date.parse(written) : Number.NaN;
  return Number.isFinite(parsed) ? parsed : null;
}

export const tenantsQuery = z.object({
  sort: z.enum(['id', 'rate', 'packets', 'incidents']).default('id'),
  limit: items(MOST_TENANTS),
  cursor: cursor(),
});

export const incidentsQuery = z.object({
  state: z.enum(['open', 'closed']).optional(),
  tenant: text().optional(),
  since: moment().optional(),
  limit: items(MOST_INCIDENTS),
  cursor: cursor(),
});

export const limitsQuery = z.object({
  state: z.enum(['standing', 'ended']).default('standing'),
  tenant: text().optional(),
  since: moment().optional(),
  limit: items(MOST_LIMITS),
  cursor: cursor(),
});

export const usageQuery = z.object({
  from: moment().optional(),
  to: moment().optional(),
  step: z.enum(['minute', 'fiveMinutes', 'hour']).optional(),
  month: z
    .string()
    .regex(/^20\d\d-(?:0[1-9]|1[0-2])$/, 'must be a month such as 2026-03')
    .optional(),
});

export const explainQuery = z.object({ tenant: text(), detector: text().optional() });

export type TenantsQuery = z.output<typeof tenantsQuery>;
export type IncidentsQuery = z.output<typeof incidentsQuery>;
export type LimitsQuery = z.output<typeof limitsQuery>;
export type UsageQuery = z.output<typeof usageQuery>;

/** The first value of each key. */
export function parseQuery<Shape extends z.ZodType>(
  shape: Shape,
  query: URLSearchParams,
): { readonly value: z.output<Shape> } | { readonly error: string } {
  const first: Readonly<Record<string, string>> = Object.fromEntries([...query].toReversed());
  const { data, error } = shape.safeParse(first);
  if (data !== undefined) return { value: data };
  const [issue] = error?.issues ?? [];
  const key = String(issue?.path[0] ?? 'query');
  return { error: `${key}: ${key in first ? issue?.message : 'is missing'}` };
}
