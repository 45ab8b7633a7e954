/** What is known of incidents, limits, tenants and their usage, in memory and in the store, as the API answers it. */
import type { Milliseconds } from '../../probes/probe.ts';
import { describeEvidence, describeOrigin, describeSubject, describeValue } from '../incidents/describe.ts';
import type { Incident } from '../incidents/incident.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, monthName, monthOf, startOfMonth } from '../calendar.ts';
import type { UsageAt, UsageStep } from '../store/history.ts';
import { type HistoryReader, HistoryUnavailable } from '../store/historyReader.ts';
import { type EndedLimit, endedLimitId, type PageEnd } from '../store/pastIncidents.ts';
import type { UsagePercentile } from '../store/percentile.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type {
  IncidentDetail,
  LimitRecord,
  MonthUsage,
  Page,
  PastPage,
  TenantDetail,
  UsageAnswer,
  UsageAnswerPoint,
} from './answers.ts';
import type { IncidentsQuery, LimitsQuery, TenantsQuery, UsageQuery } from './queries.ts';
import type { LimitStatus, TenantStatus } from './snapshot.ts';

/** How far around an incident its heights are shown, and limits are taken for what was done about it. */
const AROUND_MS = 10 * MINUTE_MS;
const DONE_WITHIN_MS = MINUTE_MS;
const MAX_LIMITS = 50;
/** Levels are kept for so long. */
const HEIGHTS_MS = 7 * DAY_MS;
const MAX_POINTS = 2000;
/** Two years, and no more than the minutes or hours that lie in it are looked for. */
const MAX_SPAN_MS = 750 * DAY_MS;
const MINUTES_SPAN_MS = DAY_MS;
const MINUTES_KEPT_MS = 2 * DAY_MS;
const FIVE_MINUTES_SPAN_MS = 6 * DAY_MS;

const STEP_MS: Readonly<Record<UsageStep, Milliseconds>> = {
  minute: MINUTE_MS,
  fiveMinutes: 5 * MINUTE_MS,
  hour: HOUR_MS,
};

export interface ArchiveSources {
  /** null: nothing is kept. */
  readonly reader: Pick<HistoryReader, 'ask'> | null;
  readonly tenants: () => readonly Tenant[];
  readonly open: () => readonly Incident[];
  /** Those that closed last; they may not be in the store yet. */
  readonly closed: () => readonly Incident[];
  readonly limits: () => readonly LimitStatus[];
  readonly tenantStatuses: () => readonly TenantStatus[];
  readonly hasEvidence: (id: string) => Promise<boolean>;
}

/** What the query says cannot be. */
export class QueryError extends Error {}

export class Archive {
  readonly #sources: ArchiveSources;

  constructor(sources: ArchiveSources) {
    this.#sources = sources;
  }

  tenants({ sort, limit, cursor }: TenantsQuery): Page<TenantStatus> {
    const sorted = this.#sources.tenantStatuses().toSorted(ORDERS[sort]);
    const from = cursor === undefined ? 0 : Number(/^\d{1,9}$/.exec(cursor)?.[0] ?? Number.NaN);
    if (Number.isNaN(from)) throw new QueryError('cursor: not one of this list');
    const items = sorted.slice(from, from + limit);
    return { items, next: from + limit < sorted.length ? String(from + limit) : null };
  }

