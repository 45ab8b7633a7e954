/** Traffic through metering, detectors and incidents, by the packets' own time. */
import { configSchema } from '../../daemon/config/schema.ts';
import type { Incident, IncidentChange } from '../../daemon/incidents/incident.ts';
import { Meter } from '../../daemon/metering/meter.ts';
import { Tick } from '../../daemon/metering/tick.ts';
import { BYTES_TCP, TABLES, Window } from '../../daemon/metering/window.ts';
import { Pipeline } from '../../daemon/pipeline.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { FRAME_OUTGOING, type FrameBlock, type Milliseconds } from '../../probes/probe.ts';
import { blockOf, frame, patched, TCP_FLAGS } from '../support/frames.ts';
import { JUDGED, type Observation, type Seen, type WrittenTenant } from './trial.ts';

const HASH_SEED = 0;
const POINT = 'score';
const MAC_BYTES = 6;
/** So many that the meter believes that the host forwards. */
const GREETINGS = 16;
/** No tenant's (RFC 2544). */
const NOBODY = '198.18.0.1';
const LONGEST_GAP_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Where the traffic was seen. */
export interface Place {
  /** The tenant whose own port it is; left out: it faces the internet. */
  readonly port?: string;
  /** The hardware address of the host that saw it, whose own frames the kernel marks; left out: a mirror, or a file. */
  readonly host?: string;
}

/** One observation point, with every detector at its defaults. */
export class Observer {
  readonly #window: Window;
  readonly #pipeline: Pipeline;
  readonly #tick: Tick;
  readonly #openedMs = new Map<string, Milliseconds>();
  readonly #closed: Incident[] = [];
  readonly #host: Uint8Array | null;
  /** Somebody whose packets leave by the interface. */
  readonly #forwarded: string;
  #lastMs: Milliseconds | null = null;
  #sumMs = 0;
  #packets = 0;

  constructor(tenants: readonly WrittenTenant[], { port, host }: Place = {}) {
    const config = configSchema().parse({ tenants });
    const directory = new TenantDirectory(config.tenants);
    const window = new Window({ tenants: config.tenants.length, ...TABLES.internet });
    this.#pipeline = new Pipeline(config, { tenants: config.tenants, directory, hashSeed: HASH_SEED });
    const portTenant = config.tenants.findIndex(({ id }) => id === port) + 1;
    this.#pipeline.declare(POINT, { portTenant });
    this.#window = window;
    const [prefix = NOBODY] = config.tenants[0]?.addresses ?? [];
    this.#forwarded = portTenant === 0 ? prefix.replace(/\/.*/, '') : NOBODY;
    this.#host = host === undefined ? null : Buffer.from(host.replaceAll(':', ''), 'hex');
    this.#tick = new Tick({
      meter: new Meter(directory, window, { seed: HASH_SEED, portTenant }),
      nextWindow: () => window,
      onWindow: () => {
        for (let kind = 0; kind < BYTES_TCP; kind++) this.#packets += window.totals[kind]!;
        this.#pipeline.observe(POINT, window).forEach((change) => this.#note(change));
      },
      dropped: () => 0,
    });
  }

  /** The block may be used again afterwards. */
  observe(block: FrameBlock): void {
    if (this.#host !== null) this.#mark(block, this.#host);
    this.#tick.observe(block);
    const { timesMs, count } = block;
    for (let i = 0; i < count; i++) {
      const timeMs = timesMs[i]!;
      this.#sumMs += Math.min(Math.max(timeMs - (this.#lastMs ?? timeMs), 0), LONGEST_GAP_MS);
      this.#lastMs = timeMs;
    }
  }

  /** As the kernel does; and the host has forwarded something before. */
  #mark(block: FrameBlock, host: Uint8Array): void {
    const { bytes, offsets, flags, timesMs, count } = block;
    if (this.#lastMs === null) this.#tick.observe(greeting(host, this.#forwarded, timesMs[0]! - 1000));
    for (let i = 0; i < count; i++) {
      const source = offsets[i]! + MAC_BYTES;
      flags[i] = Buffer.compare(bytes.subarray(source, source + MAC_BYTES), host) === 0 ? FRAME_OUTGOING : 0;
    }
  }

  finish(): Omit<Observation, 'attackTimesMs'> {
    this.#tick.end();
    const seen = [...this.#closed, ...this.#pipeline.incidents.open()]
      .filter(({ clause }) => JUDGED.has(clause))
      .map((incident): Seen => ({ incident, openedMs: this.#openedMs.get(incident.id) ?? Number.NaN }));
    return { seen, packets: this.#packets, hours: this.#sumMs / HOUR_MS };
  }

  #note({ event, incident }: IncidentChange): void {
    if (event === 'opened') this.#openedMs.set(incident.id, this.#window.endMs);
    if (event === 'closed') this.#closed.push(incident);
  }
}

/** Segments in the middle of a connection, which the host forwards, and which say nothing to anybody. */
function greeting(host: Uint8Array, source: string, timeMs: Milliseconds): FrameBlock {
  const destination = source.includes(':') ? '2001:db8:fff0::1' : '198.18.0.2';
  const bytes = patched(frame({ source, destination, flags: TCP_FLAGS.ack }), MAC_BYTES, ...host);
  const block = blockOf(Array.from({ length: GREETINGS }, () => ({ bytes, timeMs })));
  block.flags.fill(FRAME_OUTGOING);
  return block;
}
