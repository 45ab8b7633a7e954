/** The shapes of pages and details, as the API answers them. */
import { z } from 'zod';
import type { Health } from '../health.ts';
import type {
  IncidentDetail,
  LimitRecord,
  MonthUsage,
  Overview,
  Page,
  PastPage,
  TenantDetail,
  UsageAnswer,
} from '../answers.ts';
import { direction, incident, orNull, time } from './incidentShapes.ts';
import { limit, tenant, watchedInterface } from './statusShapes.ts';

const missing = orNull(z.string());

export const pageOf = <Shape extends z.ZodType>(item: Shape) =>
  z.strictObject({ items: z.array(item), next: orNull(z.string()) }) satisfies z.ZodType<Page<z.output<Shape>>>;

export const pastPageOf = <Shape extends z.ZodType>(item: Shape) =>
  z.strictObject({ items: z.array(item), next: orNull(z.string()), missing }) satisfies z.ZodType<
    PastPage<z.output<Shape>>
  >;

export const limitRecord = z.strictObject({
  tenant: z.string(),
  direction: orNull(direction),
  rateBps: z.number(),
  since: time,
  until: orNull(time),
  reason: z.string(),
  by: z.string(),
  ended: z.strictObject({ at: time, reason: z.string(), by: z.string() }),
}) satisfies z.ZodType<LimitRecord>;

export const incidentDetail = z.strictObject({
  incident,
  words: z.strictObject({
    subject: z.string(),
    value: z.string(),
    evidence: z.array(z.string()),
    origin: z.string(),
  }),
  heights: z.array(z.strictObject({ at: time, value: z.number() })),
  limit: orNull(limit),
  limits: z.array(limitRecord),
  hasEvidence: z.boolean(),
  missing,
}) satisfies z.ZodType<IncidentDetail>;

const monthUsage = z.strictObject({
  month: z.string(),
  samples: z.number(),
  inPercentile95Bps: z.number(),
  outPercentile95Bps: z.number(),
  inBytes: z.number(),
  outBytes: z.number(),
}) satisfies z.ZodType<MonthUsage>;

export const tenantDetail = z.strictObject({
  tenant,
  addresses: z.array(z.string()),
  months: z.array(monthUsage),
  missing,
}) satisfies z.ZodType<TenantDetail>;

export const usage = z.strictObject({
  tenant: z.string(),
  step: z.enum(['minute', 'fiveMinutes', 'hour']),
  from: time,
  to: time,
  points: z.array(
    z.strictObject({
      at: time,
      knownSeconds: z.number(),
      inBytes: z.number(),
      inPackets: z.number(),
      outBytes: z.number(),
      outPackets: z.number(),
    }),
  ),
  next: orNull(time),
  month: orNull(monthUsage),
}) satisfies z.ZodType<UsageAnswer>;

export const health = z.union([
  z.strictObject({ status: z.literal('ok') }),
  z.strictObject({ status: z.literal('failing'), reasons: z.tuple([z.string()], z.string()) }),
]) satisfies z.ZodType<Health>;

export const overview = z.strictObject({
  now: time,
  health,
  interfaces: z.array(
    watchedInterface.pick({ name: true, state: true, packetsPerSecond: true, bitsPerSecond: true, lossRatio: true }),
  ),
  openIncidents: z.number(),
  limits: z.number(),
  tenants: z.array(tenant),
}) satisfies z.ZodType<Overview>;

export const problem = z.strictObject({ error: z.string() });
