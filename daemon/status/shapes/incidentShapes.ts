/** The shapes of incidents and of where a tenant stands, as the API answers them. */
import { z } from 'zod';
import type { Incident, TrafficEvidence } from '../../incidents/incident.ts';
import type { SampleEvidence } from '../../detectors/detector.ts';
import type { Explanation } from '../explanation.ts';

/** RFC 3339. */
export const time = z.string().meta({ format: 'date-time' });
export const share = z.number().min(0);
export const orNull = <Shape extends z.ZodType>(shape: Shape) => z.union([shape, z.null()]);
export const numberOrNull = orNull(z.number());
export const direction = z.enum(['inbound', 'outbound']);
const clause = z.enum([
  'network.disruption',
  'network.snooping',
  'network.spoofing',
  'network.throughput',
  'resource.cpu',
  'resource.memory',
]);
const unit = z.enum(['packets', 'packets/s', 'bit/s', 'cores', 'bytes', 'kills', 'contacts']);
const mode = z.enum(['off', 'observe', 'enforce']);
const portShares = z.array(z.strictObject({ port: z.number(), share }));

const trafficEvidence = z.strictObject({
  tier: z.enum(['header', 'flow', 'payload']),
  type: z.exactOptional(z.string()),
  packetsPerSecond: z.number(),
  bitsPerSecond: z.number(),
  packetsByKind: z.record(z.string(), z.number()),
  topSources: z.array(z.strictObject({ address: z.string(), share })),
  topPorts: portShares,
  hasForgedSources: z.exactOptional(z.literal(true)),
  topSourcePorts: z.exactOptional(portShares),
  distinctPorts: z.exactOptional(z.number()),
  port: z.exactOptional(
    z.strictObject({
      portBps: z.number(),
      overMs: z.number(),
      medianBps: z.number(),
      dutyShare: share,
      variation: z.number(),
      percentile95Bps: numberOrNull,
    }),
  ),
  contacts: z.exactOptional(
    z.strictObject({
      hosts: z.number(),
      answered: z.number(),
      refused: z.number(),
      silent: z.number(),
      unknown: z.number(),
    }),
  ),
  sources: z.exactOptional(z.strictObject({ distinct: z.number(), error: z.number() })),
  packets: z.number(),
  bytes: z.number(),
}) satisfies z.ZodType<TrafficEvidence>;

const pressure = z.strictObject({ cpu: numberOrNull, memory: numberOrNull });

const sampleEvidence = z.strictObject({
  tier: z.literal('sample'),
  cpuCores: numberOrNull,
  cpuLimitCores: numberOrNull,
  throttledShare: numberOrNull,
  memoryBytes: numberOrNull,
  workingSetBytes: numberOrNull,
  memoryLimitBytes: numberOrNull,
  oomKills: numberOrNull,
  pressure,
  host: z.strictObject({
    cores: numberOrNull,
    cpuCores: numberOrNull,
    load1: numberOrNull,
    memoryTotalBytes: numberOrNull,
    memoryAvailableBytes: numberOrNull,
    pressure,
  }),
  waiting: z.array(z.strictObject({ tenant: z.string(), share })),
}) satisfies z.ZodType<SampleEvidence>;

export const incident = z.strictObject({
  id: z.string(),
  detector: z.string(),
  signature: z.string(),
  clause,
  title: z.string(),
  tenant: z.string(),
  direction: orNull(direction),
  severity: z.enum(['warning', 'critical']),
  confidence: share,
  offender: orNull(z.string()),
  victim: orNull(z.string()),
  value: z.number(),
  peak: z.number(),
  threshold: z.number(),
  unit,
  firstSeen: time,
  lastSeen: time,
  state: z.enum(['open', 'closed']),
  observationPoint: z.string(),
  evidence: z.union([trafficEvidence, sampleEvidence]),
}) satisfies z.ZodType<Incident>;

const reading = z.strictObject({
  observationPoint: z.string(),
  signature: z.string(),
  clause,
  direction: orNull(direction),
  offender: orNull(z.string()),
  victim: orNull(z.string()),
  value: numberOrNull,
  threshold: numberOrNull,
  unit,
  entry: z.strictObject({ windows: z.number(), of: z.number(), atOnce: z.number() }),
  passed: z.number(),
  leavesBelow: numberOrNull,
  incident: orNull(z.string()),
  reason: orNull(z.string()),
  verdict: z.string(),
});

export const explanation = z.strictObject({
  tenant: z.string(),
  points: z.array(
    z.strictObject({
      name: z.string(),
      observed: orNull(z.enum(['packets', 'flows', 'samples'])),
      at: orNull(time),
      trust: orNull(share),
      onlySees: orNull(direction),
    }),
  ),
  detectors: z.array(
    z.strictObject({
      id: z.string(),
      mode,
      allow: z.array(z.string()),
      reason: orNull(z.string()),
      readings: z.array(reading),
    }),
  ),
}) satisfies z.ZodType<Explanation>;

export const detectorModes = z.array(z.strictObject({ id: z.string(), mode }));