  /** null: no tenant has this id. */
  async tenant(id: string): Promise<TenantDetail | null> {
    const tenant = this.#sources.tenantStatuses().find((each) => each.id === id);
    const configured = this.#sources.tenants().find((each) => each.id === id);
    if (tenant === undefined || configured === undefined) return null;
    const month = monthOf(Date.now());
    const { found, missing } = await this.#past(
      async ({ ask }) =>
        Promise.all(
          [month, month - 1].map(async (each) =>
            monthUsage(each, await ask('month', { tenant: id, atMs: startOfMonth(each) })),
          ),
        ),
      [],
    );
    return { tenant, addresses: configured.addresses, months: found.flatMap((each) => each ?? []), missing };
  }

  /** Open ones first, by when they began, then those that were seen last. */
  async incidents(query: IncidentsQuery): Promise<PastPage<Incident>> {
    const { state, cursor, limit } = query;
    const after = cursor === undefined ? null : cursorOf(cursor);
    const open = state === 'closed' || after?.list === 'closed' ? [] : this.#openOf(query, after);
    if (open.length > limit || state === 'open') return { ...pageOf(open, limit, 'open'), missing: null };
    const { found, missing } = await this.#closedOf(query, after?.list === 'closed' ? after : null, limit + 1);
    const all = [...open, ...found];
    const items = all.slice(0, limit);
    const last = items.at(-1);
    const next = all.length <= limit || last === undefined ? null : cursorText(last);
    return { items, next, missing };
  }

  /** null: nobody knows of it. */
  async incident(id: string): Promise<IncidentDetail | null> {
    const { open, closed, limits, hasEvidence } = this.#sources;
    const known = [...open(), ...closed()].find((each) => each.id === id);
    const stored = known === undefined ? await this.#past(({ ask }) => ask('incident', id), null) : null;
    const incident = known ?? (stored?.found == null ? null : incidentOf(stored.found));
    if (incident === null) {
      if (stored?.missing != null) throw new HistoryUnavailable(stored.missing);
      return null;
    }
    const [{ found, missing }, isKept] = await Promise.all([this.#around(incident), hasEvidence(id)]);
    return {
      incident,
      words: {
        subject: describeSubject(incident),
        value: describeValue(incident),
        evidence: describeEvidence(incident),
        origin: describeOrigin(incident),
      },
      heights: found.heights.map(({ startMs, value }) => ({ at: text(startMs), value })),
      limit: limits().find(({ tenant }) => tenant === incident.tenant) ?? null,
      limits: found.limits.map(limitRecord),
      hasEvidence: isKept,
      missing,
    };
  }

  standingLimits({ tenant, limit, cursor }: LimitsQuery): Page<LimitStatus> {
    const all = this.#sources.limits().toSorted((a, b) => compare(a.tenant, b.tenant));
    const rest = all.filter(
      (each) => (tenant === undefined || each.tenant === tenant) && (cursor === undefined || each.tenant > cursor),
    );
    return { items: rest.slice(0, limit), next: rest.length > limit ? (rest[limit - 1]?.tenant ?? null) : null };
  }

  async endedLimits({ tenant, since, limit, cursor }: LimitsQuery): Promise<PastPage<LimitRecord>> {
    const after = cursor === undefined ? null : cursorOf(`closed.${cursor}`);
    const filter = { tenant: tenant ?? null, sinceMs: since ?? 0, after, most: limit + 1 };
    const { found, missing } = await this.#past(({ ask }) => ask('limits', filter), []);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next = found.length > limit && last !== undefined ? `${last.end.atMs}.${endedLimitId(last.limit)}` : null;
    return { items: items.map(limitRecord), next, missing };
  }

  /** null: nobody ever had this id. */
  async usage(tenant: string, query: UsageQuery): Promise<UsageAnswer | null> {
    const { reader, tenants } = this.#sources;
    if (!tenants().some(({ id }) => id === tenant)) return null;
    if (reader === null) throw new HistoryUnavailable('store.path is none: nothing is kept');
    const { fromMs, toMs } = spanOf(query);
    const step = query.step ?? stepFor(fromMs, toMs);
    const pageMs = Math.min(toMs, Math.floor(fromMs / STEP_MS[step] + MAX_POINTS) * STEP_MS[step]);
    const atMs = query.month === undefined ? null : Date.parse(`${query.month}-01T00:00:00Z`);
    const [points, month] = await Promise.all([
      reader.ask('usage', { tenant, fromMs, toMs: pageMs, step }),
      atMs === null ? null : reader.ask('month', { tenant, atMs }).then((found) => monthUsage(monthOf(atMs), found)),
    ]);
    return {
      tenant,
      step,
      from: text(fromMs),
      to: text(toMs),
      points: points.map(usagePoint),
      next: pageMs < toMs ? text(pageMs) : null,
      month,
    };
  }

  #openOf({ tenant, since = 0 }: IncidentsQuery, after: Cursor | null): Incident[] {
    return this.#sources
      .open()
      .filter((each) => (tenant === undefined || each.tenant === tenant) && Date.parse(each.lastSeen) >= since)
      .filter((each) => after === null || compareEnds(endOf(each, 'open'), after) < 0)
      .toSorted(byBegin);
  }

  /** Of the store, and those that closed just now. */
  async #closedOf({ tenant, since = 0 }: IncidentsQuery, after: PageEnd | null, most: number) {
    const filter = { tenant: tenant ?? null, sinceMs: since, after, most };
    const { found, missing } = await this.#past(({ ask }) => ask('incidents', filter), []);
    const recent = this.#sources
      .closed()
      .filter((each) => (tenant === undefined || each.tenant === tenant) && Date.parse(each.lastSeen) >= since)
      .filter((each) => after === null || compareEnds(endOf(each, 'closed'), after) < 0);
    const isOpen = new Set(this.#sources.open().map(({ id }) => id));
    const byId = new Map([...found.map(incidentOf), ...recent].map((each) => [each.id, each]));
    const all = [...byId.values()].filter(({ id }) => !isOpen.has(id));
    return {
      found: all.toSorted((a, b) => compareEnds(endOf(b, 'closed'), endOf(a, 'closed'))).slice(0, most),
      missing,
    };
  }

  async #around({ tenant, signature, direction, firstSeen, lastSeen }: Incident) {
    const lastMs = Date.parse(lastSeen);
    const firstMs = Math.max(Date.parse(firstSeen), lastMs - HEIGHTS_MS);
    const span = { fromMs: firstMs - AROUND_MS, toMs: lastMs + AROUND_MS };
    const limits = {
      tenant,
      sinceMs: firstMs - DONE_WITHIN_MS,
      untilMs: lastMs + DONE_WITHIN_MS,
      after: null,
      most: MAX_LIMITS,
    };
    return this.#past(
      async ({ ask }) => ({
        heights: await ask('heights', { tenant, signature, direction, ...span }),
        limits: await ask('limits', limits),
      }),
      { heights: [], limits: [] },
    );
  }

  /** Without the store, or where it cannot be read, `nothing`. */
  async #past<Found>(
    read: (reader: { readonly ask: HistoryReader['ask'] }) => Promise<Found>,
    nothing: Found,
  ): Promise<{ readonly found: Found; readonly missing: string | null }> {
    const { reader } = this.#sources;
    if (reader === null) return { found: nothing, missing: null };
    try {
      return { found: await read({ ask: (kind, question) => reader.ask(kind, question) }), missing: null };
    } catch (error) {
      if (!(error instanceof HistoryUnavailable)) throw error;
      return { found: nothing, missing: error.message };
    }
  }
}

