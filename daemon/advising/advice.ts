/** Thresholds to propose, from how high everybody has been, with the alerts that each candidate would have raised. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { Config } from '../config/config.ts';
import type { Unit } from '../detectors/detector.ts';
import type { Direction } from '../metering/window.ts';
import { type Dial, dialsOf, type Place, type Settings } from './dials.ts';
import { levelKey } from '../level.ts';
import type { Heights } from './levels.ts';

/** The mean of a minute says little of what a tenant needs. */
const LEAST_TO_SET_MS = 3_600_000;
/** Lower thresholds are proposed only where so much has been seen: one day and its night. */
const LEAST_TO_LOWER_MS = 86_400_000;

export interface Survey {
  readonly heights: readonly Heights[];
  readonly spanMs: Milliseconds;
}

/** By series: how many incidents would have been opened. */
export type Alerts = ReadonlyMap<string, number>;

/** What has been seen: captures, or the store's history. */
export interface Source {
  /** Whether the alerts are those of a replay, or the most that there can have been. */
  readonly isExact: boolean;
  /** null: it cannot be read, which has been told. */
  survey(config: Config): Survey | null;
  /** What each of the settings of all dials would have raised. */
  tryOut(config: Config, dials: readonly Dial[], trials: readonly Settings[]): readonly Alerts[];
}

export interface Candidate {
  readonly is: 'now' | '2 × usual' | '1.5 × peak';
  /** null: it is not set. */
  readonly value: number | null;
  readonly alerts: number;
}

export interface SeriesAdvice {
  readonly tenant: string;
  readonly direction: Direction | null;
  /** All but one window in a thousand were not higher. */
  readonly usual: number;
  readonly peak: number;
  /** What would do if there were nobody else: the lower candidate, of this tenant's traffic alone, that it has not reached; null: neither. */
  readonly alone: number | null;
  /** In the order of the candidates. */
  readonly alerts: readonly number[];
}

export interface DialAdvice {
  readonly place: Place;
  readonly path: string;
  readonly signature: string;
  readonly unit: Unit;
  readonly candidates: readonly Candidate[];
  readonly series: readonly SeriesAdvice[];
  /** null: it should be left as it is. */
  readonly proposed: number | null;
  /** As the configuration has it. */
  readonly written: string | null;
  /** Why it is proposed, or why nothing is. */
  readonly why: string;
  /** It is to be taken only where the alerts of the present threshold are false. */
  readonly isIfFalse: boolean;
}

export interface Advice {
  readonly spanMs: Milliseconds;
  readonly isExact: boolean;
  readonly dials: readonly DialAdvice[];
}

const NAMES: readonly Candidate['is'][] = ['now', '2 × usual', '1.5 × peak'];

/** null: the source cannot be read. */
export function advise(source: Source, config: Config): Advice | null {
  const survey = source.survey(config);
  if (survey === null) return null;
  const dials = dialsOf(config).filter(({ signature, tenant }) =>
    survey.heights.some((each) => each.signature === signature && (tenant === null || each.tenant === tenant)),
  );
  const values = dials.map((dial) => valuesFor(dial, seriesOf(dial, survey)));
  const trials = NAMES.map((_, k): Settings => new Map(dials.map(({ path }, i) => [path, values[i]?.[k] ?? null])));
  const alerts = source.tryOut(config, dials, trials);
  const { spanMs } = survey;
  return {
    spanMs,
    isExact: source.isExact,
    dials: dials.map((dial, i) => adviseOn(dial, survey, values[i] ?? [], alerts)),
  };
}

const seriesOf = ({ signature, tenant }: Dial, { heights }: Survey): Heights[] =>
  heights.filter((each) => each.signature === signature && (tenant === null || each.tenant === tenant));

/** In the order of their names. */
function valuesFor(dial: Dial, series: readonly Heights[]): (number | null)[] {
  const largest = (height: (of: Heights) => number): number =>
    series.reduce((largestYet, each) => Math.max(largestYet, height(each)), 0);
  const usual = largest((each) => each.usual);
  return [dial.current, within(dial, 2 * usual), within(dial, 1.5 * largest(({ peak }) => peak))];
}

/** An alert needs the threshold to be reached, so that what is above the peak raises none. */
function aloneFor(dial: Dial, { usual, peak }: Heights): number | null {
  const above = [2 * usual, 1.5 * peak].map((value) => within(dial, value)).filter((value) => value > peak);
  return above.length === 0 ? null : Math.min(...above);
}

const within = ({ least, most }: Dial, value: number): number => Math.min(Math.max(roundedUp(value), least), most);

function adviseOn(
  dial: Dial,
  survey: Survey,
  values: readonly (number | null)[],
  alerts: readonly Alerts[],
): DialAdvice {
  const { place, path, signature, unit } = dial;
  const series = seriesOf(dial, survey)
    .toSorted((a, b) => b.peak - a.peak)
    .map((each) => {
      const { tenant, direction, usual, peak } = each;
      const raised = alerts.map((of) => of.get(levelKey({ signature, tenant, direction })) ?? 0);
      const alone = aloneFor(dial, each);
      return { tenant, direction, usual: Math.round(usual), peak: Math.round(peak), alone, alerts: raised };
    });
  const candidates = NAMES.map((is, k) => ({
    is,
    value: values[k] ?? null,
    alerts: series.reduce((sum, each) => sum + (each.alerts[k] ?? 0), 0),
  }));
  const { value, why, isIfFalse } = propose(candidates, survey.spanMs);
  return {
    place,
    path,
    signature,
    unit,
    candidates,
    series,
    proposed: value,
    written: value === null ? null : dial.write(value),
    why,
    isIfFalse,
  };
}

interface Proposal {
  readonly value: number | null;
  readonly why: string;
  readonly isIfFalse: boolean;
}

const leaveIt = (why: string): Proposal => ({ value: null, why, isIfFalse: false });

function propose([now, ...others]: readonly Candidate[], spanMs: Milliseconds): Proposal {
  const quiet = others.flatMap(({ value, alerts }) => (value !== null && alerts === 0 ? [value] : []));
  if (quiet.length === 0) return leaveIt('no candidate is without alerts');
  const value = Math.min(...quiet);
  if (now === undefined || now.value === null) {
    return spanMs < LEAST_TO_SET_MS
      ? leaveIt('an hour at least is needed to propose one')
      : { value, why: 'none is set', isIfFalse: false };
  }
  if (now.alerts > 0) return { value, why: 'only if the alerts that it raises now are false', isIfFalse: true };
  if (value >= now.value) return leaveIt('it raises no alerts');
  if (spanMs < LEAST_TO_LOWER_MS) return leaveIt('it raises no alerts, and a day at least is needed to lower it');
  return { value, why: 'would have raised no alerts either', isIfFalse: false };
}

/** To two digits. */
function roundedUp(value: number): number {
  if (value <= 10) return Math.ceil(value);
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Math.ceil(value / unit) * unit;
}
