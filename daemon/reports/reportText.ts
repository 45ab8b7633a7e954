/** An incident as plain text: for a terminal, or a mail to an abuse desk. Pure; without a newline at the end. */
import { formatRate, formatTime } from '../incidents/format.ts';
import type { IncidentDetail } from '../status/answers.ts';
import { table } from '../status/textTable.ts';
import { courseOf } from './course.ts';
import { factsOf } from './facts.ts';

/** The last ones. */
const MINUTES = 30;

export function reportText(detail: IncidentDetail): string {
  const { incident, words, heights, hasEvidence, missing } = detail;
  const minutes = heights.slice(-MINUTES);
  const sections = [
    [words.subject, '', incident.title, `${words.value}.`],
    factsOf(incident).map(([name, value]) => `${name.padEnd(12)}${value}`),
    ['What happened', ...courseOf(detail).map(({ at, what }) => `  ${formatTime(at)}  ${what}`)],
    ['Proof', ...words.evidence.map((line) => `  ${line}`), `  ${packetsLine(incident.id, hasEvidence)}`],
    minutes.length === 0
      ? []
      : [
          'Largest value of each minute',
          ...table(
            1,
            ['minute', 'value', 'of the threshold'],
            minutes.map(({ at, value }) => [
              formatTime(at),
              formatRate(value, incident.unit),
              `${Number((value / incident.threshold).toPrecision(2))} ×`,
            ]),
          ).map((line) => `  ${line}`),
        ],
    missing === null ? [] : [`What has been cannot be read: ${missing}`],
  ];
  return sections.flatMap((lines) => (lines.length === 0 ? [] : [lines.join('\n')])).join('\n\n');
}

const packetsLine = (id: string, hasEvidence: boolean): string =>
  hasEvidence ? `The headers of some of its packets: weir evidence ${id} -o ${id}.pcap` : 'No packets of it are kept.';
