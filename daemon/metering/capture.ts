/** The main thread's side of one capture worker: takes its windows, and starts it anew when it dies. */
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { ProbeState, ProbeStatistics } from '../../probes/probe.ts';
import type { RingOptions } from '../../probes/ring/ringOptions.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { Window, type WindowShape } from './window.ts';
import { CONTROL_STOP, CONTROL_WINDOWS, WINDOW_FREE, type WorkerInput, type WorkerOutput } from './workerProtocol.ts';

/** One is metered, one is looked at; two more for a main thread that is late by half a second. */
const WINDOWS = 4;
const FIRST_RESTART_MS = 250;
const LONGEST_RESTART_MS = 10_000;
/** After that time without dying, a worker is started again at once. */
const STEADY_MS = 60_000;

export interface CaptureOptions {
  readonly ring: RingOptions;
  readonly tenants: readonly Tenant[];
  readonly shape: WindowShape;
  readonly hashSeed: number;
  /** The window is valid only during the call; the statistics are those since start(), over all workers. */
  onWindow(window: Window, statistics: ProbeStatistics): void;
  onDeath(reason: string): void;
}

type Counts = Omit<ProbeStatistics, 'state'>;

export class Capture {
  readonly #options: CaptureOptions;
  readonly #control: Int32Array;
  readonly #input: WorkerInput;
  readonly #windows: readonly Window[];
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #delayMs = FIRST_RESTART_MS;
  #stopping = false;
  #restarts = 0;
  /** Of the workers that have died, and of all: each counts from its own start. */
  #earlier: Counts = { received: 0, dropped: 0, reattached: 0 };
  #total: Counts = this.#earlier;
  #state: ProbeState | 'starting' | 'dead' = 'starting';

  constructor(options: CaptureOptions) {
    const { ring, tenants, shape, hashSeed } = options;
    const windows = Array.from({ length: WINDOWS }, () => new SharedArrayBuffer(Window.byteLength(shape)));
    const control = new SharedArrayBuffer((CONTROL_WINDOWS + WINDOWS) * 4);
    this.#options = options;
    this.#control = new Int32Array(control);
    this.#windows = windows.map((memory) => new Window(shape, memory));
    this.#input = { ring, tenants, shape, hashSeed, windows, control };
  }

  get state(): ProbeState | 'starting' | 'dead' {
    return this.#state;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Resolves once packets are captured; rejects, with the probe's one clear line, when they cannot be. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#launch(resolve, reject));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker === null) return;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    Atomics.store(this.#control, CONTROL_STOP, 1);
    const timer = setTimeout(() => void worker.terminate(), 1000);
    await exited;
    clearTimeout(timer);
  }

  #launch(onCapturing: () => void = () => {}, onFailure: (reason: Error) => void = () => {}): void {
    const isRestart = this.#restarts > 0;
    const workerData = isRestart
      ? { ...this.#input, ring: { ...this.#input.ring, waitForInterface: true } }
      : this.#input;
    this.#windows.forEach((_, i) => Atomics.store(this.#control, CONTROL_WINDOWS + i, WINDOW_FREE));
    const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData });
    let failure = 'it ended';
    worker.on('message', (output: WorkerOutput) => {
      if (output.kind === 'capturing') {
        this.#state = 'up';
        onCapturing();
      } else if (output.kind === 'failed') failure = output.message;
      else this.#take(output.index, output.statistics);
    });
    worker.on('error', (error: unknown) => (failure = inspect(error)));
    worker.on('exit', () => {
      this.#worker = null;
      onFailure(new Error(failure));
      if (!this.#stopping && this.#state !== 'starting') this.#restart(failure);
    });
    this.#worker = worker;
    this.#startedMs = performance.now();
  }

  #take(index: number, statistics: ProbeStatistics): void {
    const window = this.#windows[index];
    if (window === undefined || this.#stopping) return;
    const { state } = statistics;
    this.#state = state;
    this.#total = add(this.#earlier, statistics);
    this.#options.onWindow(window, { ...this.#total, state });
    Atomics.store(this.#control, CONTROL_WINDOWS + index, WINDOW_FREE);
  }

  /** With a growing delay, so that a worker that cannot live does not take the host's time. */
  #restart(reason: string): void {
    this.#state = 'dead';
    this.#restarts += 1;
    this.#earlier = this.#total;
    this.#options.onDeath(reason);
    if (performance.now() - this.#startedMs > STEADY_MS) this.#delayMs = FIRST_RESTART_MS;
    this.#timer = setTimeout(() => this.#launch(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_RESTART_MS);
  }
}

const add = (a: Counts, b: Counts): Counts => ({
  received: a.received + b.received,
  dropped: a.dropped === null || b.dropped === null ? null : a.dropped + b.dropped,
  reattached: a.reattached + b.reattached,
});
