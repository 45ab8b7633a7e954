/** Traffic through metering, detectors and incidents, by the packets' own time. */
import { configSchema } from '../../daemon/config/schema.ts';
import type { Incident, IncidentChange } from '../../daemon/incidents/incident.ts';
import { Meter } from '../../daemon/metering/meter.ts';
import { Tick } from '../../daemon/metering/tick.ts';
import { TABLES, Window } from '../../daemon/metering/window.ts';
import { Pipeline } from '../../daemon/pipeline.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import type { FrameBlock, Milliseconds } from '../../probes/probe.ts';
import { JUDGED, type Observation, type Seen, type WrittenTenant } from './trial.ts';

const HASH_SEED = 0;
const POINT = 'score';
const LONGEST_GAP_MS = 60_000;
const HOUR_MS = 3_600_000;

/** One observation point, with every detector at its defaults. */
export class Observer {
  readonly #window: Window;
  readonly #pipeline: Pipeline;
  readonly #tick: Tick;
  readonly #openedMs = new Map<string, Milliseconds>();
  readonly #closed: Incident[] = [];
  #lastMs: Milliseconds | null = null;
  #sumMs = 0;

  /** `port`: the tenant whose own port it is; null: it faces the internet. */
  constructor(tenants: readonly WrittenTenant[], port: string | null = null) {
    const config = configSchema().parse({ tenants });
    const directory = new TenantDirectory(config.tenants);
    const window = new Window({ tenants: config.tenants.length, ...TABLES.internet });
    this.#pipeline = new Pipeline(config, { tenants: config.tenants, directory, hashSeed: HASH_SEED });
    const portTenant = config.tenants.findIndex(({ id }) => id === port) + 1;
    this.#pipeline.declare(POINT, { portTenant });
    this.#window = window;
    this.#tick = new Tick({
      meter: new Meter(directory, window, { seed: HASH_SEED, portTenant }),
      nextWindow: () => window,
      onWindow: () => this.#pipeline.observe(POINT, window).forEach((change) => this.#note(change)),
      dropped: () => 0,
    });
  }

  /** The block may be used again afterwards. */
  observe(block: FrameBlock): void {
    this.#tick.observe(block);
    const { timesMs, count } = block;
    for (let i = 0; i < count; i++) {
      const timeMs = timesMs[i]!;
      this.#sumMs += Math.min(Math.max(timeMs - (this.#lastMs ?? timeMs), 0), LONGEST_GAP_MS);
      this.#lastMs = timeMs;
    }
  }

  finish(): Omit<Observation, 'attackTimesMs'> {
    this.#tick.finish();
    const seen = [...this.#closed, ...this.#pipeline.incidents.open()]
      .filter(({ clause }) => JUDGED.has(clause))
      .map((incident): Seen => ({ incident, openedMs: this.#openedMs.get(incident.id) ?? Number.NaN }));
    return { seen, hours: this.#sumMs / HOUR_MS };
  }

  #note({ event, incident }: IncidentChange): void {
    if (event === 'opened') this.#openedMs.set(incident.id, this.#window.endMs);
    if (event === 'closed') this.#closed.push(incident);
  }
}
