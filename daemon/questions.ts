/** Where a tenant stands: questions that every observation point answers with its next window, while it is there to be read. */
import type { Milliseconds } from '../probes/probe.ts';
import type { Detector, Reading } from './detectors/detector.ts';
import { trust } from './detectors/shared/evidence.ts';
import type { Standing } from './incidents/incidents.ts';
import { type Direction, type Observed, Window } from './metering/window.ts';

/** An answer takes the main thread up to 8 ms where 4,000 targets are busy (measured): a window has room for some, and others wait. */
const MAX_ANSWERS_A_WINDOW = 2;
const MAX_QUESTIONS = 8;
/** Windows that come more rarely are kept, so that nobody has to wait for them. */
const RARE_MS = 1000;

export interface PointAnswer {
  readonly observationPoint: string;
  readonly observed: Observed;
  /** Where the window ended that it was read from. */
  readonly endMs: Milliseconds;
  /** How far its counts can be trusted, 0 … 1. */
  readonly trust: number;
  readonly onlySees: Direction | null;
  readonly readings: readonly (Reading & Standing)[];
}

export interface Question {
  /** By its number. */
  readonly tenant: number;
  /** null: all of them. */
  readonly detector: string | null;
  /** By observation point. */
  readonly answers: Map<string, PointAnswer>;
  /** All points have answered. */
  readonly answered: Promise<void>;
}

interface Asked extends Question {
  readonly settle: () => void;
}

export interface Witness {
  readonly observationPoint: string;
  readonly window: Window;
  readonly detectors: readonly Detector[];
  readonly standingOf: (tenant: number, reading: Reading) => Standing;
}

export class Questions {
  readonly #asked = new Set<Asked>();
  /** The points that windows came from; rare windows are copied. */
  readonly #points = new Map<string, Witness | null>();

  /** null: too many have been asked and not answered yet. */
  ask(tenant: number, detector: string | null): Question | null {
    if (this.#asked.size >= MAX_QUESTIONS) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    const question: Asked = { tenant, detector, answers: new Map(), answered: promise, settle: resolve };
    this.#asked.add(question);
    for (const witness of this.#points.values()) if (witness !== null) this.#answer(question, witness);
    this.#settle(question);
    return question;
  }

  /** What has not been answered by now will not be. */
  end(question: Question): void {
    for (const asked of this.#asked) if (asked === question) this.#asked.delete(asked);
  }

  /** A window of a point, whose detectors have just observed it. */
  observe(witness: Witness): void {
    const { observationPoint, window } = witness;
    const isRare = window.observed !== 'packets' && window.endMs - window.startMs > RARE_MS;
    this.#points.set(observationPoint, isRare ? keep(witness, this.#points.get(observationPoint)) : null);
    const unanswered = [...this.#asked].filter(({ answers }) => !answers.has(observationPoint));
    for (const question of unanswered.slice(0, MAX_ANSWERS_A_WINDOW)) {
      this.#answer(question, witness);
      this.#settle(question);
    }
  }

  #answer({ tenant, detector, answers }: Question, { observationPoint, window, detectors, standingOf }: Witness): void {
    const asked = detectors.filter(({ id }) => detector === null || id === detector);
    const readings = asked.flatMap((each) => each.explain(window, tenant));
    const { observed, endMs, onlySees } = window;
    answers.set(observationPoint, {
      observationPoint,
      observed,
      endMs,
      trust: trust(window),
      onlySees,
      readings: readings.map((reading) => ({ ...reading, ...standingOf(tenant, reading) })),
    });
  }

  #settle(question: Asked): void {
    if (this.#points.size === 0 || question.answers.size < this.#points.size) return;
    this.#asked.delete(question);
    question.settle();
  }
}

/** With the window in memory of its own, that of the window before where there is one. */
function keep(witness: Witness, before: Witness | null | undefined): Witness {
  const { shape, memory } = witness.window;
  const window = before?.window ?? new Window(shape);
  new Uint8Array(window.memory).set(new Uint8Array(memory, 0, window.memory.byteLength));
  return { ...witness, window };
}
