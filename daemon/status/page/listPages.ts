/** The lists of incidents and of tenants, a page at a time. */
import type { Incident } from '../../incidents/incident.ts';
import type { Page, PastPage } from '../answers.ts';
import type { IncidentsQuery, TenantsQuery } from '../queries.ts';
import type { TenantStatus } from '../snapshot.ts';
import { html, type Html, type Part } from './html.ts';
import { tenantTable } from './overviewPage.ts';
import { incidentTable, notice, page } from './pieces.ts';

export function incidentsPage(
  { items, next, missing }: PastPage<Incident>,
  asked: IncidentsQuery,
  now: string,
): string {
  const { state, tenant } = asked;
  const filters = [
    state !== undefined && (['state', state] as const),
    tenant !== undefined && (['tenant', tenant] as const),
  ];
  const body = html` <h1>Incidents</h1>
    ${missing !== null && notice('warning', `Older ones cannot be read: ${missing}`)}
    <form method="get" action="/incidents">
      <label
        >State
        <select name="state">
          ${STATES.map(([value, name]) => html`<option value="${value}" ${value === (state ?? '') && html` selected`}>${name}</option>`)}
        </select></label
      >
      <label>Tenant <input name="tenant" value="${tenant ?? ''}" maxlength="63" /></label>
      <button>Show</button>
    </form>
    ${items.length === 0 ? html`<p>None.</p>` : incidentTable('incidents', items, now)}
    ${further(
      '/incidents',
      filters.filter((each) => each !== false),
      next,
    )}`;
  return page(
    { title: 'Incidents', place: 'incidents', everySeconds: asked.cursor === undefined ? 2 : 0, about: null, body },
    now,
  );
}

const STATES = [
  ['', 'open and over'],
  ['open', 'open'],
  ['closed', 'over'],
] as const;

const SORTS = [
  ['id', 'name'],
  ['rate', 'rate'],
  ['packets', 'packets'],
  ['incidents', 'open incidents'],
] as const;

export function tenantsPage({ items, next }: Page<TenantStatus>, { sort, cursor }: TenantsQuery, now: string): string {
  const body = html` <h1>Tenants</h1>
    <p class="spans">
      By
      ${SORTS.map(([value, name]) => html`<a href="/tenants?sort=${value}" ${value === sort && html` aria-current="true"`}>${name}</a> `)}
    </p>
    ${tenantTable('tenants', items)} ${further('/tenants', [['sort', sort]], next)}`;
  return page(
    { title: 'Tenants', place: 'tenants', everySeconds: cursor === undefined ? 2 : 0, about: null, body },
    now,
  );
}

function further(path: string, query: readonly (readonly [string, string])[], next: string | null): Part {
  if (next === null) return null;
  const search = new URLSearchParams({ ...Object.fromEntries(query), cursor: next });
  return html`<p><a class="button" rel="next" href="${path}?${search.toString()}">More</a></p>`;
}

export function notFoundPage(words: string, now: string): string {
  const body: Html = html`<h1>This cannot be shown</h1>
    <p>${words}</p>
    <p><a href="/">To the overview</a></p>`;
  return page({ title: 'This cannot be shown', place: 'overview', everySeconds: 0, about: null, body }, now);
}
