/** The store, seen from the main thread, which never waits for the disk: a queue of writes, and the thread that writes them. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Milliseconds } from '../../probes/probe.ts';
import type { LimitEnd, LimitStore, SavedLimit } from '../enforcement/limitStore.ts';
import { within } from '../within.ts';
import type { FileSize, Remembered, StoreAnswer, StoreInput, StoreRequest } from './storeProtocol.ts';
import type { Batch } from './writer.ts';
import { WriteQueue } from './writeQueue.ts';
import type { Write } from './writes.ts';

/** Some 20 minutes of 1,000 tenants, all of them busy. */
const MAX_QUEUE_BYTES = 2 ** 26;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/**
 * So long the daemon waits for what it remembers before it begins to watch. Opening a file that is there needs no fsync, so
 * that even a slow disk gives it at once; a new one needs several, and has nothing to remember.
 */
const START_WITHIN_MS = 10_000;
/** So long it waits for what is still to be written when it stops; a disk that takes longer is called slow. */
const PATIENCE_MS = 5000;

export interface StoreOptions extends StoreInput {
  /** What has gone wrong, or happened to the file: a sentence for an operator. Told every time. */
  onProblem(problem: string): void;
  /** Another thread's, in tests. */
  readonly script?: URL;
  readonly maxQueueBytes?: number;
  readonly firstRetryMs?: Milliseconds;
}

export interface StoreState {
  readonly path: string;
  /** `stalled`: the disk has not answered for seconds. */
  readonly state: 'opening' | 'ok' | 'stalled' | 'failing';
  /** The reason of the last failure, also once it is well again; null: there was none. */
  readonly lastError: string | null;
  readonly lastWrittenMs: Milliseconds | null;
  readonly batches: number;
  readonly failures: number;
  /** Writes that are not known to be written. */
  readonly waiting: number;
  /** Writes that were given up: too many were waiting, or they were refused. */
  readonly dropped: number;
  /** null: not known yet. */
  readonly size: FileSize | null;
}

interface Asked {
  readonly request: StoreRequest;
  readonly sinceMs: number;
  /** null: the thread ended. */
  readonly answer: Promise<StoreAnswer | null>;
  settle(answer: StoreAnswer | null): void;
}

const NOTHING: Remembered = { open: [], closed: [], limits: [], memories: [] };

/** Where the policy's memory lies among those of the detectors: no observation point has this name, no detector that id. */
const POLICY = { point: '.', detector: 'enforcement' };
const isOfPolicy = ({ point, detector }: Remembered['memories'][number]): boolean =>
  point === POLICY.point && detector === POLICY.detector;

