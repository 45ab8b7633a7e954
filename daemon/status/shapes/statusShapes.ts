/** The shapes of what the daemon knows of itself, as the API answers them. */
import { z } from 'zod';
import type { WorkloadStatus } from '../hostStatus.ts';
import type { LimitStatus, StatusSnapshot, TenantStatus } from '../snapshot.ts';
import { collector } from './collectorShapes.ts';
import { detectorModes, direction, incident, numberOrNull, orNull, share, time } from './incidentShapes.ts';

const waits = z.strictObject({ cpu: numberOrNull, memory: numberOrNull });
const queue = z.strictObject({ packets: z.number(), bytes: z.number(), drops: z.number() });
const limitTraffic = z.strictObject({
  offered: orNull(z.strictObject({ packets: z.number(), bytes: z.number() })),
  voice: orNull(queue),
  bulk: orNull(queue),
});

export const limit = z.strictObject({
  tenant: z.string(),
  direction: orNull(direction),
  rateBps: z.number(),
  state: z.enum(['pending', 'inForce', 'observed', 'exempt', 'failed']),
  reason: z.string(),
  since: time,
  until: orNull(time),
  by: orNull(z.string()),
  incident: orNull(z.string()),
  offeredBps: numberOrNull,
  callsUp: numberOrNull,
  outbound: orNull(limitTraffic),
  inbound: orNull(limitTraffic),
}) satisfies z.ZodType<LimitStatus>;

const rate = z.strictObject({ packetsPerSecond: z.number(), bitsPerSecond: z.number() });

const workload = z.strictObject({
  name: z.string(),
  state: z.enum(['running', 'absent', 'unreadable', 'unknown']),
  cpuCores: numberOrNull,
  cpuLimitCores: numberOrNull,
  cpuSeconds: numberOrNull,
  throttledSeconds: numberOrNull,
  oomKills: numberOrNull,
  memoryBytes: numberOrNull,
  workingSetBytes: numberOrNull,
  memoryLimitBytes: numberOrNull,
  waits,
}) satisfies z.ZodType<WorkloadStatus>;

export const tenant = z.strictObject({
  id: z.string(),
  inbound: orNull(rate),
  outbound: orNull(rate),
  plan: z.strictObject({
    portBps: numberOrNull,
    guaranteed: z.boolean(),
    thresholdBps: numberOrNull,
    thresholdPacketsPerSecond: numberOrNull,
    limitBps: numberOrNull,
  }),
  limit: orNull(limit),
  workload: orNull(workload),
  openIncidents: z.number(),
}) satisfies z.ZodType<TenantStatus>;

const link = z.strictObject({
  speedBps: numberOrNull,
  isFullDuplex: orNull(z.boolean()),
  mtuBytes: numberOrNull,
  isPromiscuous: orNull(z.boolean()),
});

export const watchedInterface = z.strictObject({
  name: z.string(),
  faces: z.enum(['internet', 'tenant']),
  tenant: orNull(z.string()),
  state: z.enum(['up', 'down', 'absent', 'ended', 'restarting', 'starting', 'dead']),
  received: z.number(),
  dropped: numberOrNull,
  lossRatio: orNull(share),
  reattached: z.number(),
  lastPacketAt: orNull(time),
  lastWindowAt: orNull(time),
  packetsPerSecond: numberOrNull,
  bitsPerSecond: numberOrNull,
  malformed: z.record(z.string(), z.number()),
  evicted: z.strictObject({ targets: z.number(), sources: z.number() }),
  workerRestarts: z.number(),
  captureProcess: orNull(z.strictObject({ restarts: z.number(), lastFailure: orNull(z.string()) })),
  link: orNull(link),
  onlySees: orNull(z.strictObject({ direction, since: time })),
  clock: z.strictObject({ jumps: z.number(), lastJumpSeconds: numberOrNull, lastJumpAt: orNull(time) }),
  unseen: z.strictObject({ bytes: numberOrNull, packets: numberOrNull }),
});

const host = z.strictObject({
  sampledAt: orNull(time),
  everySeconds: z.number(),
  rounds: z.number(),
  failedRounds: z.number(),
  failure: orNull(z.string()),
  isSearchCutShort: z.boolean(),
  cores: numberOrNull,
  cpuCores: numberOrNull,
  cpuSeconds: numberOrNull,
  load1: numberOrNull,
  memoryTotalBytes: numberOrNull,
  memoryAvailableBytes: numberOrNull,
  swapUsedBytes: numberOrNull,
  waits,
});

const alertmanager = z.strictObject({
  url: z.string(),
  ok: orNull(z.boolean()),
  lastSuccessAt: orNull(time),
  lastError: orNull(z.string()),
  pending: z.number(),
  alertsSent: z.number(),
  alertsDropped: z.number(),
  postsFailed: z.number(),
});

const store = z.strictObject({
  path: z.string(),
  state: z.enum(['opening', 'ok', 'stalled', 'failing']),
  lastError: orNull(z.string()),
  batches: z.number(),
  failures: z.number(),
  waiting: z.number(),
  dropped: z.number(),
  size: orNull(z.strictObject({ bytes: z.number(), walBytes: z.number() })),
  lastWrittenAt: orNull(time),
});

export const snapshot = z.strictObject({
  version: z.string(),
  startedAt: time,
  now: time,
  uptimeSeconds: z.number(),
  config: orNull(z.string()),
  reload: orNull(z.strictObject({ at: time, refused: orNull(z.string()) })),
  enforcement: z.strictObject({
    mode: z.enum(['observe', 'enforce']),
    queues: orNull(z.enum(['fq_codel', 'fifo'])),
    stoppedAt: orNull(time),
    error: orNull(z.string()),
  }),
  interfaces: z.array(watchedInterface),
  collector: orNull(collector),
  host: orNull(host),
  tenants: z.array(tenant),
  incidents: z.array(incident),
  incidentCounters: z.strictObject({
    opened: z.number(),
    closed: z.number(),
    suppressed: z.number(),
    candidatesEvicted: z.number(),
  }),
  limits: z.array(limit),
  alertmanager: z.array(alertmanager),
  store: orNull(store),
  detectors: detectorModes,
  self: z.strictObject({ rssBytes: z.number(), cpuSeconds: z.number(), eventLoopDelayP99Ms: numberOrNull }),
}) satisfies z.ZodType<StatusSnapshot>;
