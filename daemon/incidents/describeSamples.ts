/** The proof of an incident of CPU or memory, a sentence a line; what is not known is left out. */
import type { PressureShares, SampleEvidence } from '../detectors/detector.ts';
import { formatQuantity, formatRate, formatShare } from './format.ts';
import type { Incident } from './incident.ts';

export function describeSamples(incident: Incident, evidence: SampleEvidence): string[] {
  const { value, peak, threshold, unit } = incident;
  const { host, pressure, waiting } = evidence;
  const measured = [
    `Peak ${formatRate(peak, unit)}`,
    `last ${formatRate(value, unit)}`,
    `threshold ${formatRate(threshold, unit)}`,
  ];
  return [
    `${measured.join(', ')}.`,
    sentence('Tenant', [...workloadParts(evidence), ...pressureParts(pressure)]),
    sentence('Host', [...hostParts(host), ...pressureParts(host.pressure)]),
    sentence(
      'Others that waited',
      waiting.map(({ tenant, share }) => `${tenant} (${formatShare(share)} of the time)`),
    ),
  ].filter((line) => line !== '');
}

function workloadParts(evidence: SampleEvidence): string[] {
  const { cpuCores, cpuLimitCores, throttledShare, memoryBytes, workingSetBytes, memoryLimitBytes, oomKills } =
    evidence;
  return [
    part(cpuCores, (cores) => `${formatQuantity(round(cores), 'cores')}${of(cpuLimitCores, 'cores')}`),
    part(throttledShare, (share) => `throttled for ${formatShare(share)} of the time`, isSome),
    part(memoryBytes, (bytes) => `memory ${formatQuantity(bytes, 'B')}${of(memoryLimitBytes, 'B')}`),
    part(workingSetBytes, (bytes) => `working set ${formatQuantity(bytes, 'B')}`),
    part(oomKills, (kills) => `${kills} OOM kills`, isSome),
  ].flat();
}

function hostParts({
  cores,
  cpuCores,
  load1,
  memoryTotalBytes,
  memoryAvailableBytes,
}: SampleEvidence['host']): string[] {
  return [
    part(cpuCores, (busy) => `${formatQuantity(round(busy), 'cores')} busy${of(cores, '')}`),
    part(load1, (load) => `load ${round(load)}`),
    part(memoryAvailableBytes, (bytes) => `${formatQuantity(bytes, 'B')} available${of(memoryTotalBytes, 'B')}`),
  ].flat();
}

const pressureParts = ({ cpu, memory }: PressureShares): string[] => [
  ...part(cpu, (share) => `waiting for CPU ${formatShare(share)} of the time`),
  ...part(memory, (share) => `waiting for memory ${formatShare(share)} of the time`, isSome),
];

const isSome = (value: number): boolean => value > 0;

const part = (
  value: number | null,
  say: (value: number) => string,
  isWorthIt: (value: number) => boolean = () => true,
): string[] => (value !== null && isWorthIt(value) ? [say(value)] : []);

const of = (whole: number | null, unit: string): string => (whole === null ? '' : ` of ${formatQuantity(whole, unit)}`);

const round = (value: number): number => Math.round(value * 100) / 100;

const sentence = (title: string, parts: readonly string[]): string =>
  parts.length === 0 ? '' : `${title}: ${parts.join(', ')}.`;
