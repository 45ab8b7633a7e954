/** What the pages have in common: the frame around them, times, rates, badges and tables. */
import { formatQuantity, formatRate, formatTime } from '../../incidents/format.ts';
import type { Incident } from '../../incidents/incident.ts';
import { describeSubject, describeValue } from '../../incidents/describe.ts';
import type { LimitStatus, TrafficRate } from '../snapshot.ts';
import { ago, formatSpan } from '../span.ts';
import { html, type Html, type Part } from './html.ts';

export interface PageContent {
  readonly title: string;
  /** Which of the places of the navigation it belongs to. */
  readonly place: 'overview' | 'incidents' | 'tenants';
  /** So often it is brought up to date at most, and at once when an incident of `about` changes. */
  readonly everySeconds: number;
  /** An id of an incident or a tenant; null: every incident is of interest. */
  readonly about: string | null;
  readonly hasCharts?: boolean;
  readonly body: Part;
}

const PLACES = [
  ['overview', '/', 'Overview'],
  ['incidents', '/incidents', 'Incidents'],
  ['tenants', '/tenants', 'Tenants'],
] as const;

/** `now`: RFC 3339. */
export function page({ title, place, everySeconds, about, hasCharts = false, body }: PageContent, now: string): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Weir</title>
        <link rel="icon" href="/page/weir.svg" />
        ${hasCharts && html`<link rel="stylesheet" href="/page/uPlot.min.css" />`}
        <link rel="stylesheet" href="/page/style.css" />
        <script type="module" src="/page/live.js"></script>
        ${hasCharts && html`<script type="module" src="/page/charts.js"></script>`}
      </head>
      <body>
        <a class="skip" href="#main">To the content</a>
        <header>
          <nav aria-label="Pages">
            <span class="brand">Weir</span>
            ${PLACES.map(([id, href, name]) => html`<a href="${href}" ${id === place && html` aria-current="page"`}>${name}</a>`)}
          </nav>
          <p id="connection" role="status" data-now="${now}">as of ${formatTime(now)}</p>
        </header>
        <main id="main" tabindex="-1" data-every="${everySeconds}" data-about="${about ?? ''}">${body}</main>
      </body>
    </html> `.text;
}

export const UNKNOWN = html`<span class="unknown" title="not known">–</span>`;

export const time = (at: string): Html => html`<time datetime="${at}">${formatTime(at)}</time>`;
export const timeAgo = (at: string, now: string): Html =>
  html`<time datetime="${at}" title="${formatTime(at)}">${ago(at, now)}</time>`;

export const lasting = (from: string, to: string): string => formatSpan((Date.parse(to) - Date.parse(from)) / 1000);

export const bits = (bps: number | null): Part => (bps === null ? UNKNOWN : formatRate(bps, 'bit/s'));
export const packets = (perSecond: number | null): Part =>
  perSecond === null ? UNKNOWN : formatQuantity(perSecond, 'packets/s');
export const bytes = (count: number | null): Part => (count === null ? UNKNOWN : formatQuantity(count, 'B'));

export const rateBits = (rate: TrafficRate | null): Part => bits(rate?.bitsPerSecond ?? null);

export const tenantLink = (id: string): Html => html`<a href="/tenants/${encodeURIComponent(id)}">${id}</a>`;
export const incidentPath = (id: string): string => `/incidents/${encodeURIComponent(id)}`;

export const badge = (kind: 'critical' | 'warning' | 'good' | 'plain', words: string): Html =>
  html`<span class="badge ${kind}">${words}</span>`;

export const severityBadge = ({ severity, state }: Incident): Html =>
  state === 'closed' ? badge('plain', 'over') : badge(severity, severity);

/** A share of something, as a bar; `label` says of what. */
export const meter = (value: number | null, max: number | null, label: string): Part =>
  value !== null &&
  max !== null &&
  max > 0 &&
  html`<meter min="0" max="${max}" value="${Math.min(value, max)}" aria-label="${label}"></meter>`;

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Part;
  /** To the right. */
  readonly isNumber?: boolean;
  /** Left out where there is little room. */
  readonly isExtra?: boolean;
}

/** `keyOf` tells rows apart when the page is brought up to date. */
export function table<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): Html {
  const classes = ({ isNumber = false, isExtra = false }: Column<Row>): Part => {
    const names = [isNumber && 'number', isExtra && 'extra'].filter((name) => name !== false);
    return names.length > 0 && html` class="${names.join(' ')}"`;
  };
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table>
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col" ${classes(column)}>${column.title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr data-key="${keyOf(row)}">
              ${columns.map((column, i) =>
                i === 0
                  ? html`<th scope="row" ${classes(column)}>${column.cell(row)}</th>`
                  : html`<td${classes(column)}>${column.cell(row)}</td>`,
              )}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Names and values. */
export const facts = (all: readonly (readonly [name: string, value: Part])[]): Html =>
  html`<dl class="facts">
    ${all.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;

export const notice = (kind: 'critical' | 'warning' | 'good', words: Part): Html =>
  html`<p class="notice ${kind}">${words}</p>`;

export function incidentTable(caption: string, incidents: readonly Incident[], now: string): Html {
  return table<Incident>(
    caption,
    [
      {
        title: 'incident',
        cell: (each) => html`<a href="${incidentPath(each.id)}">${describeSubject(each)}</a>`,
      },
      { title: 'state', cell: severityBadge },
      { title: 'value', cell: describeValue, isExtra: true },
      { title: 'since', cell: ({ firstSeen }) => timeAgo(firstSeen, now) },
      { title: 'for', cell: ({ firstSeen, lastSeen }) => lasting(firstSeen, lastSeen), isExtra: true },
    ],
    incidents,
    ({ id }) => id,
  );
}

const LIMIT_WORDS: Readonly<Record<LimitStatus['state'], string>> = {
  pending: 'being set',
  inForce: 'in force',
  observed: 'only observed',
  exempt: 'exempt',
  failed: 'failed',
};

export const limitBadge = ({ state }: LimitStatus): Html =>
  badge(state === 'failed' ? 'critical' : state === 'inForce' ? 'warning' : 'plain', LIMIT_WORDS[state]);

export const until = (at: string | null): Part => (at === null ? 'released by hand' : time(at));
