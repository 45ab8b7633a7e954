/** Where a tenant stands with every detector: what is measured, what is missing to open, and what kept it small. */
import { formatRate, signatureWords } from '../../incidents/format.ts';
import type { Explanation, ReadingStatus } from '../explanation.ts';
import { html, type Part } from './html.ts';
import { incidentPath, meter, notice, page, table, tenantLink, UNKNOWN } from './pieces.ts';

export function whyPage({ tenant, points, detectors }: Explanation, now: string): string {
  const body = html` <h1>Where ${tenant} stands</h1>
    <p>
      Of the tenant ${tenantLink(tenant)}, in the window that has just come; nearest to the threshold first. Load it
      again for the next one.
    </p>
    ${points.filter(({ at }) => at === null).map(({ name }) => notice('warning', `${name} gave no window`))}
    ${detectors.map(
      ({ id, mode, reason, readings }) =>
        html`<section>
          <h2>${signatureWords(id)} <small>${mode}</small></h2>
          ${reason !== null && html`<p>Nothing: ${reason}.</p>`} ${readings.length > 0 && readingTable(id, readings)}
        </section>`,
    )}`;
  return page({ title: `Where ${tenant} stands`, place: 'tenants', everySeconds: 0, about: tenant, body }, now);
}

function readingTable(detector: string, readings: readonly ReadingStatus[]): Part {
  return table<ReadingStatus>(
    `readings of ${detector}`,
    [
      { title: 'what', cell: what },
      {
        title: 'value',
        cell: ({ value, unit }) => (value === null ? UNKNOWN : formatRate(value, unit)),
        isNumber: true,
      },
      {
        title: 'threshold',
        cell: ({ threshold, unit }) => (threshold === null ? UNKNOWN : formatRate(threshold, unit)),
        isNumber: true,
      },
      { title: 'share', cell: ({ value, threshold }) => meter(value, threshold, 'of the threshold'), isExtra: true },
      { title: 'so', cell: verdict },
    ],
    readings,
    ({ observationPoint, signature, direction, offender, victim }) =>
      [observationPoint, signature, direction, offender, victim].join(' '),
  );
}

function what({ direction, signature, victim, offender, observationPoint }: ReadingStatus): Part {
  const way = direction === null ? '' : `${direction} `;
  return `${way}${signatureWords(signature)}${victim === null ? '' : ` against ${victim}`}${offender === null ? '' : ` by ${offender}`} at ${observationPoint}`;
}

const verdict = ({ verdict: words, reason, incident }: ReadingStatus): Part => [
  incident === null ? words : html`<a href="${incidentPath(incident)}">${words}</a>`,
  reason !== null && html`<br /><small>${reason}</small>`,
];
