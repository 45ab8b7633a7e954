/** A process that runs on a host of the lab: its output so far, its end, and signals to it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

/** A flood's own report is short; a daemon that logs too much keeps its latest words. */
const KEPT_CHARACTERS = 2 ** 20;

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class LabProcess {
  /** Settles when the process has ended and its output is complete. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(namespace: string, command: readonly string[]) {
    this.#child = spawn('ip', ['netns', 'exec', namespace, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = this.#end();
    collect(this.#child.stdout, (text) => (this.#stdout = (this.#stdout + text).slice(-KEPT_CHARACTERS)));
    collect(this.#child.stderr, (text) => (this.#stderr = (this.#stderr + text).slice(-KEPT_CHARACTERS)));
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Of the command itself: `ip netns exec` becomes it. */
  get pid(): number {
    return this.#child.pid ?? assert.fail('it was not started');
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Copies what it has printed and what it will print. */
  echo(to: NodeJS.WritableStream): void {
    to.write(this.#stderr + this.#stdout);
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.pipe(to, { end: false });
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#child.kill(signal);
  }

  /** Signals it, and waits for its end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProcessEnd> {
    this.kill(signal);
    return this.ended;
  }

  async #end(): Promise<ProcessEnd> {
    await once(this.#child, 'close');
    return { code: this.#child.exitCode, signal: this.#child.signalCode };
  }
}

function collect(stream: Readable | null, keep: (text: string) => void): void {
  stream?.setEncoding('utf8').on('data', keep);
}
