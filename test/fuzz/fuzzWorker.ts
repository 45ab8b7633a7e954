/**
 * Fuzzes one target: mutates a member of the corpus many times, runs all of that, and asks V8 whether new blocks of our
 * code have run; the mutants that reached them join the corpus. Tells its parent of what it found.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { randomFrom } from '../support/random.ts';
import { Coverage } from './coverage.ts';
import { mutate } from './mutate.ts';
import { TARGETS, type Target } from './targets.ts';

export interface FuzzInput {
  readonly target: string;
  readonly seconds: number;
  readonly seed: number;
  /** The batch and the run in it that are under way, for who must say what hangs. */
  readonly progress: Int32Array;
}

export interface Finding {
  readonly what: string;
  /** Base64. */
  readonly input: string;
}

export interface FuzzReport {
  readonly runs: number;
  readonly batches: number;
  readonly corpus: number;
  readonly blocks: number;
  readonly slowestMs: number;
  readonly findings: readonly Finding[];
  readonly heapMiB: number;
}

const BATCH = 2000;
const MOST_INPUTS = 2000;
const MOST_FINDINGS = 20;
/** A machine that has other things to do is not the input's fault: of so many runs one must be fast. */
const MOST_RERUNS = 200;
const REPORT_EVERY_MS = 10_000;

class Fuzzer {
  readonly #target: Target;
  readonly #random: () => number;
  readonly #progress: Int32Array;
  readonly #coverage: Coverage;
  readonly #corpus: Uint8Array[];
  readonly #findings = new Map<string, Finding>();
  #runs = 0;
  #batches = 0;
  #slowestMs = 0;

  constructor({ target, seed, progress }: FuzzInput) {
    const make = TARGETS[target];
    if (make === undefined) throw new Error(`Cannot fuzz ${target}: not one of ${Object.keys(TARGETS).join(', ')}`);
    this.#target = make();
    this.#random = randomFrom(seed);
    this.#progress = progress;
    this.#corpus = this.#target.seeds();
    this.#coverage = new Coverage((url) => url.includes(this.#target.source));
    for (const input of this.#corpus) this.#run(input);
    this.#coverage.take();
  }

  report(): FuzzReport {
    return {
      runs: this.#runs,
      batches: this.#batches,
      corpus: this.#corpus.length,
      blocks: this.#coverage.blocks,
      slowestMs: this.#slowestMs,
      findings: [...this.#findings.values()],
      heapMiB: process.memoryUsage().heapUsed / 2 ** 20,
    };
  }

  batch(): void {
    this.#batches += 1;
    const parent = this.#pick();
    const mutants = Array.from({ length: BATCH }, () => mutate(parent, this.#pick(), this.#random));
    this.#target.reset();
    // Templates of a real exporter, so that its data means something.
    this.#run(this.#pick());
    this.#run(parent);
    this.#runAll(mutants);
    if (this.#coverage.take() > 0) this.#keep(mutants);
  }

  /** Which of them were new ground is not known: those stay that are on new ground once more, in smaller groups. */
  #keep(mutants: readonly Uint8Array[]): void {
    const [first] = mutants;
    if (first === undefined || this.#corpus.length >= MOST_INPUTS) return;
    // Any of a batch that went where none had been is worth more than its parent; one of them, by chance.
    this.#corpus.push(mutants[this.#random() % mutants.length] ?? first);
    for (let i = 0; i < mutants.length; i += BATCH / 20) {
      this.#runAll(mutants.slice(i, i + BATCH / 20));
      if (this.#coverage.take() > 0 && this.#corpus.length < MOST_INPUTS)
        this.#corpus.push(mutants[i + (this.#random() % (BATCH / 20))] ?? first);
    }
  }

  #runAll(inputs: readonly Uint8Array[]): void {
    inputs.forEach((input, i) => {
      Atomics.store(this.#progress, 0, this.#batches);
      Atomics.store(this.#progress, 1, i);
      this.#run(input);
    });
  }

  #run(input: Uint8Array): void {
    this.#runs += 1;
    const ms = this.#time(input);
    if (ms > this.#target.slowMs) this.#judgeSlow(input);
  }

  #time(input: Uint8Array): number {
    const startMs = performance.now();
    try {
      this.#target.run(input);
    } catch (error) {
      this.#find(error instanceof Error ? (error.stack ?? error.message) : String(error), input);
    }
    return performance.now() - startMs;
  }

  #judgeSlow(input: Uint8Array): void {
    let fastest = Number.POSITIVE_INFINITY;
    const { slowMs } = this.#target;
    for (let i = 0; i < MOST_RERUNS && fastest > slowMs; i++) fastest = Math.min(fastest, this.#time(input));
    this.#slowestMs = Math.max(this.#slowestMs, fastest);
    if (fastest > slowMs) this.#find(`slow: more than ${slowMs} ms`, input);
  }

  /** One for each place in the code: messages differ. */
  #find(what: string, input: Uint8Array): void {
    const [message = '', ...frames] = what.split('\n    at ');
    const place = frames.length === 0 ? message : frames.join(' < ');
    if (this.#findings.size < MOST_FINDINGS && !this.#findings.has(place))
      this.#findings.set(place, {
        what: `${message} at ${frames[0] ?? '-'}`,
        input: Buffer.from(input).toString('base64'),
      });
  }

  #pick(): Uint8Array {
    return this.#corpus[this.#random() % this.#corpus.length] ?? new Uint8Array(0);
  }
}

const port = parentPort;
if (port !== null) {
  const tell = (isLast: boolean): void => port.postMessage({ ...fuzzer.report(), isLast });
  const input: FuzzInput = workerData;
  const fuzzer = new Fuzzer(input);
  const endMs = performance.now() + input.seconds * 1000;
  let reportedMs = performance.now();
  while (performance.now() < endMs) {
    fuzzer.batch();
    if (performance.now() - reportedMs < REPORT_EVERY_MS) continue;
    reportedMs = performance.now();
    tell(false);
  }
  tell(true);
}
