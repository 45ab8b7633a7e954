/** The overview: what is wrong, what is limited, what is watched, and who has the most traffic. */
import { describeSubject, describeValue } from '../../incidents/describe.ts';
import { formatQuantity, formatShare } from '../../incidents/format.ts';
import type { Incident } from '../../incidents/incident.ts';
import { byRate } from '../archive.ts';
import type { CollectorStatus, ExporterStatus } from '../collectorStatus.ts';
import { assessHealth, type Health } from '../health.ts';
import { renderDoubts } from '../render.ts';
import type { InterfaceStatus, LimitStatus, StatusSnapshot, TenantStatus } from '../snapshot.ts';
import { html, type Html, type Part } from './html.ts';
import {
  badge,
  bits,
  bytes,
  facts,
  incidentPath,
  incidentTable,
  limitBadge,
  meter,
  notice,
  packets,
  page,
  rateBits,
  severityBadge,
  table,
  tenantLink,
  timeAgo,
  UNKNOWN,
  until,
} from './pieces.ts';

const MOST_INCIDENTS = 20;
const MOST_TENANTS = 25;
const MOST_CLOSED = 10;
const MOST_EXPORTERS = 20;
/** The share of frames lost from which counts are no longer what was. */
const LOSS_TO_TELL = 0.001;

export function overviewPage(status: StatusSnapshot): string {
  const { incidents, limits, interfaces, collector, tenants, now } = status;
  const open = incidents.filter(({ state }) => state === 'open').toSorted(byWeight);
  const closed = incidents.filter(({ state }) => state === 'closed').slice(0, MOST_CLOSED);
  const health = assessHealth(status);
  const title = headline(open.length, health);
  // What is missing on a page of one who does not see says nothing: that comes first.
  const body = html`<h1>${title}</h1>
    ${health.status === 'failing' && health.reasons.map((reason) => notice('critical', reason))}
    ${open.length > 0 && openIncidents(open, limits, now)} ${troubles(status)}
    <section>
      <h2>Limits</h2>
      ${limits.length === 0 ? html`<p>Nobody is limited. ${modeWords(status)}</p>` : limitTable(limits, now)}
    </section>
    ${
      interfaces.length > 0 &&
      html`<section>
        <h2>Interfaces</h2>
        ${interfaceTable(interfaces, now)}
      </section>`
    }
    ${collector !== null && exporterSection(collector, now)}
    <section>
      <h2>Tenants by rate</h2>
      ${tenantTable('tenants by rate', tenants.toSorted(byRate).slice(0, MOST_TENANTS))}
      ${tenants.length > MOST_TENANTS && html`<p><a href="/tenants?sort=rate">All ${tenants.length} tenants</a></p>`}
    </section>
    ${
      closed.length > 0 &&
      html`<section>
        <h2>Over</h2>
        ${incidentTable('incidents that are over', closed, now)}
        <p><a href="/incidents?state=closed">All that are over</a></p>
      </section>`
    }
    <section>
      <h2>Weir itself</h2>
      ${daemonFacts(status)}
    </section>`;
  return page({ title, place: 'overview', everySeconds: 1, about: null, body }, now);
}

function headline(open: number, health: Health): string {
  if (open > 0) return open === 1 ? '1 open incident' : `${open} open incidents`;
  return health.status === 'ok' ? 'No open incident' : 'Weir does not see all that it should';
}

/** Critical ones first, then those that are furthest above their thresholds. */
const byWeight = (a: Incident, b: Incident): number => weight(b) - weight(a);
const weight = ({ severity, value, threshold }: Incident): number =>
  (severity === 'critical' ? 1e6 : 0) + Math.min(value / Math.max(threshold, 1), 1e5);

