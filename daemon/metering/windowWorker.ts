/** The main thread's side of a worker that meters: takes its windows, and starts it anew when it dies. */
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Window, type WindowShape } from './window.ts';
import { CONTROL_STOP, CONTROL_WINDOWS, WINDOW_FREE, type WindowMemory, type WorkerOutput } from './workerProtocol.ts';

const FIRST_RESTART_MS = 250;
const LONGEST_RESTART_MS = 10_000;
/** After that time without dying, a worker is started again at once. */
const STEADY_MS = 60_000;

export interface WindowWorkerOptions<Input extends object, Statistics> {
  /** The worker's module. */
  readonly script: URL;
  readonly shape: WindowShape;
  /** How many windows there are to be metered, handed over, or waiting. */
  readonly windows: number;
  /** What the worker is started with, beside its WindowMemory; asked for at every start. */
  input(isRestart: boolean): Input;
  onRunning(): void;
  /** The window is valid only during the call. */
  onWindow(window: Window, statistics: Statistics): void;
  /** Of a worker that tells them between its windows, too. */
  onStatistics?(statistics: Statistics): void;
  /** It died while it ran, and is started again. */
  onDeath(reason: string): void;
}

export class WindowWorker<Input extends object, Statistics> {
  readonly #options: WindowWorkerOptions<Input, Statistics>;
  readonly #control: Int32Array;
  readonly #memory: WindowMemory;
  readonly #windows: readonly Window[];
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #delayMs = FIRST_RESTART_MS;
  #stopping = false;
  #hasRun = false;
  #restarts = 0;

  constructor(options: WindowWorkerOptions<Input, Statistics>) {
    const { shape } = options;
    const windows = Array.from({ length: options.windows }, () => new SharedArrayBuffer(Window.byteLength(shape)));
    const control = new SharedArrayBuffer((CONTROL_WINDOWS + windows.length) * 4);
    this.#options = options;
    this.#control = new Int32Array(control);
    this.#windows = windows.map((memory) => new Window(shape, memory));
    this.#memory = { shape, windows, control };
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Resolves once the worker runs; rejects, with its one clear line, when it cannot. */
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

  #launch(onRunning: () => void = () => {}, onFailure: (reason: Error) => void = () => {}): void {
    const workerData = { ...this.#options.input(this.#restarts > 0), memory: this.#memory };
    this.#windows.forEach((_, i) => Atomics.store(this.#control, CONTROL_WINDOWS + i, WINDOW_FREE));
    const worker = new Worker(this.#options.script, { workerData });
    let failure = 'it ended';
    worker.on('message', (output: WorkerOutput<Statistics>) => {
      if (output.kind === 'running') {
        this.#hasRun = true;
        this.#options.onRunning();
        onRunning();
      } else if (output.kind === 'failed') failure = output.message;
      else if (output.kind === 'statistics') this.#options.onStatistics?.(output.statistics);
      else this.#take(output.index, output.statistics);
    });
    worker.on('error', (error: unknown) => (failure = inspect(error)));
    worker.on('exit', () => {
      this.#worker = null;
      onFailure(new Error(failure));
      if (!this.#stopping && this.#hasRun) this.#restart(failure);
    });
    this.#worker = worker;
    this.#startedMs = performance.now();
  }

  #take(index: number, statistics: Statistics): void {
    const window = this.#windows[index];
    if (window === undefined || this.#stopping) return;
    this.#options.onWindow(window, statistics);
    Atomics.store(this.#control, CONTROL_WINDOWS + index, WINDOW_FREE);
  }

  /** With a growing delay, so that a worker that cannot live does not take the host's time. */
  #restart(reason: string): void {
    this.#restarts += 1;
    this.#options.onDeath(reason);
    if (performance.now() - this.#startedMs > STEADY_MS) this.#delayMs = FIRST_RESTART_MS;
    this.#timer = setTimeout(() => this.#launch(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_RESTART_MS);
  }
}
