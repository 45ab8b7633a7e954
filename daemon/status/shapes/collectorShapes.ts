/** The shape of what the flow collector tells, as the API answers it. */
import { z } from 'zod';
import type { CollectorStatus } from '../collectorStatus.ts';
import { numberOrNull, orNull, time } from './incidentShapes.ts';

const figures = z.strictObject({
  octets: numberOrNull,
  packets: numberOrNull,
  discards: numberOrNull,
  errors: numberOrNull,
});

const exporter = z.strictObject({
  address: z.string(),
  protocols: z.array(z.string()),
  messages: z.number(),
  records: z.number(),
  packets: z.number(),
  octets: z.number(),
  malformed: z.record(z.string(), z.number()),
  lostRecords: numberOrNull,
  lostMessages: numberOrNull,
  missingTemplates: z.number(),
  unaddressedRecords: z.number(),
  templates: z.number(),
  evictedTemplates: z.number(),
  evictedDomains: z.number(),
  lateRecords: z.number(),
  lateOctets: z.number(),
  emptyRecords: z.number(),
  futureRecords: z.number(),
  implausibleRecords: z.number(),
  crowdedOutRecords: z.number(),
  unknownSamplingRecords: z.number(),
  otherFrames: z.number(),
  samplingInterval: numberOrNull,
  clockShiftSeconds: z.number(),
  interfaces: z.array(
    z.strictObject({
      index: z.number(),
      speedBps: numberOrNull,
      inbound: figures,
      outbound: figures,
      lastSampleAt: time,
    }),
  ),
  lastMessageAt: time,
});

const listener = z.strictObject({
  transport: z.enum(['udp', 'tcp']),
  address: z.string(),
  receiveBufferBytes: numberOrNull,
  receiveBufferAskedBytes: numberOrNull,
  dropped: numberOrNull,
  connections: orNull(
    z.strictObject({
      open: z.number(),
      accepted: z.number(),
      refused: z.number(),
      crowdedOut: z.number(),
      cutMalformed: z.number(),
      cutSlow: z.number(),
    }),
  ),
});

export const collector = z.strictObject({
  state: z.enum(['starting', 'up', 'dead']),
  lastReportAt: orNull(time),
  workerRestarts: z.number(),
  listeners: z.array(listener),
  windowSeconds: z.number(),
  lagSeconds: z.number(),
  lastWindowAt: orNull(time),
  strangers: z.number(),
  crowdedOut: z.number(),
  detectorsNotRun: z.array(z.string()),
  exporters: z.array(exporter),
}) satisfies z.ZodType<CollectorStatus>;