export class Store implements LimitStore {
  readonly #options: StoreOptions;
  readonly #queue: WriteQueue;
  readonly #runId = randomUUID();
  #worker: Worker | null = null;
  /** What the thread has not answered yet: one thing at a time. */
  #asked: Asked | null = null;
  /** Taken from the queue, and not known to be written. */
  #batch: Batch | null = null;
  #batchNumber = 0;
  #retryMs: Milliseconds;
  #retryAtMs = -Infinity;
  #stopping = false;
  #limits: readonly SavedLimit[] = [];
  #policy: string | null = null;
  #isOpen = false;
  #lastError: string | null = null;
  #lastWrittenMs: Milliseconds | null = null;
  #batches = 0;
  #failures = 0;
  #refused = 0;
  #size: FileSize | null = null;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#queue = new WriteQueue(options.maxQueueBytes ?? MAX_QUEUE_BYTES);
    this.#retryMs = options.firstRetryMs ?? FIRST_RETRY_MS;
  }

  /** What the last run left; nothing where the file cannot be read, or not in time. Never rejects. */
  async start(nowMs: Milliseconds): Promise<Remembered> {
    const isNew = !existsSync(this.#options.path);
    const opening = this.#ask({ kind: 'open', nowMs });
    if (isNew) return NOTHING;
    const answer = await within(START_WITHIN_MS, opening);
    if (answer === null) this.#tellStall('starting without what it remembers');
    const remembered = answer?.kind === 'opened' ? answer.remembered : NOTHING;
    this.#limits = remembered.limits;
    this.#policy = remembered.memories.find(isOfPolicy)?.state ?? null;
    return remembered;
  }

  load(): readonly SavedLimit[] {
    return this.#limits;
  }

  loadMemory(): string | null {
    return this.#policy;
  }

  saveMemory(state: string, atMs: Milliseconds): void {
    this.put({ kind: 'memory', ...POLICY, savedMs: atMs, state });
  }

  save(standing: readonly SavedLimit[], atMs: Milliseconds): void {
    this.put({ kind: 'limits', standing, atMs });
  }

  end(limit: SavedLimit, end: LimitEnd): void {
    this.put({ kind: 'limitEnd', limit, end });
  }

  put(write: Write): void {
    this.#queue.put(write);
  }

  /** Hands over what waits, unless the thread is at work; to be called several times a second. */
  tick(nowMs: Milliseconds): void {
    if (this.#stopping) return;
    if (this.#isStalled) this.#tellStall('what is to be written waits');
    if (this.#asked !== null || performance.now() < this.#retryAtMs) return;
    const batch = this.#nextBatch();
    if (batch !== null) void this.#ask({ kind: 'write', batch, nowMs });
  }

  /** Writes what waits, or gives it up where that takes too long; once. */
  async stop(nowMs: Milliseconds): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const closed = await within(PATIENCE_MS, this.#writeRest(nowMs));
    if (closed === null) this.#tellStall('what was to be written last is lost');
    await this.#worker?.terminate();
  }

  get state(): StoreState {
    return {
      path: this.#options.path,
      state: this.#word,
      lastError: this.#lastError,
      lastWrittenMs: this.#lastWrittenMs,
      batches: this.#batches,
      failures: this.#failures,
      waiting: this.#queue.length + (this.#batch?.writes.length ?? 0),
      dropped: this.#queue.dropped + this.#refused,
      size: this.#size,
    };
  }

  get #word(): StoreState['state'] {
    if (this.#isStalled) return 'stalled';
    if (this.#isOpen) return 'ok';
    return this.#failures === 0 ? 'opening' : 'failing';
  }

  get #isStalled(): boolean {
    return this.#asked !== null && performance.now() - this.#asked.sinceMs > PATIENCE_MS;
  }

  async #writeRest(nowMs: Milliseconds): Promise<true> {
    await this.#asked?.answer;
    const batch = this.#nextBatch();
    if (batch !== null) await this.#ask({ kind: 'write', batch, nowMs });
    await this.#ask({ kind: 'close' });
    return true;
  }

  /** What was not written goes first, as it was. */
  #nextBatch(): Batch | null {
    if (this.#batch === null && this.#queue.length > 0)
      this.#batch = { id: `${this.#runId} ${++this.#batchNumber}`, writes: this.#queue.take() };
    return this.#batch;
  }

  #ask(request: StoreRequest): Promise<StoreAnswer | null> {
    const { promise, resolve } = Promise.withResolvers<StoreAnswer | null>();
    this.#asked = { request, sinceMs: performance.now(), answer: promise, settle: resolve };
    this.#worker ??= this.#launch();
    this.#worker.postMessage(request, []);
    return promise;
  }

  #launch(): Worker {
    const { path, keepMs, tenantIds, script = new URL('storeWorker.ts', import.meta.url) } = this.#options;
    const input: StoreInput = { path, keepMs, tenantIds };
    const worker = new Worker(script, { workerData: input });
    let failure = 'it ended';
    worker.on('message', (answer: StoreAnswer) => this.#take(answer));
    worker.on('error', (error: unknown) => (failure = inspect(error)));
    worker.on('exit', () => {
      this.#worker = null;
      if (this.#asked !== null) this.#fail(`Cannot use the store ${path}: its thread ended: ${failure}`, null);
    });
    return worker;
  }

  #take(answer: StoreAnswer): void {
    if (answer.kind === 'failed') {
      if (answer.isRefused) this.#giveUpBatch();
      this.#fail(answer.reason, answer);
      return;
    }
    const asked = this.#asked;
    this.#asked = null;
    if (answer.kind !== 'closed') {
      this.#isOpen = true;
      this.#retryMs = this.#options.firstRetryMs ?? FIRST_RETRY_MS;
      this.#size = answer.size;
      if (answer.movedTo !== null)
        this.#options.onProblem(
          `The store ${this.#options.path} was corrupt: moved to ${answer.movedTo}, a new one is begun`,
        );
    }
    if (answer.kind === 'written' && asked?.request.kind === 'write') {
      this.#batch = null;
      this.#batches += 1;
      this.#lastWrittenMs = asked.request.nowMs;
    }
    asked?.settle(answer);
  }

  #giveUpBatch(): void {
    this.#refused += this.#batch?.writes.length ?? 0;
    this.#batch = null;
  }

  #fail(reason: string, answer: StoreAnswer | null): void {
    const asked = this.#asked;
    this.#asked = null;
    this.#isOpen = false;
    this.#failures += 1;
    this.#lastError = reason;
    this.#retryAtMs = performance.now() + this.#retryMs;
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    this.#options.onProblem(`${reason} (trying again)`);
    asked?.settle(answer);
  }

  #tellStall(consequence: string): void {
    this.#options.onProblem(`The store ${this.#options.path} does not answer, is the disk slow? (${consequence})`);
  }
}
