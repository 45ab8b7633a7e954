/** The registry that Prometheus scrapes: the families, filled at the scrape and not before, and Node's own. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { IncidentChange } from '../incidents/incident.ts';
import { METRIC_FAMILIES, type MetricFamily, type MetricSources } from './families.ts';
import type { StatusSnapshot } from './snapshot.ts';
import type { TrafficTotals } from './trafficTotals.ts';

/** Gauges of prom-client whose names end in `_total`, which only a counter's may (`promtool check metrics`). */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

export interface MetricsOptions {
  /** Ids by tenant number - 1. */
  readonly tenantIds: readonly string[];
  /** What the windows have added up to. */
  readonly traffic: TrafficTotals;
  readonly snapshot: () => StatusSnapshot;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #openedByDetector = new Map<string, number>();
  readonly #options: MetricsOptions;

  #sources: MetricSources | null = null;
  #scrape: Promise<string> | null = null;

  constructor(options: MetricsOptions) {
    this.#options = options;
    collectDefaultMetrics({ register: this.#registry });
    for (const family of METRIC_FAMILIES) this.#register(family);
    for (const name of MISNAMED) this.#registry.removeSingleMetric(name);
  }

  observeIncident({ event, incident: { detector } }: IncidentChange): void {
    if (event === 'opened') this.#openedByDetector.set(detector, (this.#openedByDetector.get(detector) ?? 0) + 1);
  }

  /** Everything in Prometheus' text format. Who asks while it is being written gets the same text. */
  text(): Promise<string> {
    this.#scrape ??= this.#write().finally(() => {
      this.#scrape = null;
    });
    return this.#scrape;
  }

  async #write(): Promise<string> {
    this.#sources = this.#readSources();
    const parts = await this.#writeMetrics(this.#registry.getMetricsAsArray().map(({ name }) => name));
    return `${parts.join('\n')}\n`;
  }

  /** One metric a turn of the event loop: at 1,000 tenants all of them take some 50 ms. */
  async #writeMetrics(names: readonly string[]): Promise<string[]> {
    const [name, ...others] = names;
    if (name === undefined) return [];
    await nextTurn();
    const text = await this.#registry.getSingleMetricAsString(name);
    return [text, ...(await this.#writeMetrics(others))];
  }

  #readSources(): MetricSources {
    const { tenantIds, snapshot, traffic } = this.#options;
    return { tenantIds, snapshot: snapshot(), traffic, openedByDetector: this.#openedByDetector };
  }

  /** The values are kept as plain numbers elsewhere; prom-client gets all of them anew at each scrape. */
  #register({ name, help, type, labels: labelNames, samples }: MetricFamily): void {
    const read = (take: (labels: Record<string, string>, value: number) => void): void => {
      for (const [labels, value] of this.#sources === null ? [] : samples(this.#sources))
        take(Object.fromEntries(labelNames.map((label, i) => [label, labels[i] ?? ''])), value);
    };
    const config = { name, help, labelNames, registers: [] };
    const kinds = {
      gauge: () =>
        new Gauge({
          ...config,
          collect() {
            this.reset();
            // Without labels prom-client begins with a 0, which is not the same as nothing.
            if (labelNames.length === 0) this.remove();
            read((labels, value) => this.set(labels, value));
          },
        }),
      counter: () =>
        new Counter({
          ...config,
          collect() {
            this.reset();
            // Without labels prom-client begins with a 0, which is not the same as nothing.
            if (labelNames.length === 0) this.remove();
            read((labels, value) => this.inc(labels, value));
          },
        }),
    };
    this.#registry.registerMetric(kinds[type]());
  }
}
