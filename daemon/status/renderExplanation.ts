/** Where a tenant stands, as plain text for a terminal: `weir explain`. */
import { formatRate, formatTime, signatureWords } from '../incidents/format.ts';
import type { DetectorExplanation, Explanation, PointStatus, ReadingStatus } from './explanation.ts';

/** Without a newline at the end. */
export const renderExplanation = ({ tenant, points, detectors }: Explanation): string =>
  [`tenant ${tenant}`, ...points.map(pointLine), ...detectors.map(section)].join('\n');

function pointLine({ name, observed, at, trust, onlySees }: PointStatus): string {
  if (observed === null || at === null) return `  ${name}: no window came`;
  const doubt = trust === 1 ? '' : `, trusted ${trust}`;
  const oneWay =
    onlySees === null ? '' : `, only ${onlySees} is seen: what rests on nobody answering is trusted half as much`;
  return `  ${name}: ${observed} until ${formatTime(at)}${doubt}${oneWay}`;
}

function section({ id, mode, allow, reason, readings }: DetectorExplanation): string {
  const list = allow.length === 0 ? '' : `, allows ${allow.join(', ')}`;
  const head = `\n${id} (${mode}${list})${reason === null ? '' : `: ${reason}`}`;
  return [head, ...readings.flatMap(readingLines).map((line) => `  ${line}`)].join('\n');
}

function readingLines(reading: ReadingStatus): string[] {
  const { observationPoint, verdict, incident, reason } = reading;
  const what = `${subjectOf(reading)} at ${observationPoint}: ${figures(reading)}${verdict}`;
  return [incident === null ? what : `${what} (${incident})`, ...(reason === null ? [] : [`  ${reason}`])];
}

/** `inbound SYN flood against 192.0.2.10 from 203.0.113.1`. */
function subjectOf({ signature, direction, offender, victim }: ReadingStatus): string {
  const way = direction === null ? '' : `${direction} `;
  const against = victim === null ? '' : ` against ${victim}`;
  return `${way}${signatureWords(signature)}${against}${offender === null ? '' : ` by ${offender}`}`;
}

function figures({ value, threshold, unit }: ReadingStatus): string {
  if (value === null && threshold === null) return '';
  const of = threshold === null ? '' : ` of ${formatRate(threshold, unit)}`;
  return `${value === null ? '?' : formatRate(value, unit)}${of}, `;
}
