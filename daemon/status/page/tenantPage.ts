/** One tenant: what it uses now and used before, what it may, what was found and what was done. */
import { formatQuantity } from '../../incidents/format.ts';
import type {
  IncidentDetail,
  LimitRecord,
  MonthUsage,
  PastPage,
  TenantDetail,
  UsageAnswer,
  UsageAnswerPoint,
} from '../answers.ts';
import type { WorkloadStatus } from '../hostStatus.ts';
import type { TenantStatus } from '../snapshot.ts';
import { html, type Html, type Part } from './html.ts';
import { cores, limitTable } from './overviewPage.ts';
import {
  bits,
  bytes,
  facts,
  incidentTable,
  meter,
  notice,
  packets,
  page,
  rateBits,
  table,
  time,
  UNKNOWN,
} from './pieces.ts';

/** How much of the past the chart shows: its name, hours, and whether it is the first choice. */
export const SPANS = [
  ['1h', 1],
  ['24h', 24],
  ['7d', 168],
  ['30d', 720],
  ['1y', 8784],
] as const;

export interface TenantPageContent {
  readonly detail: TenantDetail;
  readonly incidents: PastPage<IncidentDetail['incident']>;
  readonly ended: PastPage<LimitRecord>;
  /** By hours of the last day; null: nothing is kept, or it cannot be read. */
  readonly usage: UsageAnswer | null;
  /** One of SPANS. */
  readonly span: string;
  readonly now: string;
}

export function tenantPage({ detail, incidents, ended, usage, span, now }: TenantPageContent): string {
  const { tenant, addresses, months } = detail;
  const { id, limit, workload } = tenant;
  const missing = detail.missing ?? incidents.missing;
  const body = html` <h1>${id}</h1>
    ${missing !== null && notice('warning', `What has been cannot be read: ${missing}`)} ${nowFacts(tenant, addresses)}
    <p><a href="/tenants/${encodeURIComponent(id)}/why">Why, and why not: where it stands with every detector</a></p>
    ${
      limit !== null &&
      html`<section>
        <h2>Limit</h2>
        ${limitTable([limit], now)}
      </section>`
    }
    <section>
      <h2>Usage</h2>
      ${usage === null ? html`<p>No usage is kept.</p>` : [chart(tenant, span), usageTable(usage), monthTable(months)]}
    </section>
    ${workload !== null && workloadSection(workload)}
    <section>
      <h2>Incidents</h2>
      ${incidents.items.length === 0 ? html`<p>None.</p>` : incidentTable(`incidents of ${id}`, incidents.items, now)}
      ${incidents.next !== null && html`<p><a href="/incidents?tenant=${encodeURIComponent(id)}">All of its incidents</a></p>`}
    </section>
    ${
      ended.items.length > 0 &&
      html`<section>
        <h2>Limits before</h2>
        ${endedTable(ended.items)}
      </section>`
    }`;
  return page({ title: id, place: 'tenants', everySeconds: 2, about: id, hasCharts: true, body }, now);
}

function nowFacts({ inbound, outbound, plan, openIncidents }: TenantStatus, addresses: readonly string[]): Html {
  const { portBps, guaranteed, thresholdBps, thresholdPacketsPerSecond, limitBps } = plan;
  return facts([
    [
      'in',
      html`${rateBits(inbound)} ${meter(inbound?.bitsPerSecond ?? null, portBps, 'in, of its port')} <br /><small
          >${packets(inbound?.packetsPerSecond ?? null)}</small
        >`,
    ],
    [
      'out',
      html`${rateBits(outbound)} ${meter(outbound?.bitsPerSecond ?? null, portBps, 'out, of its port')} <br /><small
          >${packets(outbound?.packetsPerSecond ?? null)}</small
        >`,
    ],
    ['port', bits(portBps)],
    [
      'threshold',
      guaranteed ? 'guaranteed: never limited for throughput' : thresholds(thresholdBps, thresholdPacketsPerSecond),
    ],
    ['limited to', limitBps === null ? 'never' : html`${bits(limitBps)} once over the threshold`],
    ['open incidents', openIncidents],
    ['addresses', addresses.join(', ')],
  ]);
}

