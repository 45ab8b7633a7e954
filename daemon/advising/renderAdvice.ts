/** Advice as text: a table a threshold, and the lines of YAML to paste. */
import { formatRate } from '../incidents/format.ts';
import { formatSpan } from '../status/span.ts';
import { table } from '../status/textTable.ts';
import type { Advice, DialAdvice } from './advice.ts';

/** A table has so many tenants at most, those that were highest. */
const MAX_ROWS = 20;

/** Without a newline at the end. */
export function renderAdvice({ spanMs, isExact, dials }: Advice): string {
  const most = isExact ? '' : ', at most';
  const head = `Of ${formatSpan(spanMs / 1000)}. Usual: all but one window in a thousand are not higher. Alone: what would do for that tenant. Alerts: what each threshold would have raised${most}.`;
  if (dials.length === 0) return `${head}\nNobody came near a threshold.`;
  return [head, ...dials.map(section), renderYaml(dials)].filter((text) => text !== '').join('\n\n');
}

function section({ path, unit, candidates, series, written, why }: DialAdvice): string {
  const titles = candidates.map(({ is, value }) => `${value === null ? 'none' : formatRate(value, unit)} (${is})`);
  const rows = series
    .slice(0, MAX_ROWS)
    .map(({ tenant, direction, usual, peak, alone, alerts }) => [
      tenant,
      direction ?? '',
      usual === 0 ? '-' : formatRate(usual, unit),
      formatRate(peak, unit),
      alone === null ? '-' : formatRate(alone, unit),
      ...alerts.map(String),
    ]);
  const rest = series.length - rows.length;
  const lines = [
    ...table(2, ['tenant', '', 'usual', 'peak', 'alone', ...titles], rows),
    ...(rest > 0 ? [`and ${rest} more`] : []),
  ];
  return [`${path}: ${written ?? 'as it is'} (${why})`, ...lines.map((line) => `  ${line}`)].join('\n');
}

/** In the structure of the configuration, to be merged into it; what is to be decided first is commented out. Empty: nothing is to be changed. */
export function renderYaml(dials: readonly DialAdvice[]): string {
  const changes = dials.filter(({ proposed }) => proposed !== null);
  const sure = changes.filter(({ isIfFalse }) => !isIfFalse);
  const unsure = changes.filter(({ isIfFalse }) => isIfFalse);
  return [
    ...part('detectors:', sure.flatMap(optionOf), ([id, own]) => `  ${id}: { ${own} }`),
    ...part('tenants:', sure.flatMap(thresholdOf), ([id, own]) => `  - { id: ${id}, plan: { threshold: { ${own} } } }`),
    ...unsure.map(({ path, written, why }) => `# ${path}: ${written} # ${why}`),
  ].join('\n');
}

interface Setting {
  /** A detector's, or a tenant's. */
  readonly id: string;
  readonly text: string;
}

const optionOf = ({ place, written }: DialAdvice): Setting[] =>
  'detector' in place ? [{ id: place.detector, text: `${place.option}: ${written}` }] : [];
const thresholdOf = ({ place, written }: DialAdvice): Setting[] =>
  'tenant' in place ? [{ id: place.tenant, text: `${place.key}: ${written}` }] : [];

function part(
  key: string,
  settings: readonly Setting[],
  line: (of: readonly [id: string, own: string]) => string,
): string[] {
  const byId = Map.groupBy(settings, ({ id }) => id);
  const lines = [...byId].map(([id, own]) => line([id, own.map(({ text }) => text).join(', ')]));
  return lines.length === 0 ? [] : [key, ...lines];
}
