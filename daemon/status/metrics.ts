/** What Prometheus scrapes: the families, read at the scrape and not before, and Node's own (prom-client). */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { IncidentChange } from '../incidents/incident.ts';
import { METRIC_FAMILIES, type MetricSources, type OpenedIncidents } from './families.ts';
import { type MetricsFormat, renderFamily } from './metricsText.ts';
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
  readonly #ofNode = new Registry();
  readonly #openedByDetector = new Map<string, OpenedIncidents>();
  readonly #options: MetricsOptions;
  readonly #scrapes = new Map<MetricsFormat, Promise<string>>();

  constructor(options: MetricsOptions) {
    this.#options = options;
    collectDefaultMetrics({ register: this.#ofNode });
    for (const name of MISNAMED) this.#ofNode.removeSingleMetric(name);
  }

  observeIncident({ event, incident: { detector, id, firstSeen } }: IncidentChange): void {
    if (event !== 'opened') return;
    const count = (this.#openedByDetector.get(detector)?.count ?? 0) + 1;
    this.#openedByDetector.set(detector, { count, lastId: id, lastMs: Date.parse(firstSeen) });
  }

  /** Everything. Who asks while it is being written gets the same text. */
  text(format: MetricsFormat = 'prometheus'): Promise<string> {
    const underWay = this.#scrapes.get(format);
    if (underWay !== undefined) return underWay;
    const scrape = this.#write(format).finally(() => this.#scrapes.delete(format));
    this.#scrapes.set(format, scrape);
    return scrape;
  }

  /** One family a turn of the event loop: of 1,000 tenants all of them are 30,000 lines. */
  async #write(format: MetricsFormat): Promise<string> {
    const { tenantIds, snapshot, traffic } = this.#options;
    const sources: MetricSources = {
      tenantIds,
      snapshot: snapshot(),
      traffic,
      openedByDetector: this.#openedByDetector,
    };
    const parts: string[] = [];
    for (const family of METRIC_FAMILIES) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other is what is wanted
      await nextTurn();
      parts.push(renderFamily(family, sources, format));
    }
    const ofNode = await this.#ofNode.metrics();
    if (format === 'prometheus') return `${parts.join('')}${ofNode}`;
    // OpenMetrics names a counter's family without the suffix, and has no empty lines.
    const families = ofNode.replaceAll(/^(# (?:HELP|TYPE) \S+)_total /gm, '$1 ').replaceAll(/\n{2,}/g, '\n');
    return `${parts.join('')}${families}# EOF\n`;
  }
}
