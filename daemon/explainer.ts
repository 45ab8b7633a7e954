/** Answers where a tenant stands: asks the observation points, and waits for the windows that answer. */
import type { Config } from './config/config.ts';
import { detectorDefinitions } from './detectors/index.ts';
import type { Pipeline } from './pipeline.ts';
import type { ExplainAnswer } from './status/routes.ts';
import { explainTenant } from './status/explanation.ts';
import { within } from './within.ts';

/** A window of packets comes every 250 ms, unless the main thread is late or the interface is gone. */
const PATIENCE_MS = 1500;

export class Explainer {
  readonly #config: () => Config;
  readonly #pipeline: Pipeline;
  readonly #patienceMs: number;

  constructor(config: () => Config, pipeline: Pipeline, patienceMs = PATIENCE_MS) {
    this.#config = config;
    this.#pipeline = pipeline;
    this.#patienceMs = patienceMs;
  }

  /** `detector` null: all of them. */
  async explain(tenant: string, detector: string | null): Promise<ExplainAnswer> {
    const { tenants, interfaces, detectors: configs } = this.#config();
    const number = tenants.findIndex(({ id }) => id === tenant) + 1;
    if (number === 0) return { status: 404, error: `no tenant has the id ${tenant}` };
    if (detector !== null && !detectorDefinitions.some(({ id }) => id === detector))
      return { status: 404, error: `there is no detector ${detector}` };
    const question = this.#pipeline.ask(number, detector);
    if (question === null) return { status: 503, error: 'too many ask at once' };
    await within(this.#patienceMs, question.answered);
    this.#pipeline.endQuestion(question);
    const { answers } = question;
    const pointNames = interfaces.map(({ name }) => name);
    return {
      status: 200,
      explanation: explainTenant({ tenant, detector, configs, pointNames, answers }),
    };
  }
}
