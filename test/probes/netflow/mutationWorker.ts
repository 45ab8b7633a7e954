/**
 * Decodes mutations of datagrams, each behind the templates of those that it belongs to; one worker of several, which
 * take the datagrams in turn. Tells its parent of each: what was thrown, and what took longer than a millisecond.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { FlowDecoder } from '../../../probes/netflow/flowDecoder.ts';
import { MAX_RECORDS } from '../../../probes/netflow/message.ts';
import { FlowCheck } from '../../fuzz/flowCheck.ts';
import { Mutator } from './mutator.ts';

export interface MutationJob {
  readonly name: string;
  readonly datagram: Uint8Array;
  /** What the decoder has had before. */
  readonly before: readonly Uint8Array[];
}

export interface MutationInput {
  /** The number of the job that nobody has taken yet. */
  readonly next: Int32Array;
  readonly jobs: readonly MutationJob[];
  readonly mutations: number;
}

export interface MutationReport {
  readonly name: string;
  /** What came out of all mutations: if next to nothing does, the mutations are no good. */
  readonly records: number;
  readonly problems: readonly string[];
}

const BATCH = 64;
/** Then the decoder begins anew: what mutated templates and domains it has kept is enough. */
const DECODER_MUTATIONS = 16_384;
const SLOW_MS = 1;
/** A pause of the machine, or the collection of garbage, is not the datagram's fault: of so many runs one must be fast. */
const MOST_RERUNS = 200;
const MOST_PROBLEMS = 3;
const EXPORTER = '192.0.2.1';
const NOW = 1_700_000_000_000;

class MutationRun {
  readonly #job: MutationJob;
  readonly #mutator: Mutator;
  readonly #check = new FlowCheck();
  readonly #problems: string[] = [];
  #decoder = new FlowDecoder(this.#check);
  /** Every other decoder has everything over TCP, where templates can be withdrawn. */
  #session = 0;
  #records = 0;

  constructor(job: MutationJob, seed: number) {
    this.#job = job;
    this.#mutator = new Mutator(job.datagram, seed);
  }

  run(mutations: number): MutationReport {
    for (let done = 0; done < mutations; done += BATCH) {
      if (done % DECODER_MUTATIONS === 0) this.#begin(done);
      this.#feed();
      const { state } = this.#mutator;
      const startMs = performance.now();
      for (let i = 0; i < BATCH; i++) this.#decodeOne();
      if (performance.now() - startMs > SLOW_MS) this.#judge(state);
    }
    return { name: this.#job.name, records: this.#records, problems: this.#problems };
  }

  #begin(done: number): void {
    this.#decoder = new FlowDecoder(this.#check);
    this.#session = (done / DECODER_MUTATIONS) & 1;
  }

  /** The templates as they should be, after all that became of them. */
  #feed(): void {
    for (const bytes of this.#job.before) this.#decoder.decode(EXPORTER, bytes, 0, bytes.length, NOW, this.#session);
  }

  #decodeOne(): void {
    const { bytes } = this.#mutator;
    const length = this.#mutator.mutate();
    this.#check.records = 0;
    try {
      this.#decoder.decode(EXPORTER, bytes, 0, length, NOW, this.#session);
      // A record can tell of both directions; a sample has one at most.
      if (this.#check.records > 2 * MAX_RECORDS) throw new RangeError(`${this.#check.records} records`);
    } catch (error) {
      this.#report(error instanceof Error ? (error.stack ?? error.message) : String(error), length);
    }
    this.#records += this.#check.records;
    this.#mutator.undo();
  }

  /** Decodes a batch again, with a decoder that knows the templates only. */
  #judge(state: number): void {
    const fastestMs = new Float64Array(BATCH).fill(Number.POSITIVE_INFINITY);
    let slowestMs = Number.POSITIVE_INFINITY;
    for (let rerun = 0; rerun < MOST_RERUNS && slowestMs > SLOW_MS; rerun++) {
      this.#decoder = new FlowDecoder(this.#check);
      this.#feed();
      this.#mutator.state = state;
      for (let i = 0; i < BATCH; i++) {
        const startMs = performance.now();
        this.#decodeOne();
        fastestMs[i] = Math.min(fastestMs[i]!, performance.now() - startMs);
      }
      slowestMs = Math.max(...fastestMs);
    }
    if (slowestMs > SLOW_MS)
      this.#tell(`${slowestMs.toFixed(2)} ms: mutation ${fastestMs.indexOf(slowestMs)} of the state ${state}`);
  }

  #report(what: string, length: number): void {
    this.#tell(`${what}: ${Buffer.from(this.#mutator.bytes.subarray(0, length)).toString('hex')}`);
  }

  #tell(problem: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(problem);
  }
}

const port = parentPort;
if (port !== null) {
  const { next, jobs, mutations }: MutationInput = workerData;
  for (let i = Atomics.add(next, 0, 1); i < jobs.length; i = Atomics.add(next, 0, 1)) {
    const job = jobs[i];
    if (job !== undefined) port.postMessage(new MutationRun(job, i + 1).run(mutations));
  }
}
