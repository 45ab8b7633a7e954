/** The store's thread: the only one that waits for the disk. Writes batches, and between them sums up and removes. */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Milliseconds } from '../../probes/probe.ts';
import { isCorrupt, isRefused, moveAside, openDatabase, reasonOf } from './database.ts';
import { Expiry } from './expiry.ts';
import { readRemembered } from './remembered.ts';
import { rollUpSlice } from './rollUp.ts';
import type { FileSize, StoreAnswer, StoreInput, StoreRequest } from './storeProtocol.ts';
import { Writer } from './writer.ts';

interface OpenFile {
  readonly database: DatabaseSync;
  readonly writer: Writer;
}

class StoreThread {
  readonly #input: StoreInput;
  readonly #expiry: Expiry;
  #open: OpenFile | null = null;
  /** Where a corrupt file went since the last answer. */
  #movedTo: string | null = null;
  #tidying: NodeJS.Immediate | undefined;
  /** What went wrong between two requests. */
  #tidyFailure: unknown = null;

  constructor(input: StoreInput) {
    this.#input = input;
    this.#expiry = new Expiry(input);
  }

  /** One that failed leaves the file closed: the next request opens it again. */
  answer(request: StoreRequest): StoreAnswer {
    clearImmediate(this.#tidying);
    try {
      return this.#serve(request);
    } catch (error) {
      this.#close();
      return { kind: 'failed', reason: reasonOf(error, this.#input.path), isRefused: isRefused(error) };
    }
  }

  #serve(request: StoreRequest): StoreAnswer {
    if (request.kind === 'close') {
      this.#close();
      return { kind: 'closed' };
    }
    const { nowMs } = request;
    if (request.kind === 'open') {
      const remembered = this.#use(nowMs, ({ database }) => readRemembered(database));
      return { kind: 'opened', remembered, ...this.#news() };
    }
    this.#use(nowMs, ({ writer }) => writer.write(request.batch));
    this.#tidy(nowMs);
    return { kind: 'written', ...this.#news() };
  }

  /** Where the file turns out to be corrupt a new one is used instead. */
  #use<Result>(nowMs: Milliseconds, work: (open: OpenFile) => Result): Result {
    try {
      this.#throwTidyFailure();
      return work(this.#opened);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      this.#close();
      this.#movedTo = moveAside(this.#input.path, nowMs);
      return work(this.#opened);
    }
  }

  get #opened(): OpenFile {
    if (this.#open !== null) return this.#open;
    const database = openDatabase(this.#input.path);
    this.#open = { database, writer: new Writer(database, this.#input.tenantIds) };
    return this.#open;
  }

  #close(): void {
    clearImmediate(this.#tidying);
    const open = this.#open;
    this.#open = null;
    open?.database.close();
  }

  /** A slice at a time: a request that comes goes first. */
  #tidy(nowMs: Milliseconds): void {
    this.#tidying = setImmediate(() => {
      if (this.#open === null) return;
      const { database } = this.#open;
      try {
        if (rollUpSlice(database, nowMs) || this.#expiry.slice(database, nowMs)) this.#tidy(nowMs);
      } catch (error) {
        this.#tidyFailure = error;
      }
    });
  }

  #throwTidyFailure(): void {
    const failure = this.#tidyFailure;
    this.#tidyFailure = null;
    if (failure !== null) throw failure;
  }

  #news(): { movedTo: string | null; size: FileSize } {
    const movedTo = this.#movedTo;
    this.#movedTo = null;
    const { path } = this.#input;
    return { movedTo, size: { bytes: sizeOf(path), walBytes: sizeOf(`${path}-wal`) } };
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

const port = parentPort;
if (port !== null) {
  const input: StoreInput = workerData;
  const thread = new StoreThread(input);
  port.on('message', (request: StoreRequest) => {
    port.postMessage(thread.answer(request));
    if (request.kind === 'close') port.close();
  });
}