function thresholds(bps: number | null, perSecond: number | null): Part {
  if (bps === null && perSecond === null) return 'none';
  return [bps !== null && [bits(bps), ' '], perSecond !== null && packets(perSecond)];
}

/** Drawn by charts.js; who has no JavaScript has the table. */
function chart({ id, plan }: TenantStatus, span: string): Html {
  return html`<p class="spans">
      Of the last
      ${SPANS.map(([name]) => html`<a href="?span=${name}" ${name === span && html` aria-current="true"`}>${name}</a> `)}
    </p>
    <div
      class="chart"
      data-keep
      data-usage="${id}"
      data-span="${span}"
      data-threshold="${plan.thresholdBps ?? ''}"
      role="img"
      aria-label="in and out by time; the table below has the numbers"
    ></div>`;
}

function usageTable({ points }: UsageAnswer): Html {
  return html`<details>
    <summary>The last day by the hour</summary>
    ${table<UsageAnswerPoint>(
      'usage by the hour',
      [
        { title: 'hour', cell: ({ at }) => time(at) },
        { title: 'in', cell: ({ inBytes, knownSeconds }) => bits((inBytes * 8) / knownSeconds), isNumber: true },
        { title: 'out', cell: ({ outBytes, knownSeconds }) => bits((outBytes * 8) / knownSeconds), isNumber: true },
        { title: 'in', cell: ({ inBytes }) => bytes(inBytes), isNumber: true, isExtra: true },
        { title: 'out', cell: ({ outBytes }) => bytes(outBytes), isNumber: true, isExtra: true },
      ],
      points.toReversed(),
      ({ at }) => at,
    )}
  </details>`;
}

const monthTable = (months: readonly MonthUsage[]): Part =>
  months.length > 0 &&
  table<MonthUsage>(
    '95th percentile by month',
    [
      { title: 'month', cell: ({ month }) => month },
      { title: '95th percentile in', cell: ({ inPercentile95Bps }) => bits(inPercentile95Bps), isNumber: true },
      { title: 'out', cell: ({ outPercentile95Bps }) => bits(outPercentile95Bps), isNumber: true },
      { title: 'total in', cell: ({ inBytes }) => bytes(inBytes), isNumber: true },
      { title: 'total out', cell: ({ outBytes }) => bytes(outBytes), isNumber: true },
    ],
    months,
    ({ month }) => month,
  );

const waiting = (share: number | null): Part => (share === null ? UNKNOWN : `${Math.round(share * 100)} % of the time`);

function workloadSection(workload: WorkloadStatus): Html {
  const { name, state, cpuCores, cpuLimitCores, memoryBytes, workingSetBytes, memoryLimitBytes, oomKills, waits } =
    workload;
  return html`<section>
    <h2>CPU and memory</h2>
    ${facts([
      ['workload', html`${name}, ${state}`],
      [
        'CPU',
        html`${cores(cpuCores)}${cpuLimitCores !== null && html` of ${cores(cpuLimitCores)}`}
        ${meter(cpuCores, cpuLimitCores, 'CPU, of its quota')}`,
      ],
      [
        'memory',
        html`${bytes(memoryBytes)}${memoryLimitBytes !== null && html` of ${bytes(memoryLimitBytes)}`}
        ${meter(memoryBytes, memoryLimitBytes, 'memory, of its limit')}`,
      ],
      ['in use', bytes(workingSetBytes)],
      ['waited for CPU', waiting(waits.cpu)],
      ['waited for memory', waiting(waits.memory)],
      ['killed for memory', oomKills === null ? UNKNOWN : `${formatQuantity(oomKills, '')} times`],
    ])}
  </section>`;
}

export function endedTable(limits: readonly LimitRecord[]): Html {
  return table<LimitRecord>(
    'limits that have ended',
    [
      { title: 'since', cell: ({ since }) => time(since) },
      { title: 'until', cell: ({ ended }) => time(ended.at) },
      { title: 'to', cell: ({ rateBps }) => bits(rateBps), isNumber: true },
      { title: 'set by', cell: ({ by, reason }) => `${by}: ${reason}` },
      { title: 'ended by', cell: ({ ended }) => `${ended.by}: ${ended.reason}` },
    ],
    limits,
    ({ since }) => since,
  );
}
