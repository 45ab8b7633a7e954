/**
 * What cpuOveruse and memoryOveruse have in common: a tenant is named that holds a large share of what the host has, sooner
 * and with the higher severity when the host suffers meanwhile.
 */
import { z } from 'zod';
import { decimal, duration, modeField } from '../../config/units.ts';
import { HOST_ROW } from '../../metering/sampleTable.ts';
import type { Window } from '../../metering/window.ts';
import type { Detector, DetectorContext, Finding, Json, Reading, Severity, Signature } from '../detector.ts';
import { HeldLevels } from './heldLevels.ts';
import { sampleEvidence, type WaitColumn } from './sampleEvidence.ts';

/** The options of both; `of` says what the shares are of. */
export const overuseOptions = (of: string) => ({
  mode: modeField.describe('`observe` reports; `off` does not look; `enforce` is as `observe`: it leads to no limits'),
  share: decimal(0.01, 1).default(0.5).describe(`of ${of}, held without a limit of its own: \`warning\``),
  for: duration(1000, 86_400_000).prefault('30m').describe('how long it must hold that share'),
  harmfulShare: decimal(0.01, 1)
    .default(0.25)
    .describe(`of ${of}, held while the host suffers, with a limit of its own or without: \`critical\``),
  harmfulFor: duration(1000, 86_400_000).prefault('90s').describe('how long it must hold that share'),
});

const shares = z.object(overuseOptions(''));
export type OveruseOptions = z.output<typeof shares>;

export interface OveruseRule {
  readonly signature: Signature;
  /** What the host has of it; NaN: not known. */
  capacity(window: Window): number;
  /** What a tenant uses of it. */
  use(window: Window, number: number): number;
  /** What a tenant is granted by a limit of its own; Infinity: there is none. */
  granted(window: Window, number: number): number;
  /** Whether the host suffers; null: not known. */
  suffers(window: Window): boolean | null;
  readonly waits: WaitColumn;
}

/** Pressure tells that somebody waited, what stands for it where the kernel has none only makes it likely. */
const SURE = 0.95;
const LIKELY = 0.8;

export const certainty = (window: Window, waits: WaitColumn): number =>
  Number.isNaN(window.samples.get(HOST_ROW, waits)) ? LIKELY : SURE;

/** A finding but for its verdict. */
export function subjectOf(
  signature: Signature,
  waits: WaitColumn,
  window: Window,
  number: number,
  { tenants }: DetectorContext,
): Pick<Finding, 'signature' | 'tenant' | 'direction' | 'offender' | 'victim' | 'evidence'> {
  const tenant = tenants[number - 1]?.id ?? '';
  const evidence = sampleEvidence(window, number, tenants, waits);
  return { signature, tenant, direction: null, offender: tenant, victim: null, evidence };
}

export class Overuse implements Detector {
  readonly id: string;
  readonly signatures: readonly Signature[];
  readonly #rule: OveruseRule;
  readonly #options: OveruseOptions;
  readonly #context: DetectorContext;
  readonly #alone: HeldLevels;
  readonly #harmful: HeldLevels;

  constructor(rule: OveruseRule, options: OveruseOptions, context: DetectorContext) {
    this.id = rule.signature.detector;
    this.signatures = [rule.signature];
    this.#rule = rule;
    this.#options = options;
    this.#context = context;
    this.#alone = new HeldLevels(options.for);
    this.#harmful = new HeldLevels(options.harmfulFor);
  }

  observe(window: Window): Finding[] {
    const capacity = this.#rule.capacity(window);
    if (!(capacity > 0) || !(window.seconds > 0)) return [];
    const suffers = this.#rule.suffers(window);
    return this.#context.tenants.flatMap((_, i) => this.#findingsOf(i + 1, window, capacity, suffers));
  }

  #findingsOf(number: number, window: Window, capacity: number, suffers: boolean | null): Finding[] {
    const { signature, waits } = this.#rule;
    const verdicts = this.#verdictsOn(number, window, capacity, suffers);
    const [worst] = verdicts.toSorted((a, b) => b.value / b.threshold - a.value / a.threshold);
    if (worst === undefined || worst.value === 0) return [];
    return [{ ...subjectOf(signature, waits, window, number, this.#context), ...worst }];
  }

  /** The critical one first; a value of 0 is none. */
  #verdictsOn(number: number, window: Window, capacity: number, suffers: boolean | null) {
    const { signature, waits } = this.#rule;
    const { share, harmfulShare } = this.#options;
    const tenant = this.#context.tenants[number - 1]?.id ?? '';
    const use = this.#rule.use(window, number);
    const isGranted = this.#rule.granted(window, number) < capacity;
    const useWhileSuffering = suffers === true ? use : 0;
    const verdict = (levels: HeldLevels, severity: Severity, threshold: number, value: number) => ({
      severity,
      confidence: severity === 'critical' ? certainty(window, waits) : SURE,
      threshold: rounded(threshold),
      value: rounded(levels.observe(tenant, window, value, threshold * signature.leaveBelow)),
    });
    return [
      verdict(this.#harmful, 'critical', harmfulShare * capacity, suffers === null ? Number.NaN : useWhileSuffering),
      verdict(this.#alone, 'warning', share * capacity, isGranted ? 0 : use),
    ];
  }

  explain(window: Window, number: number): readonly Reading[] {
    const { signature } = this.#rule;
    const capacity = this.#rule.capacity(window);
    const use = this.#rule.use(window, number);
    const { share, harmfulShare } = this.#options;
    const tenant = this.#context.tenants[number - 1]?.id ?? '';
    const isGranted = this.#rule.granted(window, number) < capacity;
    const reading = (levels: HeldLevels, part: number, against: string | null): Reading => {
      const isKnown = capacity > 0 && !Number.isNaN(use);
      const held = rounded(levels.at(tenant, window.endMs) ?? (against === null ? use : 0));
      const now = held < rounded(use) ? `it uses ${rounded(use)} now, and has not held that for long` : null;
      return {
        signature,
        direction: null,
        offender: tenant,
        victim: null,
        value: isKnown ? held : null,
        threshold: capacity > 0 ? rounded(part * capacity) : null,
        reason: isKnown ? (against ?? now) : 'what its workload uses is not known',
      };
    };
    return [
      reading(this.#harmful, harmfulShare, whyHarmless(this.#rule.suffers(window))),
      reading(this.#alone, share, isGranted ? 'it has a limit of its own' : null),
    ];
  }

  save(): Json {
    return { alone: this.#alone.save(), harmful: this.#harmful.save() };
  }

  restore(state: Json): void {
    const tenants = new Set(this.#context.tenants.map(({ id }) => id));
    const { alone, harmful } = savedParts.parse(state);
    this.#alone.restore(alone, tenants);
    this.#harmful.restore(harmful, tenants);
  }
}

function whyHarmless(suffers: boolean | null): string | null {
  if (suffers === true) return null;
  return suffers === null ? 'whether the host suffers is not known' : 'the host does not suffer';
}

const savedParts = z.object({ alone: z.json(), harmful: z.json() }).partial().catch({});

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
