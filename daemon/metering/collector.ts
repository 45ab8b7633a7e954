/** The flow collector's worker, seen from the main thread: its state, and what it last said of itself. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { CollectorInput, CollectorReport } from './collectorProtocol.ts';
import { flowLagMs, OPEN_WINDOWS } from './flowWindows.ts';
import type { Window } from './window.ts';
import { WindowWorker } from './windowWorker.ts';

/** Handed over, or free while the main thread is late. */
const SPARE_WINDOWS = 4;
/** Smaller than a capture's, for there are so many of them: 1.9 MB each, 34 MB in all, and 0.25 KB a tenant each. */
const TABLES = { targetBits: 13, sourceBits: 13, details: 256, pairBits: 12 } as const;

export interface CollectorOptions {
  /** What the worker is started with; `templates` are those of the last run. */
  readonly input: CollectorInput;
  /** The window is valid only during the call. */
  onWindow(window: Window): void;
  /** About every second. */
  onReport(report: CollectorReport): void;
  onDeath(reason: string): void;
}

export class Collector {
  readonly windowMs: Milliseconds;
  /** How long after its end a window comes. */
  readonly lagMs: Milliseconds;
  readonly #worker: WindowWorker<CollectorInput, CollectorReport>;
  readonly #options: CollectorOptions;
  #templates: unknown;
  #state: 'starting' | 'up' | 'dead' = 'starting';
  #report: CollectorReport | null = null;

  constructor(options: CollectorOptions) {
    const { input } = options;
    this.#options = options;
    this.#templates = input.templates;
    this.windowMs = input.windowMs;
    this.lagMs = flowLagMs(input.windowMs);
    this.#worker = new WindowWorker({
      script: new URL('collectorWorker.ts', import.meta.url),
      shape: { observed: 'flows', tenants: input.tenants.length, ...TABLES },
      windows: OPEN_WINDOWS + SPARE_WINDOWS,
      input: () => ({ ...input, templates: this.#templates }),
      onRunning: () => (this.#state = 'up'),
      onWindow: (window) => options.onWindow(window),
      onStatistics: (report) => this.#take(report),
      onDeath: (reason) => this.#bury(reason),
    });
  }

  get state(): 'starting' | 'up' | 'dead' {
    return this.#state;
  }

  get restarts(): number {
    return this.#worker.restarts;
  }

  /** What the worker last said of itself; null: nothing yet. */
  get report(): CollectorReport | null {
    return this.#report;
  }

  /** Resolves once it listens; rejects, with its one clear line, when it cannot. */
  start(): Promise<void> {
    return this.#worker.start();
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }

  #take(report: CollectorReport): void {
    this.#report = report;
    if (report.templates !== null) this.#templates = report.templates;
    this.#options.onReport(report);
  }

  #bury(reason: string): void {
    this.#state = 'dead';
    this.#options.onDeath(reason);
  }
}