interface Cursor extends PageEnd {
  readonly list: 'open' | 'closed';
}

function cursorOf(written: string): Cursor {
  const [, list, ms, id = ''] = /^(open|closed)\.(\d{1,15})\.(.{1,180})$/.exec(written) ?? [];
  if (list !== 'open' && list !== 'closed') throw new QueryError('cursor: not one of this list');
  return { list, atMs: Number(ms), id };
}

function cursorText(incident: Incident): string {
  const { atMs, id } = endOf(incident, incident.state);
  return `${incident.state}.${atMs}.${id}`;
}

const endOf = ({ id, firstSeen, lastSeen }: Incident, list: Cursor['list']): PageEnd => ({
  id,
  atMs: Date.parse(list === 'open' ? firstSeen : lastSeen),
});

function pageOf(all: readonly Incident[], limit: number, list: 'open'): Page<Incident> {
  const last = all[limit - 1];
  if (all.length <= limit || last === undefined) return { items: all, next: null };
  const { atMs, id } = endOf(last, list);
  return { items: all.slice(0, limit), next: `${list}.${atMs}.${id}` };
}

const byBegin = (a: Incident, b: Incident): number => compareEnds(endOf(b, 'open'), endOf(a, 'open'));
const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
const compareEnds = (a: PageEnd, b: PageEnd): number => a.atMs - b.atMs || compare(a.id, b.id);

type Order = (a: TenantStatus, b: TenantStatus) => number;
const bitsOf = ({ inbound, outbound }: TenantStatus): number =>
  (inbound?.bitsPerSecond ?? 0) + (outbound?.bitsPerSecond ?? 0);
export const byRate: Order = (a, b) => bitsOf(b) - bitsOf(a);
const packetsOf = ({ inbound, outbound }: TenantStatus): number =>
  (inbound?.packetsPerSecond ?? 0) + (outbound?.packetsPerSecond ?? 0);

const ORDERS: Readonly<Record<TenantsQuery['sort'], Order>> = {
  id: (a, b) => compare(a.id, b.id),
  rate: byRate,
  packets: (a, b) => packetsOf(b) - packetsOf(a),
  incidents: (a, b) => b.openIncidents - a.openIncidents || byRate(a, b),
};

/** Whoever wrote it had it checked. */
const incidentOf = (json: string): Incident => JSON.parse(json);

const text = (ms: Milliseconds): string => new Date(ms).toISOString();

const limitRecord = ({ limit, end }: EndedLimit): LimitRecord => ({
  tenant: limit.tenant,
  direction: limit.direction,
  rateBps: limit.rateBps,
  since: text(limit.sinceMs),
  until: limit.untilMs === null ? null : text(limit.untilMs),
  reason: limit.reason,
  by: limit.who,
  ended: { at: text(end.atMs), reason: end.reason, by: end.who },
});

function monthUsage(month: number, found: UsagePercentile | null): MonthUsage | null {
  if (found === null) return null;
  const { samples, inBps, outBps, inBytes, outBytes } = found;
  return { month: monthName(month), samples, inPercentile95Bps: inBps, outPercentile95Bps: outBps, inBytes, outBytes };
}

/** By default the last day, or the whole of the month. */
function spanOf({ from, to, month }: UsageQuery): { fromMs: Milliseconds; toMs: Milliseconds } {
  const number = month === undefined ? null : monthOf(Date.parse(`${month}-01T00:00:00Z`));
  const toMs = to ?? (number === null ? Date.now() : startOfMonth(number + 1));
  const fromMs = from ?? (number === null ? toMs - DAY_MS : startOfMonth(number));
  if (toMs <= fromMs) throw new QueryError('to: must be after from');
  if (toMs - fromMs > MAX_SPAN_MS) throw new QueryError('from: must be within 750 days before to');
  if (fromMs < 0) throw new QueryError('from: must be after 1970');
  return { fromMs, toMs };
}

function stepFor(fromMs: Milliseconds, toMs: Milliseconds): UsageStep {
  if (toMs - fromMs <= MINUTES_SPAN_MS && fromMs >= Date.now() - MINUTES_KEPT_MS) return 'minute';
  return toMs - fromMs <= FIVE_MINUTES_SPAN_MS ? 'fiveMinutes' : 'hour';
}

const usagePoint = ({ startMs, knownMs, ...counts }: UsageAt): UsageAnswerPoint => ({
  at: text(startMs),
  knownSeconds: knownMs / 1000,
  ...counts,
});
