/** An incident as one HTML file that needs nothing else: for a ticket, a mail, an archive. Pure. */
import { formatRate, formatTime } from '../incidents/format.ts';
import type { IncidentDetail } from '../status/answers.ts';
import { html, type Html } from '../status/page/html.ts';
import { courseOf } from './course.ts';
import { factsOf } from './facts.ts';

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}th{text-align:left;font-weight:600;padding-right:1rem;vertical-align:top}
td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}svg{width:100%;height:auto}footer{margin-top:2rem;color:#555;font-size:.85rem}`;
const WIDTH = 720;
const HEIGHT = 160;
/** Of the chart: the last four hours. */
const MINUTES = 240;

export interface ReportExtras {
  /** The headers of some of its packets; null: none are kept. */
  readonly pcap: Uint8Array | null;
  /** RFC 3339. */
  readonly madeAt: string;
  readonly madeBy: string;
}

export function reportHtml(detail: IncidentDetail, { pcap, madeAt, madeBy }: ReportExtras): string {
  const { incident, words, missing } = detail;
  const body = html`<h1>${words.subject}</h1>
    <p>${incident.title} ${words.value}.</p>
    ${missing !== null && html`<p><strong>What has been cannot be read: ${missing}</strong></p>`}
    <table>
      ${factsOf(incident).map(
        ([name, value]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${value}</td>
          </tr>`,
      )}
    </table>
    <h2>What happened</h2>
    ${chart(detail)}
    <table>
      ${courseOf(detail).map(
        ({ at, what }) =>
          html`<tr>
            <th scope="row">${formatTime(at)}</th>
            <td>${what}</td>
          </tr>`,
      )}
    </table>
    <h2>Proof</h2>
    ${words.evidence.map((line) => html`<p>${line}</p>`)}
    ${pcap === null ? html`<p>No packets of it are kept.</p>` : packetsLink(incident.id, pcap)}
    <footer>Made by ${madeBy} at ${formatTime(madeAt)}. ${words.origin}</footer>`;
  const head = html`<meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>Incident ${incident.id}: ${words.subject}</title>
    <style>
      ${STYLE}
    </style>`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        ${head}
      </head>
      <body>
        ${body}
      </body>
    </html> `.text;
}

function packetsLink(id: string, pcap: Uint8Array): Html {
  const base64 = Buffer.from(pcap).toString('base64');
  return html`<p>
    <a download="${id}.pcap" href="data:application/vnd.tcpdump.pcap;base64,${base64}"
      >The headers of some of its packets (pcap)</a
    >
  </p>`;
}

/** A bar a minute against the threshold. */
function chart({ incident, heights }: IncidentDetail): Html | null {
  const minutes = heights.slice(-MINUTES);
  const first = minutes[0];
  const last = minutes.at(-1);
  if (first === undefined || last === undefined) return null;
  const firstMs = Date.parse(first.at);
  const count = Math.min(MINUTES, Math.round((Date.parse(last.at) - firstMs) / 60_000) + 1);
  const top = minutes.reduce((most, { value }) => Math.max(most, value), incident.threshold);
  const bar = WIDTH / count;
  const y = (value: number): number => Math.round(HEIGHT * (1 - value / top));
  const threshold = y(incident.threshold);
  const label = `the largest value of each minute, up to ${formatRate(top, incident.unit)}, and the threshold of ${formatRate(incident.threshold, incident.unit)}`;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
      ${minutes.map(({ at, value }) => {
        const x = ((Date.parse(at) - firstMs) / 60_000) * bar;
        return html`<rect
          x="${x.toFixed(1)}"
          y="${y(value)}"
          width="${Math.max(1, bar - 1).toFixed(1)}"
          height="${HEIGHT - y(value)}"
          fill="#2a6f97"
        />`;
      })}
      <line x1="0" x2="${WIDTH}" y1="${threshold}" y2="${threshold}" stroke="#b3261e" stroke-dasharray="6 4" />
    </svg>
    <p>From ${formatTime(first.at)} to ${formatTime(last.at)}: ${label}.</p>`;
}
