/** From windows to incidents: every observation point has detectors of its own, all share the incidents. */
import type { Milliseconds } from '../probes/probe.ts';
import type { Config } from './config/config.ts';
import type { Detector, DetectorContext } from './detectors/detector.ts';
import { createDetectors } from './detectors/index.ts';
import type { IncidentChange } from './incidents/incident.ts';
import { Incidents } from './incidents/incidents.ts';
import type { Observed, Window } from './metering/window.ts';

export class Pipeline {
  readonly incidents: Incidents;
  readonly #config: Config;
  readonly #context: DetectorContext;
  /** By observation point. */
  readonly #detectors = new Map<string, Detector[]>();

  constructor(config: Config, context: DetectorContext) {
    this.#config = config;
    this.#context = context;
    this.incidents = new Incidents(config.incidents);
  }

  /** Says that the windows of an observation point may be so late. */
  declare(observationPoint: string, declaration: { readonly lagMs: Milliseconds }): void {
    this.incidents.declare(observationPoint, declaration);
  }

  /** What the window changes; each observation point's windows come in order. */
  observe(observationPoint: string, window: Window): IncidentChange[] {
    const findings = this.#detectorsAt(observationPoint, window.observed).flatMap((detector) =>
      detector.observe(window),
    );
    return this.incidents.observe(observationPoint, window.endMs, window.endMs - window.startMs, findings);
  }

  #detectorsAt(observationPoint: string, observed: Observed): Detector[] {
    let detectors = this.#detectors.get(observationPoint);
    if (detectors === undefined) {
      detectors = createDetectors(this.#config.detectors, this.#context, observed);
      this.#detectors.set(observationPoint, detectors);
    }
    return detectors;
  }
}
