/** The samples of CPU and memory as a part of the daemon: the sampler, and what is said of it in the log. */
import type { Milliseconds } from '../probes/probe.ts';
import type { Sample, SampleProbe } from '../probes/sample.ts';
import type { Component } from './components.ts';
import { type Logger, LogLimiter } from './log.ts';
import { ROUND_TIMEOUT_MS, Sampler, type SamplerState } from './metering/sampler.ts';
import type { Window } from './metering/window.ts';

/** What incidents call it; no interface can have a name with a space in it. */
export const HOST_POINT = 'host samples';

/** A round may begin late, and answer late. */
export const hostLagMs = (everyMs: Milliseconds): Milliseconds => 2 * everyMs + ROUND_TIMEOUT_MS;

export interface HostSamplingOptions {
  readonly probe: SampleProbe;
  readonly everyMs: Milliseconds;
  /** By tenant number - 1. */
  readonly tenantIds: readonly string[];
  readonly log: Logger;
  onSample(sample: Sample): void;
  /** The window is valid only during the call. */
  onWindow(window: Window): void;
}

export class HostSampling implements Component {
  readonly name = HOST_POINT;
  readonly everyMs: Milliseconds;
  readonly #log: Logger;
  readonly #logLimiter = new LogLimiter();
  readonly #sampler: Sampler;

  constructor(options: HostSamplingOptions) {
    const { probe, everyMs, tenantIds, log } = options;
    this.everyMs = everyMs;
    this.#log = log;
    this.#sampler = new Sampler({
      probe,
      everyMs,
      tenantIds,
      onSample: (sample, window) => {
        options.onSample(sample);
        if (window !== null) options.onWindow(window);
      },
      onFailure: (reason) => this.#tellFailure(reason),
    });
  }

  get state(): SamplerState {
    return this.#sampler.state;
  }

  async start(): Promise<void> {
    this.#sampler.start();
  }

  async stop(): Promise<void> {
    this.#sampler.stop();
  }

  #tellFailure(reason: string): void {
    if (this.#logLimiter.allows('failed', Date.now())) this.#log.warn(`Cannot sample CPU and memory: ${reason}`);
  }
}
