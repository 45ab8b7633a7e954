/** Names a tenant whose port is busy around the clock, in one direction: not for how much it takes at a time, but for never letting go. */
import { z } from 'zod';
import { decimal, duration } from '../config/units.ts';
import { type Direction, INBOUND, OUTBOUND, type Window } from '../metering/window.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type {
  Detector,
  DetectorContext,
  DetectorDefinition,
  Finding,
  Json,
  PortUse,
  Reading,
  Signature,
} from './detector.ts';
import { tenantEvidence, trust } from './shared/evidence.ts';
import { trafficOptions } from './shared/options.ts';
import { SAMPLE_MS, savedThroughput, ThroughputSamples } from './shared/throughputSamples.ts';

const ID = 'sustainedThroughput';
/** Of the time that is judged. */
const LEAST_KNOWN = 0.9;
/** All samples are complete at the same moment; 2,000 judgements would take 40 ms. */
const MAX_JUDGED_A_WINDOW = 64;

const config = z
  .strictObject({
    ...trafficOptions('limits'),
    for: duration(3_600_000, 7 * 86_400_000)
      .prefault('24h')
      .describe('the hours that are judged'),
    share: decimal(0.05, 1).default(0.7).describe('of the port (`plan.port`), that the median throughput must reach'),
    busyShare: decimal(0.05, 1).default(0.5).describe('the port is busy from this share of it on …'),
    duty: decimal(0.1, 1).default(0.9).describe('… and must be busy in this share of the time'),
    variation: decimal(0.01, 10).default(0.25).describe('the coefficient of variation (σ/μ) that it must not exceed'),
    releaseShare: decimal(0.01, 1)
      .default(0.5)
      .describe('it is over once the median is below this share of the port …'),
    releaseAfter: duration(SAMPLE_MS, 7 * 86_400_000)
      .prefault('6h')
      .describe('… over this time'),
  })
  .superRefine(({ share, releaseShare }, context) => {
    if (releaseShare >= share)
      context.addIssue({
        code: 'custom',
        path: ['releaseShare'],
        message: `must be below share (${share}), got ${releaseShare}`,
      });
  })
  .prefault({});
type Options = z.output<typeof config>;

export const sustainedThroughput: DetectorDefinition<Options> = {
  id: ID,
  observes: ['packets', 'flows'],
  readsPlans: true,
  config,
  create: (options, context) => new SustainedThroughput(options, context),
};

/** One direction of a tenant's port. */
interface Port {
  readonly tenant: string;
  readonly number: number;
  readonly direction: Direction;
  readonly portBps: number;
  readonly samples: ThroughputSamples;
  /** By the samples that are complete, but for those that came last where it is due. */
  verdict: Verdict;
  isDue: boolean;
}

interface Verdict {
  /** That a finding would have; 0: nothing is found. */
  readonly value: number;
  readonly use: PortUse | null;
  /** Of the time that is judged, how much is known. */
  readonly knownShare: number;
  /** Why it is not constant; null: it is. */
  readonly against: string | null;
}

class SustainedThroughput implements Detector {
  readonly id = ID;
  readonly signatures: readonly Signature[];
  readonly #signature: Signature;
  readonly #options: Options;
  readonly #tenants: readonly Tenant[];
  readonly #ports: readonly Port[];

  constructor(options: Options, { tenants, accountsFor = () => true }: DetectorContext) {
    this.#options = options;
    this.#tenants = tenants;
    this.#signature = {
      id: ID,
      detector: ID,
      clause: 'network.throughput',
      title: 'The port is busy around the clock, without a pause.',
      unit: 'bit/s',
      // The hours are the patience; more windows would add none.
      entry: { windows: 1, of: 1, atOnce: 1 },
      leaveBelow: options.releaseShare / options.share,
    };
    this.signatures = [this.#signature];
    const count = Math.ceil(Math.max(options.for, options.releaseAfter) / SAMPLE_MS);
    this.#ports = tenants.flatMap((tenant, i) => (accountsFor(i + 1) ? this.#portsOf(tenant, i + 1, count) : []));
  }

  #portsOf({ id, plan }: Tenant, number: number, count: number): Port[] {
    const { portBps, guaranteed } = plan;
    if (portBps === null || guaranteed) return [];
    return (['inbound', 'outbound'] as const).map((direction) => {
      const samples = new ThroughputSamples(count);
      const verdict = judge(samples, portBps, this.#options);
      return { tenant: id, number, direction, portBps, samples, verdict, isDue: false };
    });
  }

