/** The scoreboard: a line for each trial and expected incident, as text that is compared line by line; and its sums. */
import { judge, type Judgement, type Verdict, VERDICTS } from './judge.ts';
import type { Named, Observation, Trial, TrialKind } from './trial.ts';

/** A line of the table. */
export interface Line {
  readonly trial: string;
  readonly kind: TrialKind;
  /** `detector/type direction tenant`; `silence` where nothing is expected. */
  readonly expected: string;
  readonly verdict: Verdict | 'silent' | 'loud';
  readonly instead: string;
  readonly latencyPackets: number | null;
  readonly latencyMs: number | null;
  /** What was named without cause; at the first line of a trial. */
  readonly extra: readonly string[];
  /** Of the whole trial; at its first line. */
  readonly hours: number;
}

const SILENCE = 'silence';

export function linesOf(trial: Trial, observation: Observation): Line[] {
  const { judgements, extra } = judge(trial, observation);
  const common = { trial: trial.name, kind: trial.kind };
  const first = { extra, hours: observation.hours };
  const lines = judgements.map((judgement) => ({ ...common, ...lineOf(judgement), extra: [], hours: 0 }));
  if (lines[0] !== undefined) return [{ ...lines[0], ...first }, ...lines.slice(1)];
  const verdict = extra.length === 0 ? 'silent' : 'loud';
  return [{ ...common, expected: SILENCE, verdict, instead: '', latencyPackets: null, latencyMs: null, ...first }];
}

const lineOf = ({ expected, verdict, instead, latency }: Judgement) => ({
  expected: nameOf(expected),
  verdict,
  instead: instead ?? '',
  latencyPackets: latency?.packets ?? null,
  latencyMs: latency === null ? null : Math.round(latency.ms),
});

function nameOf({ detector, type, direction, tenant }: Named): string {
  const name = [detector].flat().join('|');
  const typed = type === undefined ? name : `${name}/${type}`;
  return [typed, direction, tenant].filter((part) => part !== undefined).join(' ');
}

const COLUMNS = ['trial', 'kind', 'expected', 'verdict', 'instead', 'packets', 'ms', 'extra', 'hours'];
const NONE = '-';

/** Tab-separated, with a line of headings. */
export function render(lines: readonly Line[]): string {
  const rows = lines.map((line) => [
    line.trial,
    line.kind,
    line.expected,
    line.verdict,
    line.instead || NONE,
    line.latencyPackets ?? NONE,
    line.latencyMs ?? NONE,
    counted(line.extra).join('; ') || NONE,
    line.hours.toFixed(4),
  ]);
  return `${[COLUMNS, ...rows].map((row) => row.join('\t')).join('\n')}\n`;
}

export function parse(text: string): Line[] {
  const [, ...rows] = text.trimEnd().split('\n');
  return rows.map((row) => {
    const [trial = '', kind = '', expected = '', verdict = '', instead = '', packets, ms, extra = '', hours] =
      row.split('\t');
    const number = (cell: string | undefined): number | null => (cell === NONE ? null : Number(cell));
    return {
      trial,
      kind: oneOf(KINDS, kind),
      expected,
      verdict: oneOf([...VERDICTS, 'silent', 'loud'] as const, verdict),
      instead: instead === NONE ? '' : instead,
      latencyPackets: number(packets),
      latencyMs: number(ms),
      extra: extra === NONE ? [] : extra.split('; ').flatMap(uncounted),
      hours: Number(hours),
    };
  });
}

const TIMES = ' × ';

/** `udpFlood inbound a > b × 3` for three of them. */
const counted = (names: readonly string[]): string[] =>
  [...Map.groupBy(names, (name) => name)].map(([name, all]) =>
    all.length === 1 ? name : `${name}${TIMES}${all.length}`,
  );

function uncounted(text: string): string[] {
  const [name = '', count = '1'] = text.split(TIMES);
  return Array<string>(Number(count)).fill(name);
}

const KINDS = ['attack', 'benign', 'other'] as const;

function oneOf<Value extends string>(values: readonly Value[], text: string): Value {
  const value = values.find((each) => each === text);
  if (value === undefined) throw new Error(`Cannot read the scoreboard: ${text} is none of ${values.join(', ')}`);
  return value;
}

/** A window later than before is the luck of where windows begin. */
const WINDOW_MS = 250;
const SLOWER = 1.25;

export interface Comparison {
  readonly worse: readonly string[];
  readonly better: readonly string[];
}

/** Every line that only one of the two has is worse: a trial is not to be forgotten, nor a new one to go unseen. */
export function compare(before: readonly Line[], now: readonly Line[]): Comparison {
  const known = new Map(before.map((line) => [keyOf(line), line]));
  const worse: string[] = [];
  const better: string[] = [];
  for (const line of now) {
    const old = known.get(keyOf(line));
    known.delete(keyOf(line));
    if (old === undefined) worse.push(`${keyOf(line)}: is not in the table`);
    else {
      worse.push(...whatIsWorse(old, line));
      better.push(...whatIsWorse(line, old));
    }
  }
  return { worse: [...worse, ...[...known.keys()].map((key) => `${key}: was not tried`)], better };
}

const keyOf = ({ trial, expected }: Line): string => `${trial}: ${expected}`;

const RANKS: readonly Line['verdict'][] = ['silent', 'loud', ...VERDICTS];

/** What of `line` is worse than of `other`. */
function whatIsWorse(other: Line, line: Line): string[] {
  const key = keyOf(line);
  const worse: string[] = [];
  if (RANKS.indexOf(line.verdict) > RANKS.indexOf(other.verdict))
    worse.push(`${key}: ${line.verdict} ${line.instead}, not ${other.verdict}`);
  const extra = line.extra.filter((name) => !other.extra.includes(name));
  if (extra.length > 0 || line.extra.length > other.extra.length)
    worse.push(`${key}: also named ${counted(line.extra).join('; ')}`);
  if (other.latencyMs !== null && line.latencyMs !== null && line.latencyMs > other.latencyMs * SLOWER + WINDOW_MS)
    worse.push(`${key}: after ${line.latencyMs} ms, not ${other.latencyMs}`);
  return worse;
}
