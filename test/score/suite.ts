/** All trials of the scoreboard, in parts, each with a table of its own. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compare, type Comparison, type Line, linesOf, parse, render } from './board.ts';
import { captureTrial } from './captureTrial.ts';
import { LABELLED_FOLDERS, trialsOf } from './expectations.ts';
import { recordedTrials } from './recordedTrials.ts';
import { dayTrials, morningTrials, sampledWeekTrials, simulatedTrials, weekTrials } from './simulation/trials.ts';
import type { Trial } from './trial.ts';

/** A folder beside the repository, which a clone need not have. */
export const CAPTURES = resolve(import.meta.dirname, '../../../shared/captures');
export const hasCaptures = (): boolean => existsSync(CAPTURES);

/** `workshop`: a folder for unpacked files. */
export const PARTS: Readonly<Record<string, (workshop: string) => Trial[]>> = {
  /** Captures of others. */
  labelled: (workshop) =>
    trialsOf(labelledFiles(), (file) => join(CAPTURES, file)).map((trial) => captureTrial(trial, workshop)),
  /** Our own. */
  recorded: (workshop) => recordedTrials().map((trial) => captureTrial(trial, workshop)),
  /** By packet time: what takes hours. */
  simulated: simulatedTrials,
  /** Of 200 tenants; the morning is the beginning of another day, for where a day takes too long. */
  morning: morningTrials,
  /** What of a week can be judged in a minute. */
  sampledWeek: sampledWeekTrials,
  day: dayTrials,
  week: weekTrials,
};

const labelledFiles = (): string[] =>
  LABELLED_FOLDERS.flatMap((folder) =>
    readdirSync(join(CAPTURES, folder))
      .toSorted()
      .map((name) => `${folder}/${name}`),
  );

export interface PartResult extends Comparison {
  readonly lines: readonly Line[];
  readonly packets: number;
}

const pathOf = (name: string): string => join(import.meta.dirname, 'boards', `${name}.tsv`);

/** As it is committed. */
export const tableOf = (name: string): Line[] => parse(readFileSync(pathOf(name), 'utf8'));

/** Runs the part's trials and lays them beside its table, which UPDATE_SCORE=1 writes anew. */
export function runPart(name: string): PartResult {
  const workshop = mkdtempSync(join(tmpdir(), 'weir-score-'));
  try {
    const trials = PARTS[name]?.(workshop) ?? [];
    const results = trials.map((trial) => resultOf(trial));
    const lines = results.flatMap((result) => result.lines);
    const packets = results.reduce((sum, result) => sum + result.packets, 0);
    if (process.env['UPDATE_SCORE'] === '1') writeFileSync(pathOf(name), render(lines));
    return { lines, packets, ...compare(tableOf(name), lines) };
  } finally {
    rmSync(workshop, { recursive: true });
  }
}

/** What was seen of it may be much. */
function resultOf(trial: Trial): Pick<PartResult, 'lines' | 'packets'> {
  const observation = trial.observe();
  return { lines: linesOf(trial, observation), packets: observation.packets };
}