  observe(window: Window): Finding[] {
    const findings: Finding[] = [];
    let judged = 0;
    for (const port of this.#ports) {
      const bytes = window.tenantBytes(port.number, port.direction === 'inbound' ? INBOUND : OUTBOUND);
      if (port.samples.add(window.startMs, window.endMs, bytes)) port.isDue = true;
      if (port.isDue && judged < MAX_JUDGED_A_WINDOW) {
        judged += 1;
        this.#judge(port);
      }
      if (port.verdict.value > 0) findings.push(this.#finding(port, window));
    }
    return findings;
  }

  #judge(port: Port): void {
    port.verdict = judge(port.samples, port.portBps, this.#options);
    port.isDue = false;
  }

  #finding({ tenant, number, direction, portBps, verdict }: Port, window: Window): Finding {
    const { value, use, knownShare } = verdict;
    return {
      signature: this.#signature,
      tenant,
      direction,
      offender: tenant,
      victim: null,
      severity: 'warning',
      confidence: Math.round(trust(window) * knownShare * 100) / 100,
      value,
      threshold: thresholdOf(portBps, this.#options),
      evidence: { ...tenantEvidence(window, number, direction), ...(use !== null && { port: use }) },
    };
  }

  explain(_window: Window, number: number): Reading[] {
    const own = this.#ports.filter((port) => port.number === number);
    return own.length > 0 ? own.map((port) => this.#reading(port)) : [this.#whyNot(this.#tenants[number - 1])];
  }

  #reading({ tenant, direction, portBps, verdict: { use, against } }: Port): Reading {
    const value = use?.medianBps ?? null;
    const threshold = thresholdOf(portBps, this.#options);
    return { signature: this.#signature, direction, offender: tenant, victim: null, value, threshold, reason: against };
  }

  #whyNot(tenant: Tenant | undefined): Reading {
    const { portBps = null, guaranteed = false } = tenant?.plan ?? {};
    const elsewhere =
      portBps === null ? 'plan.port is not set' : 'its traffic is accounted for at another observation point';
    const reason = guaranteed ? 'exempt: plan.guaranteed' : elsewhere;
    const threshold = portBps === null ? null : thresholdOf(portBps, this.#options);
    const offender = tenant?.id ?? null;
    return { signature: this.#signature, direction: null, offender, victim: null, value: null, threshold, reason };
  }

  save(): Json {
    return this.#ports.flatMap(({ tenant, direction, samples }) => {
      const saved = samples.save();
      return saved === null ? [] : [{ tenant, direction, ...saved }];
    });
  }

  restore(state: Json): void {
    for (const saved of savedPorts.safeParse(state).data ?? []) {
      const port = this.#ports.find((each) => each.tenant === saved.tenant && each.direction === saved.direction);
      if (port === undefined) continue;
      port.samples.restore(saved);
      this.#judge(port);
    }
  }
}

const savedPorts = z.array(savedThroughput.extend({ tenant: z.string(), direction: z.string() }));

const thresholdOf = (portBps: number, { share }: Options): number => Math.round(portBps * share);

function judge(samples: ThroughputSamples, portBps: number, options: Options): Verdict {
  const wanted = Math.ceil(options.for / SAMPLE_MS);
  const known = samples.recent(wanted);
  const knownShare = known.length / wanted;
  if (known.length === 0) return { value: 0, use: null, knownShare, against: 'no 5 minutes of it are known yet' };
  const use: PortUse = { ...describe(known, portBps, options), percentile95Bps: samples.percentile95Bps };
  const against = knownShare < LEAST_KNOWN ? whyUnknown(knownShare, options) : whyInconstant(use, options);
  return {
    value: against === null ? use.medianBps : levelOfStaying(samples, portBps, options),
    use,
    knownShare,
    against,
  };
}

function describe(known: Float32Array, portBps: number, { for: forMs, busyShare }: Options) {
  const mean = known.reduce((sum, bps) => sum + bps, 0) / known.length;
  const variance = known.reduce((sum, bps) => sum + (bps - mean) ** 2, 0) / known.length;
  return {
    portBps,
    overMs: forMs,
    medianBps: median(known),
    dutyShare: rounded(known.filter((bps) => bps >= busyShare * portBps).length / known.length),
    variation: mean === 0 ? 0 : rounded(Math.sqrt(variance) / mean),
  };
}

const hours = (ms: number): number => Math.round(ms / 360_000) / 10;
const percent = (share: number): string => `${Math.round(share * 100)} %`;

const whyUnknown = (knownShare: number, { for: forMs }: Options): string =>
  `${hours(knownShare * forMs)} of ${hours(forMs)} h are known, ${percent(LEAST_KNOWN)} are needed`;

/** Null: it is constant, as far as it is above the threshold. */
function whyInconstant({ portBps, medianBps, dutyShare, variation }: PortUse, options: Options): string | null {
  if (medianBps < thresholdOf(portBps, options)) return 'the median is below the threshold';
  if (dutyShare < options.duty)
    return `the port is busy in ${percent(dutyShare)} of the time, not in ${percent(options.duty)}`;
  return variation > options.variation ? `it varies: σ/μ is ${variation}, above ${options.variation}` : null;
}

/** What keeps an incident open, and opens none; 0: it is over. */
function levelOfStaying(samples: ThroughputSamples, portBps: number, options: Options): number {
  const level = median(samples.recent(Math.ceil(options.releaseAfter / SAMPLE_MS)));
  return level < options.releaseShare * portBps ? 0 : Math.min(level, thresholdOf(portBps, options) - 1);
}

/** 0 of none. */
function median(values: Float32Array): number {
  const sorted = values.toSorted();
  const middle = sorted.length / 2;
  return Math.round(((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2);
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