/** What keeps Weir from knowing or doing all that it should. */
function troubles(status: StatusSnapshot): Part {
  const { interfaces, store, alertmanager, enforcement, reload, now } = status;
  return [
    interfaces
      .filter(({ lossRatio }) => (lossRatio ?? 0) >= LOSS_TO_TELL)
      .map(({ name, lossRatio }) =>
        notice(
          'warning',
          `${formatShare(lossRatio ?? 0)} of the packets at ${name} were lost since the start: counts are too low`,
        ),
      ),
    interfaces.flatMap(renderDoubts).map((doubt) => notice('warning', doubt)),
    (store?.state === 'failing' || store?.state === 'stalled') &&
      notice('warning', `What happens is not kept: ${store.lastError ?? 'the disk does not answer'}`),
    alertmanager
      .filter(({ ok }) => ok === false)
      .map(({ url, lastError }) =>
        notice('warning', `Alertmanager ${url} does not take alerts: ${lastError ?? 'why is not known'}`),
      ),
    reload !== null &&
      reload.refused !== null &&
      notice('warning', html`The configuration was refused ${timeAgo(reload.at, now)}: ${reload.refused}`),
    enforcement.error !== null && notice('warning', `Limits are not as wanted: ${enforcement.error}`),
    enforcement.stoppedAt !== null &&
      notice('warning', html`Too many limits at once: none has been set since ${timeAgo(enforcement.stoppedAt, now)}`),
  ];
}

function openIncidents(open: readonly Incident[], limits: readonly LimitStatus[], now: string): Html {
  const limited = new Map(limits.map((limit) => [limit.tenant, limit]));
  return html`<section aria-label="Open incidents">
    <ul class="incidents">
      ${open.slice(0, MOST_INCIDENTS).map((each) => {
        const limit = limited.get(each.tenant);
        return html`<li class="${each.severity}" data-key="${each.id}">
          ${severityBadge(each)} <a href="${incidentPath(each.id)}">${describeSubject(each)}</a>
          <p>
            ${describeValue(each)} · since
            ${timeAgo(each.firstSeen, now)}${limit !== undefined && html` · limited to ${bits(limit.rateBps)} (${limitBadge(limit)})`}
          </p>
        </li> `;
      })}
    </ul>
    ${open.length > MOST_INCIDENTS && html`<p><a href="/incidents?state=open">All ${open.length} open incidents</a></p>`}
  </section>`;
}

export const modeWords = ({ enforcement }: Pick<StatusSnapshot, 'enforcement'>): string =>
  enforcement.mode === 'observe'
    ? 'Weir observes: it limits nobody by itself (enforcement.mode).'
    : 'Weir limits tenants that pass the threshold of their plan.';

export function limitTable(limits: readonly LimitStatus[], now: string): Html {
  return table<LimitStatus>(
    'limits',
    [
      { title: 'tenant', cell: ({ tenant }) => tenantLink(tenant) },
      { title: 'state', cell: limitBadge },
      { title: 'to', cell: ({ rateBps }) => bits(rateBps), isNumber: true },
      { title: 'offered now', cell: ({ offeredBps }) => bits(offeredBps), isNumber: true },
      { title: 'since', cell: ({ since }) => timeAgo(since, now) },
      { title: 'until', cell: (each) => until(each.until), isExtra: true },
      { title: 'why', cell: whyLimited },
    ],
    limits,
    ({ tenant }) => tenant,
  );
}

const whyLimited = ({ reason, incident }: LimitStatus): Part =>
  incident === null ? reason : html`<a href="${incidentPath(incident)}">${reason}</a>`;

function interfaceTable(interfaces: readonly InterfaceStatus[], now: string): Html {
  return table<InterfaceStatus>(
    'interfaces',
    [
      { title: 'interface', cell: ({ name }) => name },
      {
        title: 'state',
        cell: ({ state }) => badge(state === 'up' ? 'good' : state === 'starting' ? 'plain' : 'critical', state),
      },
      { title: 'faces', cell: ({ faces, tenant }) => (tenant === null ? faces : tenantLink(tenant)), isExtra: true },
      { title: 'rate', cell: ({ bitsPerSecond }) => bits(bitsPerSecond), isNumber: true },
      { title: 'packets', cell: ({ packetsPerSecond }) => packets(packetsPerSecond), isNumber: true },
      { title: 'lost', cell: lost, isNumber: true },
      {
        title: 'last packet',
        cell: ({ lastPacketAt }) => (lastPacketAt === null ? UNKNOWN : timeAgo(lastPacketAt, now)),
        isExtra: true,
      },
    ],
    interfaces,
    ({ name }) => name,
  );
}

function lost({ dropped, lossRatio }: InterfaceStatus): Part {
  if (dropped === null) return UNKNOWN;
  return dropped === 0 || lossRatio === null
    ? String(dropped)
    : `${formatQuantity(dropped, '')} (${formatShare(lossRatio)})`;
}

