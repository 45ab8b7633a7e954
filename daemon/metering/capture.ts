/** One interface's capture worker: its state and its totals, over all restarts. */
import type { ProbeState, ProbeStatistics } from '../../probes/probe.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { type KeptFrame, KeptFrames } from './keptFrames.ts';
import type { Window, WindowShape } from './window.ts';
import { WindowWorker } from './windowWorker.ts';
import type { CaptureInput, ProbeInput } from './workerProtocol.ts';

/** One is metered, one is looked at; two more for a main thread that is late by half a second. */
const WINDOWS = 4;

export interface CaptureOptions {
  readonly probe: ProbeInput;
  readonly tenants: readonly Tenant[];
  /** The number of the tenant whose own port it is; 0: it faces the internet. */
  readonly portTenant: number;
  readonly shape: WindowShape;
  readonly hashSeed: number;
  /** The window is valid only during the call; the statistics are those since start(), over all workers. */
  onWindow(window: Window, statistics: ProbeStatistics): void;
  onDeath(reason: string): void;
}

type Counts = Omit<ProbeStatistics, 'state'>;

export class Capture {
  readonly #options: CaptureOptions;
  readonly #worker: WindowWorker<CaptureInput, ProbeStatistics>;
  /** Of the workers that have died, and of all: each counts from its own start. */
  #earlier: Counts = { received: 0, dropped: 0, reattached: 0 };
  #total: Counts = this.#earlier;
  readonly #kept: KeptFrames;
  #state: ProbeState | 'starting' | 'dead' = 'starting';

  constructor(options: CaptureOptions) {
    const { probe, tenants, portTenant, shape, hashSeed } = options;
    this.#options = options;
    const kept = new SharedArrayBuffer(KeptFrames.byteLength);
    this.#kept = new KeptFrames(kept);
    this.#worker = new WindowWorker({
      script: new URL('worker.ts', import.meta.url),
      shape,
      windows: WINDOWS,
      input: (isRestart) => ({
        probe: isRestart ? { ...probe, waitForInterface: true } : probe,
        tenants,
        portTenant,
        kept,
        hashSeed,
      }),
      onRunning: () => (this.#state = 'up'),
      onWindow: (window, statistics) => this.#take(window, statistics),
      onDeath: (reason) => this.#bury(reason),
    });
  }

  get state(): ProbeState | 'starting' | 'dead' {
    return this.#state;
  }

  /** The frames that were kept since this was last asked, the oldest first. */
  keptFrames(): KeptFrame[] {
    return this.#kept.read();
  }

  get restarts(): number {
    return this.#worker.restarts;
  }

  /** Resolves once packets are captured; rejects, with the probe's one clear line, when they cannot be. */
  start(): Promise<void> {
    return this.#worker.start();
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }

  #take(window: Window, statistics: ProbeStatistics): void {
    const { state } = statistics;
    this.#state = state;
    this.#total = add(this.#earlier, statistics);
    this.#options.onWindow(window, { ...this.#total, state });
  }

  #bury(reason: string): void {
    this.#state = 'dead';
    this.#earlier = this.#total;
    this.#options.onDeath(reason);
  }
}

function add(a: Counts, b: Counts): Counts {
  const dropped = a.dropped === null || b.dropped === null ? null : a.dropped + b.dropped;
  const sum = { ...b, received: a.received + b.received, dropped, reattached: a.reattached + b.reattached };
  if (b.restarts === undefined) return sum;
  return { ...sum, restarts: (a.restarts ?? 0) + b.restarts, lastFailure: b.lastFailure ?? a.lastFailure ?? null };
}
