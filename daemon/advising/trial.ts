/** A configuration that is tried out: the incidents that it would have opened, by series. */
import type { Config } from '../config/config.ts';
import type { DetectorContext } from '../detectors/detector.ts';
import { Pipeline } from '../pipeline.ts';
import type { Window } from '../metering/window.ts';
import type { Alerts } from './advice.ts';
import { levelKey } from '../level.ts';

export class Trial {
  readonly #pipeline: Pipeline;
  readonly #alerts = new Map<string, number>();

  constructor(config: Config, context: Pick<DetectorContext, 'directory' | 'hashSeed' | 'noteLevel'>) {
    this.#pipeline = new Pipeline(config, { ...context, tenants: config.tenants });
  }

  observe(observationPoint: string, window: Window): void {
    for (const { event, incident } of this.#pipeline.observe(observationPoint, window)) {
      if (event !== 'opened') continue;
      const key = levelKey(incident);
      this.#alerts.set(key, (this.#alerts.get(key) ?? 0) + 1);
    }
  }

  get alerts(): Alerts {
    return this.#alerts;
  }
}
