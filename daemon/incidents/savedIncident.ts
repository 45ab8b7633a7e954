/** An open incident as text, so that the next run goes on with it. */
import { z } from 'zod';
import type { Milliseconds } from '../../probes/probe.ts';
import { SKETCH_REGISTERS } from '../metering/distinctSketch.ts';
import { parseJson } from '../parseJson.ts';
import type { Incident } from './incident.ts';
import type { IncidentRecord } from './record.ts';

/** An incident, and what is remembered of it beside what is shown. */
export interface OpenIncident {
  record: IncidentRecord;
  /** By observation point, when it last saw it by its own clock; those that have been quiet for too long are gone. */
  readonly seenAt: Map<string, Milliseconds>;
  /** Its times come again, since a clock was set back: they must not be taken for its life. */
  spansSetBack: boolean;
  /** How long it may pause beyond what every incident may. */
  pauseMs: Milliseconds;
}

/** Both as JSON. */
export interface SavedIncident {
  readonly incident: string;
  readonly memory: string;
}

const MAX_POINTS = 1024;

/** What is reckoned with; the rest is shown as far as this version knows it. */
const trafficEvidence = z.looseObject({
  tier: z.enum(['header', 'flow', 'payload']),
  packetsPerSecond: z.number(),
  bitsPerSecond: z.number(),
  packetsByKind: z.record(z.string(), z.number()),
  topSources: z.array(z.object({ address: z.string(), share: z.number() })),
  topPorts: z.array(z.object({ port: z.number(), share: z.number() })),
  packets: z.number(),
  bytes: z.number(),
});
const pressure = z.looseObject({ cpu: z.number().nullable(), memory: z.number().nullable() });
const sampleEvidence = z.looseObject({
  tier: z.literal('sample'),
  oomKills: z.number().nullable(),
  pressure,
  host: z.looseObject({ pressure }),
  waiting: z.array(z.object({ tenant: z.string(), share: z.number() })),
});

const savedIncident = z.looseObject({
  id: z.string(),
  detector: z.string(),
  signature: z.string(),
  clause: z.string(),
  title: z.string(),
  tenant: z.string(),
  direction: z.enum(['inbound', 'outbound']).nullable(),
  severity: z.enum(['warning', 'critical']),
  confidence: z.number(),
  offender: z.string().nullable(),
  victim: z.string().nullable(),
  value: z.number(),
  peak: z.number(),
  threshold: z.number(),
  unit: z.string(),
  firstSeen: z.iso.datetime(),
  lastSeen: z.iso.datetime(),
  state: z.enum(['open', 'closed']),
  observationPoint: z.string(),
  evidence: z.union([trafficEvidence, sampleEvidence]),
});

const savedMemory = z.object({
  identity: z.string(),
  firstSeenMs: z.number(),
  lastSeenMs: z.number(),
  sources: z.base64().nullable(),
  offenders: z.array(z.string()).max(2),
  seenAt: z.array(z.tuple([z.string(), z.number()])).max(MAX_POINTS),
  spansSetBack: z.boolean(),
  pauseMs: z.number().nonnegative().default(0),
});

export function saveIncident(identity: string, { record, seenAt, spansSetBack, pauseMs }: OpenIncident): SavedIncident {
  const { incident, firstSeenMs, lastSeenMs, sources, offenders } = record;
  const memory: z.input<typeof savedMemory> = {
    identity,
    firstSeenMs,
    lastSeenMs,
    sources: sources && Buffer.from(sources).toString('base64'),
    offenders: [...offenders],
    seenAt: [...seenAt],
    spansSetBack,
    pauseMs,
  };
  return { incident: JSON.stringify(incident), memory: JSON.stringify(memory) };
}

/** null: it is not what `saveIncident` gives. */
export function restoreIncident(saved: SavedIncident): { identity: string; open: OpenIncident } | null {
  const incident = parseIncident(saved.incident);
  const memory = savedMemory.safeParse(parseJson(saved.memory)).data;
  if (incident === null || memory === undefined) return null;
  const { identity, firstSeenMs, lastSeenMs, sources, offenders, seenAt, spansSetBack, pauseMs } = memory;
  const sketch = sources === null ? null : Uint8Array.from(Buffer.from(sources, 'base64'));
  if (sketch !== null && sketch.length !== SKETCH_REGISTERS) return null;
  const record: IncidentRecord = { incident, firstSeenMs, lastSeenMs, sources: sketch, offenders };
  return { identity, open: { record, seenAt: new Map(seenAt), spansSetBack, pauseMs } };
}

/** null: it is no incident. */
export function parseIncident(text: string): Incident | null {
  const parsed: unknown = parseJson(text);
  return isIncident(parsed) ? parsed : null;
}

const isIncident = (value: unknown): value is Incident => savedIncident.safeParse(value).success;
