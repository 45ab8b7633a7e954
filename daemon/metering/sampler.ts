/** Asks for samples of CPU and memory on a slow timer, and makes windows of them; a round that hangs or fails is counted and left behind. */
import { messageOf } from '../messageOf.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import type { Sample, SampleProbe } from '../../probes/sample.ts';
import { ClockWatch, readClocks } from './clockWatch.ts';
import { meterSamples } from './sampleMeter.ts';
import { sampleShape, Window } from './window.ts';

/** A round of 1,000 tenants takes some 100 ms; a file of a hung file system is never read. */
export const ROUND_TIMEOUT_MS = 10_000;
/** Each may hold one of the four threads that Node.js reads files with. */
const MAX_HUNG_ROUNDS = 2;
const MAX_REASON_LENGTH = 200;

export interface SamplerOptions {
  readonly probe: SampleProbe;
  readonly everyMs: Milliseconds;
  readonly timeoutMs?: Milliseconds;
  /** By tenant number - 1. */
  readonly tenantIds: readonly string[];
  /** The window spans the time since the sample before it, and is valid until the next one; null: there is no such sample. */
  onSample(sample: Sample, window: Window | null): void;
  onFailure(reason: string): void;
}

export interface SamplerState {
  /** The latest; null: none yet. */
  readonly sample: Sample | null;
  /** Made of the latest sample and the one before it; null: there is no such window. */
  readonly window: Window | null;
  readonly rounds: number;
  readonly failedRounds: number;
  /** Of the last round, if it failed. */
  readonly failure: string | null;
}

export class Sampler {
  readonly #options: SamplerOptions;
  readonly #numberOf: ReadonlyMap<string, number>;
  readonly #window: Window;
  readonly #clock = new ClockWatch();
  #state: SamplerState = { sample: null, window: null, rounds: 0, failedRounds: 0, failure: null };
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;
  #hung = 0;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#numberOf = new Map(options.tenantIds.map((id, i) => [id, i + 1]));
    this.#window = new Window(sampleShape(options.tenantIds.length));
  }

  get state(): SamplerState {
    return this.#state;
  }

  /** The first round begins at once, and is not waited for. */
  start(): void {
    this.#timer = setInterval(() => void this.#round(), this.#options.everyMs);
    void this.#round();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #round(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const sample = await this.#ask();
      if (this.#timer !== undefined) this.#take(sample);
    } catch (error) {
      if (this.#timer !== undefined) this.#fail(messageOf(error).slice(0, MAX_REASON_LENGTH));
    } finally {
      this.#isAsking = false;
    }
  }

  /** Rejects when the probe does, or gives no answer in time; then that answer is not waited for. */
  async #ask(): Promise<Sample> {
    const { timeoutMs = ROUND_TIMEOUT_MS } = this.#options;
    if (this.#hung >= MAX_HUNG_ROUNDS) throw new Error(`${this.#hung} earlier rounds still hang`);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    try {
      return await Promise.race([this.#answer(), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #answer(): Promise<Sample> {
    this.#hung += 1;
    try {
      return await this.#options.probe.sample();
    } finally {
      this.#hung -= 1;
    }
  }

  #take(sample: Sample): void {
    const { sample: before, rounds, failedRounds } = this.#state;
    const jumpMs = this.#clock.observe(readClocks());
    const spans = before !== null && jumpMs === 0 && sample.atMs > before.atMs;
    if (spans) meterSamples(this.#window, before, sample, this.#numberOf);
    const window = spans ? this.#window : null;
    this.#state = { sample, window, rounds: rounds + 1, failedRounds, failure: null };
    this.#options.onSample(sample, window);
  }

  #fail(failure: string): void {
    const { rounds, failedRounds } = this.#state;
    this.#state = { ...this.#state, rounds: rounds + 1, failedRounds: failedRounds + 1, failure };
    this.#options.onFailure(failure);
  }
}
