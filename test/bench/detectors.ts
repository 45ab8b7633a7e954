/** What all detectors cost a tick, apart from metering, with 1,000 active tenants: run as a program it measures one kind of traffic. */
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { configSchema } from '../../daemon/config/schema.ts';
import type { Detector } from '../../daemon/detectors/detector.ts';
import { createDetectors } from '../../daemon/detectors/index.ts';
import { Meter } from '../../daemon/metering/meter.ts';
import { Tick } from '../../daemon/metering/tick.ts';
import { BYTES_TCP, TABLES, Window, WINDOW_MS } from '../../daemon/metering/window.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { Agenda } from '../score/simulation/agenda.ts';
import { anybody, Attack, type Plan, refuse, syn } from '../score/simulation/attacks.ts';
import { HOUR, MONDAY, SECOND } from '../score/simulation/calendar.ts';
import { FrameWriter } from '../score/simulation/frameWriter.ts';
import { Office } from '../score/simulation/office.ts';
import { STRANGER } from '../score/simulation/plans.ts';
import { Random } from '../score/simulation/random.ts';
import { type Cell, percentile, type Section, type Spread, spread } from './report.ts';
import { tenantAddress, tenantPrefixes } from './workload/addresses.ts';

const TENANTS = 1000;
const HASH_SEED = 0;
/** Nobody is known at the start, and nothing compiled. */
const WARM_UP_MS = 60 * SECOND;
const MEASURED_MS = 30 * SECOND;
const START_MS = MONDAY + 10 * HOUR;
const END_MS = START_MS + WARM_UP_MS + MEASURED_MS;
/** Of one core. */
const GOAL_SHARE = 0.02;

const FLOOD_RATE = 100_000;
const SCAN_RATE = 5000;

const ALWAYS = { expected: { detector: 'any' }, packets: Infinity };

/** What is beside the office. */
const KINDS: Readonly<Record<string, Plan | null>> = {
  typical: null,
  flood: {
    ...ALWAYS,
    packetsPerSecond: FLOOD_RATE,
    shape: spoofed(new Random(1)),
  },
  scan: {
    ...ALWAYS,
    packetsPerSecond: SCAN_RATE,
    shape: (packet, i) => syn(packet, STRANGER, tenantAddress(i % TENANTS) + ((i >> 10) & 127), 40_000, 1 + (i >> 3)),
    answer: (packet, i) => i % 4 === 0 && refuse(packet),
  },
};

function spoofed(random: Random): Plan['shape'] {
  return (packet) => syn(packet, anybody(random), tenantAddress(7), random.ephemeralPort(), 443);
}

/** Milliseconds of a tick. */
interface Cost {
  readonly packetsPerSecond: number;
  /** CPU, of all threads. */
  readonly cpu: Spread;
  readonly mean: number;
  readonly at99: number;
  /** By the clock, the median: asking for the CPU time costs more than most of them do. */
  readonly byDetector: Readonly<Record<string, number>>;
}

/** Observes windows, and times what comes after the warm-up. */
class Clockwork {
  readonly #ticks: number[] = [];
  readonly #detectors: readonly Detector[];
  readonly #byDetector: readonly number[][];
  #packets = 0;

  constructor(detectors: readonly Detector[]) {
    this.#detectors = detectors;
    this.#byDetector = detectors.map(() => []);
  }

  observe(window: Window): void {
    const isMeasured = window.startMs >= START_MS + WARM_UP_MS;
    const before = process.cpuUsage();
    const ends = this.#detectors.map((detector) => {
      const startMs = performance.now();
      detector.observe(window);
      return performance.now() - startMs;
    });
    const { user, system } = process.cpuUsage(before);
    if (!isMeasured) return;
    this.#ticks.push((user + system) / 1000);
    for (const [i, ms] of ends.entries()) this.#byDetector[i]?.push(ms);
    for (let kind = 0; kind < BYTES_TCP; kind++) this.#packets += window.totals[kind]!;
  }

  get cost(): Cost {
    return {
      packetsPerSecond: (this.#packets * SECOND) / MEASURED_MS,
      cpu: spread(this.#ticks),
      mean: this.#ticks.reduce((sum, ms) => sum + ms, 0) / this.#ticks.length,
      at99: percentile(
        this.#ticks.toSorted((a, b) => a - b),
        99,
      ),
      byDetector: Object.fromEntries(
        this.#detectors.map(({ id }, i) => [id, spread(this.#byDetector[i] ?? []).median]),
      ),
    };
  }
}

function measureKind(kind: string): Cost {
  const config = configSchema().parse({
    tenants: Array.from({ length: TENANTS }, (_, tenant) => ({
      id: `tenant-${tenant}`,
      addresses: tenantPrefixes(tenant),
      plan: { port: '100mbit', threshold: { rate: '80mbit', for: '60s' } },
    })),
  });
  const { tenants } = config;
  const directory = new TenantDirectory(tenants);
  const window = new Window({ tenants: TENANTS, ...TABLES.internet });
  const context = { tenants, directory, portTenant: 0, hashSeed: HASH_SEED };
  const clockwork = new Clockwork(createDetectors(config.detectors, context, 'packets'));
  const tick = new Tick({
    meter: new Meter(directory, window, { seed: HASH_SEED }),
    nextWindow: () => window,
    onWindow: () => clockwork.observe(window),
    dropped: () => 0,
  });
  const writer = new FrameWriter((block) => tick.observe(block));
  const agenda = new Agenda();
  new Office(writer, agenda, { seed: 1, tenants: TENANTS, startMs: START_MS, endMs: END_MS }).open();
  const plan = KINDS[kind] ?? null;
  if (plan !== null) agenda.add(new Attack(writer, agenda, plan), START_MS + SECOND);
  agenda.run(END_MS);
  writer.flush();
  return clockwork.cost;
}

/** Each kind in a process of its own, with the daemon's memory for what is young. */
function measureApart(kind: string): Cost {
  const args = ['--max-semi-space-size=8', import.meta.filename, kind];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

export function measureDetectors(): Section {
  const kinds = Object.keys(KINDS);
  const costs = kinds.map(measureApart);
  const ids = Object.keys(costs[0]?.byDetector ?? {});
  const row = (name: string, cell: (cost: Cost) => Cell): Cell[] => [name, ...costs.map(cell)];
  return {
    title: `All detectors of packets, ${TENANTS} active tenants: CPU ms a tick of ${WINDOW_MS} ms, without metering`,
    notes: [
      `goal: together ${GOAL_SHARE * 100} % of one core at most, ${GOAL_SHARE * WINDOW_MS} ms a tick`,
      'typical: offices at ten in the morning, at their true rates',
      `flood: beside them ${FLOOD_RATE} SYNs/s from random sources; scan: ${SCAN_RATE} probes/s at all tenants, most met with silence`,
      'of each detector the median, by the clock',
      'portScan and hostSweep share what they remember, and it is portScan that does the work',
    ],
    columns: ['', ...kinds],
    rows: [
      row('packets/s', ({ packetsPerSecond }) => Math.round(packetsPerSecond)),
      ...ids.map((id) => row(id, ({ byDetector }) => byDetector[id] ?? null)),
      row('all: CPU, mean', ({ mean }) => mean),
      row('median', ({ cpu }) => cpu.median),
      row('99th percentile', ({ at99 }) => at99),
      row('% of a core', ({ mean }) => (100 * mean) / WINDOW_MS),
    ],
  };
}

if (import.meta.main) {
  const [kind = ''] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(measureKind(kind)));
}
