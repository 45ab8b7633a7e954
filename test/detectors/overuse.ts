/** What the tests of cpuOveruse and memoryOveruse have in common: rounds of samples every 5 s, and what is told of them. */
import type { Detector, DetectorDefinition, Finding } from '../../daemon/detectors/detector.ts';
import { buildSampleWindow, type HostUse, type TenantUse } from '../support/sampleWindow.ts';
import { testContext } from '../support/windowBuilder.ts';

export const ROUND_MS = 5000;
export const roundsIn = (minutes: number): number => (minutes * 60_000) / ROUND_MS;

export const create = (definition: DetectorDefinition, options: Readonly<Record<string, unknown>> = {}): Detector =>
  definition.create(definition.config.parse(options), testContext());

export interface Rounds {
  readonly count: number;
  readonly acme?: TenantUse | null;
  readonly globex?: TenantUse | null;
  readonly host?: HostUse;
}

/** The findings of each round that pass their threshold; the parts follow one another. */
export function passed(detector: Detector, ...parts: readonly Rounds[]): Finding[][] {
  const rounds = parts.flatMap(({ count, ...part }) => Array.from({ length: Math.round(count) }, () => part));
  return rounds.map(({ acme = {}, globex = {}, host = {} }, i) => {
    const window = buildSampleWindow({ startMs: i * ROUND_MS, windowMs: ROUND_MS, tenants: [acme, globex], host });
    return detector.observe(window).filter(({ value, threshold }) => value >= threshold);
  });
}

/** What the last round told. */
export const last = (detector: Detector, ...parts: readonly Rounds[]): Finding[] =>
  passed(detector, ...parts).at(-1) ?? [];

/** `critical acme 3 of 1`: who, and how much. */
export const told = ({ signature, severity, tenant, value, threshold }: Finding): string =>
  `${severity} ${signature.id} ${tenant} ${value} of ${threshold}`;
