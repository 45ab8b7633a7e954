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
  const ofDomain = optionsOf(values, has, domain);
  return ofDomain > 0 || domain.whole === null ? ofDomain : optionsOf(values, has, domain.whole);
}

/** What the domain's options have told; 0: nothing. */
function optionsOf(values: Float64Array, has: Uint8Array, { samplers, samplingInterval }: Domain): number {
  const isSampler = has[SLOT.sampler] === 1 && samplers.size > 0;
  return (isSampler ? samplers.get(values[SLOT.sampler]!) : undefined) ?? samplingInterval;
}

/** Takes what a record of options says. */
export function learnSampling(values: Float64Array, has: Uint8Array, domain: Domain): void {
  const interval = toldInterval(values, has);
  if (has[SLOT.bootMs] === 1 && values[SLOT.bootMs]! > 0) domain.bootMs = values[SLOT.bootMs]!;
  if (interval === 0) return;
  if (has[SLOT.sampler] === 0) domain.samplingInterval = interval;
  else learnSampler(domain, values[SLOT.sampler]!, interval);
}

/** Of too many, the half goes that was told of longest ago. */
export function learnSampler({ samplers }: Domain, sampler: number, interval: number): void {
  samplers.delete(sampler);
  if (samplers.size >= MAX_SAMPLERS) {
    for (const oldest of samplers.keys()) {
      if (samplers.size <= MAX_SAMPLERS / 2) break;
      samplers.delete(oldest);
    }
  }
  samplers.set(sampler, interval);
}

export const isInterval = (value: number): boolean => value >= 1 && value <= LARGEST_INTERVAL;

/** 0: nothing that makes sense. */
function toldInterval(values: Float64Array, has: Uint8Array): number {
  const told = has[SLOT.interval] === 1 ? values[SLOT.interval]! : 0;
  const interval = isInterval(told) ? told : derivedInterval(values, has);
  return isInterval(interval) ? interval : 0;
}

function derivedInterval(values: Float64Array, has: Uint8Array): number {
  if (has[SLOT.packetInterval] === 1) {
    // So many packets are taken, then so many left out; one without the other says nothing.
    const taken = values[SLOT.packetInterval]!;
    return has[SLOT.packetSpace] === 1 ? (taken + values[SLOT.packetSpace]!) / taken : 0;
  }
  if (has[SLOT.sampleSize] === 1 && has[SLOT.samplePopulation] === 1)
    return values[SLOT.samplePopulation]! / values[SLOT.sampleSize]!;
  return has[SLOT.probability] === 1 ? 1 / values[SLOT.probability]! : 0;
}
