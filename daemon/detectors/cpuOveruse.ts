/** Names a tenant whose workload holds a large share of the host's processors, the more so when the others wait for them. */
import { z } from 'zod';
import { decimal } from '../config/units.ts';
import { HOST_ROW } from '../metering/sampleTable.ts';
import type { Window } from '../metering/window.ts';
import type { DetectorDefinition, Signature } from './detector.ts';
import { Overuse, overuseOptions, type OveruseRule } from './shared/overuse.ts';
import { shareOfTime } from './shared/sampleEvidence.ts';

/** Where the kernel has no pressure: node_exporter's mixin calls a host saturated from this load per processor on. */
const SATURATED_LOAD_PER_CORE = 2;

const signature: Signature = {
  id: 'cpuOveruse',
  detector: 'cpuOveruse',
  clause: 'resource.cpu',
  title: 'The workload of a tenant holds a large share of the processors of the host.',
  unit: 'cores',
  // The time that the share is held is the patience; more windows would add none.
  entry: { windows: 1, of: 1, atOnce: 1 },
  leaveBelow: 0.7,
};

const config = z
  .strictObject({
    ...overuseOptions("the host's processors"),
    pressure: decimal(0.01, 1)
      .default(0.25)
      .describe('the host suffers while tasks wait for a processor in this share of the time (PSI) …'),
    busy: decimal(0.01, 1).default(0.9).describe('… and this share of its processors is busy'),
  })
  .prefault({});

export const cpuOveruse: DetectorDefinition<z.output<typeof config>> = {
  id: signature.detector,
  observes: ['samples'],
  config,
  create: (options, context) => new Overuse(ruleOf(options.pressure, options.busy), options, context),
};

const ruleOf = (pressure: number, busy: number): OveruseRule => ({
  signature,
  capacity: coresOf,
  use: (window, number) => shareOfTime(window, number, 'cpuSeconds'),
  granted: ({ samples }, number) => samples.get(number, 'cpuLimitCores'),
  suffers: (window) => suffers(window, pressure, busy),
  waits: 'cpuWaitSeconds',
});

const coresOf = ({ samples }: Window): number => samples.get(HOST_ROW, 'cpuLimitCores');

/** Pressure alone would not do: tasks that a quota holds back wait as well, beside processors that are idle. */
function suffers(window: Window, pressure: number, busy: number): boolean | null {
  const cores = coresOf(window);
  const busyShare = shareOfTime(window, HOST_ROW, 'cpuSeconds') / cores;
  const waited = shareOfTime(window, HOST_ROW, 'cpuWaitSeconds');
  if (!Number.isNaN(waited)) return Number.isNaN(busyShare) ? null : busyShare >= busy && waited >= pressure;
  const load = window.samples.get(HOST_ROW, 'load1') / cores;
  return Number.isNaN(busyShare + load) ? null : busyShare >= busy && load >= SATURATED_LOAD_PER_CORE;
}
