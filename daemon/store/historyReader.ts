/** Asks the store's past without waiting on the main thread: a thread of its own reads the file. Bounded in number and time. */
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Milliseconds } from '../../probes/probe.ts';
import type { Component } from '../components.ts';
import type { HistoryAnswers, HistoryQuestions, Kind } from './historyQuestions.ts';

const MAX_WAITING = 64;
const PATIENCE_MS = 3000;
/** A page of incidents is 2 MB at most; what is left over from answers must not pile up. */
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/** The past cannot be read now: its message says why, for a person. */
export class HistoryUnavailable extends Error {}

export interface HistoryReaderOptions {
  readonly path: string;
  /** Another thread's, in tests. */
  readonly script?: URL;
  readonly patienceMs?: Milliseconds;
}

interface Waiting {
  resolve(answer: never): void;
  fail(reason: string): void;
}

/** A HistoryReply: the answer is of the kind that was asked for under its number. */
type Arrived =
  | { readonly number: number; readonly answer: never }
  | { readonly number: number; readonly failure: string };

export class HistoryReader implements Component {
  readonly name = 'history';
  readonly #options: HistoryReaderOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #number = 0;

  constructor(options: HistoryReaderOptions) {
    this.#options = options;
  }

  /** So that the first question need not wait for the thread. */
  async start(): Promise<void> {
    this.#worker ??= this.#launch();
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }

  /** Rejects with HistoryUnavailable alone. */
  async ask<K extends Kind>(kind: K, question: HistoryQuestions[K]): Promise<HistoryAnswers[K]> {
    if (this.#waiting.size >= MAX_WAITING) throw new HistoryUnavailable('too many ask at once');
    const number = ++this.#number;
    const { promise, resolve, reject } = Promise.withResolvers<HistoryAnswers[K]>();
    const fail = (reason: string): void => reject(new HistoryUnavailable(reason));
    const { patienceMs = PATIENCE_MS } = this.#options;
    const timer = setTimeout(fail, patienceMs, 'the store does not answer, is the disk slow?');
    this.#waiting.set(number, { resolve, fail });
    this.#worker ??= this.#launch();
    this.#worker.postMessage({ number, kind, question }, []);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(number);
    });
  }

  #launch(): Worker {
    const { path, script = new URL('historyWorker.ts', import.meta.url) } = this.#options;
    const worker = new Worker(script, { workerData: { path }, resourceLimits: HEAP });
    let failure = 'it ended';
    worker.on('message', (reply: Arrived) => {
      const waiting = this.#waiting.get(reply.number);
      if ('failure' in reply) waiting?.fail(reply.failure);
      else waiting?.resolve(reply.answer);
    });
    worker.on('error', (error: unknown) => (failure = inspect(error)));
    worker.on('exit', () => {
      this.#worker = null;
      for (const waiting of this.#waiting.values()) waiting.fail(`the thread that reads the store: ${failure}`);
    });
    return worker;
  }
}
