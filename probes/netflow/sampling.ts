/** One packet in how many an exporter looks at: told by its records, or by its options, for a sampler or for all (RFC 5476, RFC 5477). */
import { SLOT } from './elements.ts';
import type { Domain } from './exporterState.ts';

const MAX_SAMPLERS = 1024;
/** Beyond that a figure is an error, and would make of one packet a flood. */
const LARGEST_INTERVAL = 2 ** 24;

/** Of a data record; 0: not known. */
export function samplingOf(values: Float64Array, has: Uint8Array, domain: Domain): number {
  const own = toldInterval(values, has);
  if (own > 0) return own;
  if (has[SLOT.sampler] === 1 && domain.samplers.size > 0) {
    const ofSampler = domain.samplers.get(values[SLOT.sampler]!);
    if (ofSampler !== undefined) return ofSampler;
  }
  return domain.samplingInterval;
}

/** Takes what a record of options says. */
export function learnSampling(values: Float64Array, has: Uint8Array, domain: Domain): void {
  const interval = toldInterval(values, has);
  if (has[SLOT.bootMs] === 1 && values[SLOT.bootMs]! > 0) domain.bootMs = values[SLOT.bootMs]!;
  if (interval === 0) return;
  if (has[SLOT.sampler] === 0) domain.samplingInterval = interval;
  else learnSampler(domain, values[SLOT.sampler]!, interval);
}

export function learnSampler(domain: Domain, sampler: number, interval: number): void {
  if (domain.samplers.size < MAX_SAMPLERS || domain.samplers.has(sampler)) domain.samplers.set(sampler, interval);
}

export const isInterval = (value: number): boolean => value >= 1 && value <= LARGEST_INTERVAL;

/** 0: nothing that makes sense. */
function toldInterval(values: Float64Array, has: Uint8Array): number {
  const interval = rawInterval(values, has);
  return isInterval(interval) ? interval : 0;
}

function rawInterval(values: Float64Array, has: Uint8Array): number {
  if (has[SLOT.interval] === 1) return values[SLOT.interval]!;
  if (has[SLOT.packetInterval] === 1) {
    // So many packets are taken, then so many left out; one without the other says nothing.
    const taken = values[SLOT.packetInterval]!;
    return has[SLOT.packetSpace] === 1 ? (taken + values[SLOT.packetSpace]!) / taken : 0;
  }
  if (has[SLOT.sampleSize] === 1 && has[SLOT.samplePopulation] === 1)
    return values[SLOT.samplePopulation]! / values[SLOT.sampleSize]!;
  return has[SLOT.probability] === 1 ? 1 / values[SLOT.probability]! : 0;
}