function exporterSection({ state, exporters }: CollectorStatus, now: string): Html {
  const shown = exporters.toSorted((a, b) => b.records - a.records).slice(0, MOST_EXPORTERS);
  return html`<section>
    <h2>Flow exporters</h2>
    ${
      shown.length === 0
        ? html`<p>Nothing has come from any of them${state === 'up' ? '' : `: the collector is ${state}`}.</p>`
        : exporterTable(shown, now)
    }
  </section>`;
}

const exporterTable = (exporters: readonly ExporterStatus[], now: string): Html =>
  table<ExporterStatus>(
    'flow exporters',
    [
      { title: 'exporter', cell: ({ address }) => address },
      { title: 'protocol', cell: ({ protocols }) => protocols.join(', ') },
      { title: 'records', cell: ({ records }) => formatQuantity(records, ''), isNumber: true },
      { title: 'lost', cell: lostRecords, isNumber: true },
      { title: 'last message', cell: ({ lastMessageAt }) => timeAgo(lastMessageAt, now), isExtra: true },
    ],
    exporters,
    ({ address }) => address,
  );

function lostRecords({ lostRecords: records, lostMessages: messages }: ExporterStatus): Part {
  if (records !== null) return `${formatQuantity(records, '')} records`;
  return messages === null ? UNKNOWN : `${formatQuantity(messages, '')} messages`;
}

export function tenantTable(caption: string, tenants: readonly TenantStatus[]): Html {
  return table<TenantStatus>(
    caption,
    [
      { title: 'tenant', cell: ({ id }) => tenantLink(id) },
      { title: 'in', cell: ({ inbound }) => rateBits(inbound), isNumber: true },
      { title: 'out', cell: ({ outbound }) => rateBits(outbound), isNumber: true },
      { title: 'packets', cell: packetsOf, isNumber: true, isExtra: true },
      { title: 'of its port', cell: portShare, isExtra: true },
      { title: 'CPU', cell: ({ workload }) => cores(workload?.cpuCores ?? null), isNumber: true, isExtra: true },
      { title: 'memory', cell: ({ workload }) => bytes(workload?.memoryBytes ?? null), isNumber: true, isExtra: true },
      { title: 'limit', cell: ({ limit }) => limit !== null && html`${bits(limit.rateBps)} ${limitBadge(limit)}` },
      {
        title: 'open',
        cell: ({ openIncidents: count }) => (count > 0 ? badge('warning', String(count)) : '0'),
        isNumber: true,
      },
    ],
    tenants,
    ({ id }) => id,
  );
}

function packetsOf({ inbound, outbound }: TenantStatus): Part {
  if (inbound === null || outbound === null) return UNKNOWN;
  return packets(inbound.packetsPerSecond + outbound.packetsPerSecond);
}

function portShare({ id, inbound, outbound, plan }: TenantStatus): Part {
  const most = Math.max(inbound?.bitsPerSecond ?? 0, outbound?.bitsPerSecond ?? 0);
  return meter(most, plan.portBps, `${id}: of its port`) || UNKNOWN;
}

export const cores = (count: number | null): Part => (count === null ? UNKNOWN : formatQuantity(count, 'cores'));

function daemonFacts(status: StatusSnapshot): Html {
  const { host, store, self, alertmanager, now, startedAt, version, config } = status;
  return facts([
    ['running', html`since ${timeAgo(startedAt, now)}, version ${version}`],
    ['mode', modeWords(status)],
    ['configuration', config ?? 'none: the defaults hold'],
    [
      'host',
      host === null
        ? UNKNOWN
        : html`${cores(host.cpuCores)} of ${host.cores ?? UNKNOWN} busy, ${bytes(host.memoryAvailableBytes)} of
          ${bytes(host.memoryTotalBytes)} memory free`,
    ],
    ['Weir', html`${bytes(self.rssBytes)} memory`],
    [
      'history',
      store === null
        ? 'not kept (store.path is none)'
        : html`${store.path}, ${bytes(store.size?.bytes ?? null)}, ${store.state}`,
    ],
    [
      'alerts',
      alertmanager.length === 0
        ? 'no Alertmanager is configured'
        : alertmanager.map(
            ({ url, ok, pending }) =>
              html`<span
                >${url}: ${ok === null ? 'not tried yet' : ok ? 'taken' : 'not taken'}, ${pending} waiting
              </span>`,
          ),
    ],
  ]);
}
