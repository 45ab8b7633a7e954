/** The one list of detectors: adding one is its file and its line here. */
import { z } from 'zod';
import type { Observed } from '../metering/window.ts';
import { amplification } from './amplification.ts';
import { bandwidthThreshold } from './bandwidthThreshold.ts';
import { carpetBomb } from './carpetBomb.ts';
import { cpuOveruse } from './cpuOveruse.ts';
import type { Detector, DetectorConfig, DetectorContext, DetectorDefinition } from './detector.ts';
import { extensionHeaderFlood } from './extensionHeaderFlood.ts';
import { fragmentFlood } from './fragmentFlood.ts';
import { headerAnomaly } from './headerAnomaly.ts';
import { hostSweep } from './hostSweep.ts';
import { icmpFlood } from './icmpFlood.ts';
import { memoryOveruse } from './memoryOveruse.ts';
import { neighbourFlood } from './neighbourFlood.ts';
import { portScan } from './portScan.ts';
import { protocolFlood } from './protocolFlood.ts';
import { allowing } from './shared/allowList.ts';
import { spoofedSource } from './spoofedSource.ts';
import { synFlood } from './synFlood.ts';
import { sustainedThroughput } from './sustainedThroughput.ts';
import { tcpFlood } from './tcpFlood.ts';
import { udpFlood } from './udpFlood.ts';

export const detectorDefinitions: readonly DetectorDefinition[] = [
  synFlood,
  tcpFlood,
  udpFlood,
  icmpFlood,
  fragmentFlood,
  extensionHeaderFlood,
  neighbourFlood,
  protocolFlood,
  amplification,
  carpetBomb,
  headerAnomaly,
  spoofedSource,
  portScan,
  hostSweep,
  bandwidthThreshold,
  sustainedThroughput,
  cpuOveruse,
  memoryOveruse,
];

/** By detector id. */
export type DetectorConfigs = Readonly<Record<string, DetectorConfig>>;

/** The configuration's `detectors`: a section each, all of them optional. */
export const detectorsSection = z
  .strictObject(Object.fromEntries(detectorDefinitions.map(({ id, config }) => [id, config])))
  .prefault({});

/** Whose detectors have to be made anew when the configuration changes from one to the other. */
export function changedDetectors(before: DetectorConfigs, after: DetectorConfigs, plansDiffer: boolean): Set<string> {
  const changed = detectorDefinitions.filter(
    ({ id, readsPlans = false }) =>
      (plansDiffer && readsPlans) || JSON.stringify(before[id]) !== JSON.stringify(after[id]),
  );
  return new Set(changed.map(({ id }) => id));
}

/** The detectors of one observation point: those that can judge its windows, and are not off. */
export function createDetectors(configs: DetectorConfigs, context: DetectorContext, observed: Observed): Detector[] {
  const shared = { ...context, scans: new Map() };
  return detectorDefinitions.flatMap((definition) => {
    if (!definition.observes.includes(observed)) return [];
    const config = configs[definition.id] ?? definition.config.parse({});
    if (config.mode === 'off') return [];
    return [allowing(definition.create(config, shared), config.allow ?? [], context)];
  });
}
