/**
 * Names a tenant whose workload holds a large share of the host's memory, the more so when memory is scarce, and one whose
 * processes are killed again and again because it needs more than it has.
 */
import { z } from 'zod';
import { count, decimal } from '../config/units.ts';
import { HOST_ROW } from '../metering/sampleTable.ts';
import type { Window } from '../metering/window.ts';
import type { Detector, DetectorContext, DetectorDefinition, Finding, Json, Reading, Signature } from './detector.ts';
import { certainty, Overuse, overuseOptions, type OveruseRule, subjectOf } from './shared/overuse.ts';
import { RecentKills } from './shared/recentKills.ts';
import { shareOfTime } from './shared/sampleEvidence.ts';

const WAITS = 'memoryWaitSeconds';

const memoryOveruseSignature: Signature = {
  id: 'memoryOveruse',
  detector: 'memoryOveruse',
  clause: 'resource.memory',
  title: "The workload of a tenant holds a large share of the host's memory.",
  unit: 'bytes',
  // The time that the share is held is the patience; more windows would add none.
  entry: { windows: 1, of: 1, atOnce: 1 },
  leaveBelow: 0.7,
};

const oomKills: Signature = {
  ...memoryOveruseSignature,
  id: 'oomKills',
  title: 'The workload of a tenant needs more memory than it has: its processes are killed again and again.',
  unit: 'kills',
};

const config = z
  .strictObject({
    ...overuseOptions("the host's memory"),
    pressure: decimal(0.01, 1)
      .default(0.1)
      .describe('the host suffers while tasks wait for memory in this share of the time (PSI) …'),
    available: decimal(0, 1).default(0.1).describe('… or less than this share of its memory is available'),
    oomKills: count(1, 1000).default(3).describe('processes killed for want of memory within `for`'),
  })
  .prefault({});
type Options = z.output<typeof config>;

export const memoryOveruse: DetectorDefinition<Options> = {
  id: memoryOveruseSignature.detector,
  observes: ['samples'],
  config,
  create: (options, context) => new MemoryOveruse(options, context),
};

class MemoryOveruse implements Detector {
  readonly id = memoryOveruseSignature.detector;
  readonly signatures = [memoryOveruseSignature, oomKills];
  readonly #options: Options;
  readonly #context: DetectorContext;
  readonly #overuse: Overuse;
  readonly #kills: RecentKills;

  constructor(options: Options, context: DetectorContext) {
    this.#options = options;
    this.#context = context;
    this.#overuse = new Overuse(ruleOf(options), options, context);
    this.#kills = new RecentKills(options.for);
  }

  observe(window: Window): Finding[] {
    const kills = this.#context.tenants.flatMap(({ id }, i) => this.#observeKills(id, i + 1, window));
    return [...this.#overuse.observe(window), ...kills];
  }

  #observeKills(tenant: string, number: number, window: Window): Finding[] {
    const value = this.#kills.observe(tenant, window.endMs, window.samples.get(number, 'oomKills'));
    const threshold = this.#options.oomKills;
    if (value < threshold * oomKills.leaveBelow) return [];
    const harms = suffers(window, this.#options) === true;
    return [
      {
        ...subjectOf(oomKills, WAITS, window, number, this.#context),
        severity: harms ? 'critical' : 'warning',
        confidence: certainty(window, WAITS),
        value,
        threshold,
      },
    ];
  }

  explain(window: Window, number: number): readonly Reading[] {
    const tenant = this.#context.tenants[number - 1]?.id ?? '';
    const isKnown = !Number.isNaN(window.samples.get(number, 'oomKills'));
    const kills: Reading = {
      signature: oomKills,
      direction: null,
      offender: tenant,
      victim: null,
      value: isKnown ? this.#kills.at(tenant, window.endMs) : null,
      threshold: this.#options.oomKills,
      reason: isKnown ? null : 'how many were killed is not known',
    };
    return [...this.#overuse.explain(window, number), kills];
  }

  save(): Json {
    return { overuse: this.#overuse.save(), kills: this.#kills.save() };
  }

  restore(state: Json): void {
    const { overuse = null, kills } = savedParts.parse(state);
    this.#overuse.restore(overuse);
    this.#kills.restore(kills, new Set(this.#context.tenants.map(({ id }) => id)));
  }
}

const savedParts = z.object({ overuse: z.json(), kills: z.json() }).partial().catch({});

const ruleOf = (options: Options): OveruseRule => ({
  signature: memoryOveruseSignature,
  capacity: totalOf,
  use: usedBytes,
  granted: ({ samples }, number) => samples.get(number, 'memoryLimitBytes'),
  suffers: (window) => suffers(window, options),
  waits: WAITS,
});

const totalOf = ({ samples }: Window): number => samples.get(HOST_ROW, 'memoryLimitBytes');

/** The page cache that nobody reads is given back when others need it. */
function usedBytes({ samples }: Window, number: number): number {
  const workingSet = samples.get(number, 'workingSetBytes');
  return Number.isNaN(workingSet) ? samples.get(number, 'memoryBytes') : workingSet;
}

function suffers(window: Window, { pressure, available }: Options): boolean | null {
  const waited = shareOfTime(window, HOST_ROW, WAITS);
  const availableShare = 1 - window.samples.get(HOST_ROW, 'memoryBytes') / totalOf(window);
  if (Number.isNaN(waited) && Number.isNaN(availableShare)) return null;
  return waited >= pressure || availableShare < available;
}
