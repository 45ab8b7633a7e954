/** A thread that reads the store's file for who asks the API: it may wait for the disk, and the main thread does not. */
import { statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../messageOf.ts';
import { reasonOf } from './database.ts';
import { History } from './history.ts';
import { ANSWERS, type HistoryReply, type HistoryRequest, type Kind } from './historyQuestions.ts';

class Reader {
  readonly #path: string;
  #open: { readonly history: History; readonly inode: number } | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  reply<K extends Kind>({ number, kind, question }: HistoryRequest<K>): HistoryReply {
    try {
      return { number, answer: ANSWERS[kind](this.#history(), question) };
    } catch (error) {
      this.#close();
      const isTold = messageOf(error).startsWith('Cannot ');
      return { number, failure: isTold ? messageOf(error) : reasonOf(error, this.#path) };
    }
  }

  /** A corrupt file may have been moved aside, and a new one begun. */
  #history(): History {
    const inode = statSync(this.#path, { throwIfNoEntry: false })?.ino ?? 0;
    if (this.#open?.inode !== inode) this.#close();
    this.#open ??= { history: new History(this.#path), inode };
    return this.#open.history;
  }

  #close(): void {
    this.#open?.history.close();
    this.#open = null;
  }
}

const port = parentPort;
if (port !== null) {
  const { path }: { path: string } = workerData;
  const reader = new Reader(path);
  port.on('message', (request: HistoryRequest) => port.postMessage(reader.reply(request)));
}
