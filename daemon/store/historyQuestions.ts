/** What can be asked of the store's past: each kind of question, and its answer. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { Direction } from '../metering/window.ts';
import type { History, UsageAt, UsageStep } from './history.ts';
import type { EndedLimit, PastFilter } from './pastIncidents.ts';
import type { UsagePercentile } from './percentile.ts';

export interface Span {
  readonly fromMs: Milliseconds;
  readonly toMs: Milliseconds;
}

export interface SeriesSpan extends Span {
  readonly signature: string;
  readonly tenant: string;
  readonly direction: Direction | null;
}

/** The largest value of a minute. */
export interface HeightAt {
  readonly startMs: Milliseconds;
  readonly value: number;
}

export interface HistoryQuestions {
  incidents: PastFilter;
  incident: string;
  limits: PastFilter;
  heights: SeriesSpan;
  usage: Span & { readonly tenant: string; readonly step: UsageStep };
  month: { readonly tenant: string; readonly atMs: Milliseconds };
}

export interface HistoryAnswers {
  /** JSON. */
  incidents: readonly string[];
  /** JSON; null: there is none. */
  incident: string | null;
  limits: readonly EndedLimit[];
  heights: readonly HeightAt[];
  usage: readonly UsageAt[];
  month: UsagePercentile | null;
}

export type Kind = keyof HistoryQuestions;

export const ANSWERS: {
  readonly [K in Kind]: (history: History, question: HistoryQuestions[K]) => HistoryAnswers[K];
} = {
  incidents: (history, filter) => history.incidents(filter),
  incident: (history, id) => history.incident(id),
  limits: (history, filter) => history.endedLimits(filter),
  heights: (history, span) => history.heights(span),
  usage: (history, { tenant, fromMs, toMs, step }) => history.usage(tenant, fromMs, toMs, step),
  month: (history, { tenant, atMs }) => history.month(tenant, atMs),
};

export interface HistoryRequest<K extends Kind = Kind> {
  readonly number: number;
  readonly kind: K;
  readonly question: HistoryQuestions[K];
}

export type HistoryReply =
  | { readonly number: number; readonly answer: unknown }
  | { readonly number: number; readonly failure: string };
