/** Where a tenant stands with every detector, as plain JSON: the answer of GET /api/explain. Unknown is null, never 0. */
import type { Clause, DetectorDefinition, DetectorMode, Signature, Unit } from '../detectors/detector.ts';
import { type DetectorConfigs, detectorDefinitions } from '../detectors/index.ts';
import { formatRate } from '../incidents/format.ts';
import { toRfc3339 } from '../incidents/identity.ts';
import type { Direction, Observed } from '../metering/window.ts';
import type { PointAnswer } from '../questions.ts';

export interface Explanation {
  readonly tenant: string;
  /** Those that gave a window, and those that were waited for. */
  readonly points: readonly PointStatus[];
  readonly detectors: readonly DetectorExplanation[];
}

export interface PointStatus {
  readonly name: string;
  /** null: it gave no window while it was waited for. */
  readonly observed: Observed | null;
  /** RFC 3339: the end of the window that everything here was read from. */
  readonly at: string | null;
  /** How far its counts can be trusted, 0 … 1; a confidence is never above it. */
  readonly trust: number | null;
  /** The one direction that it is shown, as is suspected: what rests on nobody answering is trusted half as much. */
  readonly onlySees: Direction | null;
}

export interface DetectorExplanation {
  readonly id: string;
  readonly mode: DetectorMode;
  readonly allow: readonly string[];
  /** Why it has no readings; null: it has. */
  readonly reason: string | null;
  /** Those nearest to their threshold first. */
  readonly readings: readonly ReadingStatus[];
}

export interface ReadingStatus {
  readonly observationPoint: string;
  readonly signature: string;
  readonly clause: Clause;
  readonly direction: Direction | null;
  readonly offender: string | null;
  readonly victim: string | null;
  readonly value: number | null;
  readonly threshold: number | null;
  readonly unit: Unit;
  /** It must pass in `windows` of the last `of` windows, or once at `atOnce` times the threshold. */
  readonly entry: Signature['entry'];
  /** In so many of them it passed. */
  readonly passed: number;
  /** An open incident closes when the value has been below it for `incidents.closeAfter`. */
  readonly leavesBelow: number | null;
  /** The open incident; null: there is none. */
  readonly incident: string | null;
  /** What keeps the detector from judging, or made it count less than there is; null: nothing does. */
  readonly reason: string | null;
  /** What follows from all of this, for a person. */
  readonly verdict: string;
}

export interface ExplanationSources {
  readonly tenant: string;
  /** null: all. */
  readonly detector: string | null;
  readonly configs: DetectorConfigs;
  /** Of all points there are. */
  readonly pointNames: readonly string[];
  readonly answers: ReadonlyMap<string, PointAnswer>;
}

export function explainTenant(sources: ExplanationSources): Explanation {
  const { tenant, detector, answers } = sources;
  const names = new Set([...sources.pointNames, ...answers.keys()]);
  return {
    tenant,
    points: [...names].map((name) => pointStatus(name, answers.get(name))),
    detectors: detectorDefinitions
      .filter(({ id }) => detector === null || id === detector)
      .map((each) => explainBy(each, sources)),
  };
}

function pointStatus(name: string, answer: PointAnswer | undefined): PointStatus {
  if (answer === undefined) return { name, observed: null, at: null, trust: null, onlySees: null };
  const { observed, endMs, trust, onlySees } = answer;
  return { name, observed, at: toRfc3339(endMs), trust, onlySees };
}

function explainBy(
  { id, observes, config }: DetectorDefinition,
  { configs, answers }: ExplanationSources,
): DetectorExplanation {
  const { mode, allow = [] } = configs[id] ?? config.parse({});
  const readings = [...answers.values()].flatMap((answer) =>
    answer.readings.filter(({ signature }) => signature.detector === id).map((each) => readingStatus(answer, each)),
  );
  return {
    id,
    mode,
    allow,
    reason: readings.length > 0 ? null : whyNothing(mode, observes),
    readings: readings.toSorted((a, b) => nearness(b) - nearness(a)),
  };
}

const whyNothing = (mode: DetectorMode, observes: readonly Observed[]): string =>
  mode === 'off' ? 'its mode is off' : `it needs ${observes.join(' or ')}, and no observation point gave any`;

/** Open ones first, those that are not judged last. */
function nearness({ incident, value, threshold }: ReadingStatus): number {
  if (incident !== null) return Infinity;
  return value === null || threshold === null ? -1 : value / threshold;
}

function readingStatus({ observationPoint }: PointAnswer, reading: PointAnswer['readings'][number]): ReadingStatus {
  const { signature, direction, offender, victim, value, threshold, reason, passed, incident } = reading;
  const { id, clause, unit, entry, leaveBelow } = signature;
  return {
    observationPoint,
    signature: id,
    clause,
    direction,
    offender,
    victim,
    value,
    threshold,
    unit,
    entry,
    passed,
    leavesBelow: threshold === null ? null : threshold * leaveBelow,
    incident: incident?.id ?? null,
    reason,
    verdict: verdictOn(reading),
  };
}

function verdictOn({ signature, value, threshold, passed, incident }: PointAnswer['readings'][number]): string {
  const { unit, entry, leaveBelow } = signature;
  if (value === null || threshold === null) return incident === null ? 'not judged' : 'open, and not known now';
  const leavesBelow = threshold * leaveBelow;
  const leaves = formatRate(leavesBelow, unit);
  if (incident !== null)
    return value < leavesBelow ? `open, closes soon: below ${leaves}` : `open, closes below ${leaves}`;
  if (passed === 0 && value >= threshold) return 'passes, and is not counted';
  const lacks =
    passed > 0 ? `passed in ${passed} of the last ${entry.of} windows` : `lacks ${formatRate(threshold - value, unit)}`;
  const opens =
    entry.of === 1
      ? ''
      : `, opens with ${entry.windows} of ${entry.of} windows or at ${formatRate(threshold * entry.atOnce, unit)} at once`;
  return `${lacks}${opens}`;
}
