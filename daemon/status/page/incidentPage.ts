/** One incident: what, since when, how bad, who, what was done, and what can be done. */
import { CLAUSE_WORDS } from '../../incidents/clauses.ts';
import { formatQuantity, formatRate, formatShare } from '../../incidents/format.ts';
import type { Incident, TrafficEvidence } from '../../incidents/incident.ts';
import { courseOf } from '../../reports/course.ts';
import type { IncidentDetail } from '../answers.ts';
import type { StatusSnapshot } from '../snapshot.ts';
import { html, type Html, type Part } from './html.ts';
import { limitTable, modeWords } from './overviewPage.ts';
import { facts, lasting, meter, notice, page, severityBadge, table, tenantLink, time, timeAgo } from './pieces.ts';
import { endedTable } from './tenantPage.ts';

export function incidentPage(known: IncidentDetail, status: Pick<StatusSnapshot, 'enforcement' | 'now'>): string {
  const detail = { ...known, limit: limitOf(known) };
  const { incident, words, missing } = detail;
  const { id, tenant, title, state, firstSeen, lastSeen, value, peak, threshold, unit } = incident;
  const { now } = status;
  const rate = (number: number): string => formatRate(number, unit);
  const body = html` <h1>${severityBadge(incident)} ${words.subject}</h1>
    <p class="lead">${title} ${words.value}.</p>
    ${missing !== null && notice('warning', `What has been cannot be read: ${missing}`)}
    ${facts([
      [
        'state',
        state === 'open'
          ? html`open since ${timeAgo(firstSeen, now)}`
          : html`over, it lasted ${lasting(firstSeen, lastSeen)}`,
      ],
      ['first seen', time(firstSeen)],
      ['last seen', time(lastSeen)],
      [
        state === 'open' ? 'now' : 'last',
        html`${rate(value)} ${meter(value, Math.max(peak, threshold), 'now, of the peak')}`,
      ],
      ['peak', rate(peak)],
      ['threshold', rate(threshold)],
      ['tenant', tenantLink(tenant)],
      ['by', parties(incident.offender)],
      ['against', parties(incident.victim)],
      ['clause', `${CLAUSE_WORDS[incident.clause]} (${incident.clause})`],
      ['seen at', incident.observationPoint],
      ['confidence', formatShare(incident.confidence)],
    ])}
    <section>
      <h2>How it went</h2>
      <div
        class="chart"
        data-keep
        data-heights="${id}"
        data-unit="${unit}"
        data-threshold="${threshold}"
        role="img"
        aria-label="the largest value of each minute against the threshold; the table below has the numbers"
      ></div>
      ${timeline(detail)} ${detail.heights.length > 0 && heights(detail)}
    </section>
    <section>
      <h2>Proof</h2>
      ${words.evidence.map((line) => html`<p>${line}</p>`)}
      ${incident.evidence.tier !== 'sample' && peers(incident.evidence)}
      ${
        detail.hasEvidence
          ? html`<p>
              <a class="button" href="/api/incidents/${encodeURIComponent(id)}/evidence.pcap" download="${id}.pcap"
                >Download the headers of some of its packets (pcap)</a
              >
            </p>`
          : html`<p>No packets of it are kept${state === 'open' && ' yet'}.</p>`
      }
    </section>
    <section>
      <h2>What was done</h2>
      ${done(detail, status)}
    </section>
    <section>
      <h2>What can be done</h2>
      ${possible(incident)}
    </section>`;
  return page({ title: words.subject, place: 'incidents', everySeconds: 5, about: id, hasCharts: true, body }, now);
}

/** What the tenant is limited to now has to do with an incident that is over only where that has led to it. */
const limitOf = ({ incident, limit }: IncidentDetail): IncidentDetail['limit'] =>
  incident.state === 'open' || limit?.incident === incident.id ? limit : null;

const parties = (party: string | null): Part => party ?? 'nobody in particular, or many';

const timeline = (detail: IncidentDetail): Html =>
  html`<ol class="timeline">
    ${courseOf(detail).map(({ at, what }) => html`<li>${time(at)} ${what}</li>`)}
  </ol>`;

function heights({ incident, heights: all }: IncidentDetail): Html {
  return html`<details>
    <summary>By the minute</summary>
    ${table(
      'largest value of each minute',
      [
        { title: 'minute', cell: ({ at }: { readonly at: string }) => time(at) },
        {
          title: 'value',
          cell: ({ value }: { readonly value: number }) => formatRate(value, incident.unit),
          isNumber: true,
        },
        {
          title: 'of the threshold',
          cell: ({ value }: { readonly value: number }) => `${Number((value / incident.threshold).toPrecision(2))} ×`,
          isNumber: true,
        },
      ] as const,
      all.slice(-240).toReversed(),
      ({ at }) => at,
    )}
  </details>`;
}

function peers({ topSources, topPorts, packetsByKind, sources }: TrafficEvidence): Html {
  const kinds = Object.entries(packetsByKind).toSorted(([, a], [, b]) => b - a);
  const all = kinds.reduce((sum, [, count]) => sum + count, 0);
  return html`<div class="columns">
    ${shareTable(
      sources === undefined ? 'source' : `source (of about ${formatQuantity(sources.distinct, '').trim()})`,
      topSources.map(({ address, share: part }) => [address, part]),
    )}
    ${shareTable(
      'destination port',
      topPorts.map(({ port, share: part }) => [String(port), part]),
    )}
    ${shareTable('packets', all === 0 ? [] : kinds.map(([kind, count]) => [kind, count / all]))}
  </div>`;
}

type Share = readonly [name: string, share: number];

const shareTable = (title: string, rows: readonly Share[]): Part =>
  rows.length > 0 &&
  table<Share>(
    title,
    [
      { title, cell: ([name]) => name },
      { title: 'share', cell: ([, part]) => html`${meter(part, 1, 'share')} ${formatShare(part)}`, isNumber: true },
    ],
    rows,
    ([name]) => name,
  );

function done({ limit, limits }: IncidentDetail, status: Pick<StatusSnapshot, 'enforcement' | 'now'>): Part {
  if (limit === null && limits.length === 0) return html`<p>It was told. Nothing was limited. ${modeWords(status)}</p>`;
  return [limit !== null && limitTable([limit], status.now), limits.length > 0 && endedTable(limits)];
}

function possible({ id, tenant, signature, detector, direction }: Incident): Html {
  return html`<ul>
    <li>
      <a href="/tenants/${encodeURIComponent(tenant)}/why?detector=${encodeURIComponent(detector)}"
        >Where the tenant stands with ${detector} now</a
      >, and why it is open or not: <code>weir explain ${tenant} ${detector}</code>
    </li>
    ${direction === 'outbound' && html`<li>Hold the tenant's port: <code>weir limit ${tenant} 5mbit --for 1h</code>, and lift it: <code>weir release ${tenant}</code></li>`}
    <li>Look at the packets: <code>weir evidence ${id} -o ${id}.pcap</code>, then Wireshark or tcpdump</li>
    <li>
      If it is no abuse: raise the threshold of ${signature}, or allow who does it
      (<code>detectors.${detector}.allow</code>)
    </li>
  </ul>`;
}
