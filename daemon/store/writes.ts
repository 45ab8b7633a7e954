/** What is to be written, as the main thread gives it: every kind of write, and how two of one thing become one. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { LimitEnd, SavedLimit } from '../enforcement/limitStore.ts';
import { type Level, levelKey } from '../level.ts';

/** Columns of `UsageWrite.rows`, per tenant number - 1. */
export const USAGE_COLUMNS = ['knownMs', 'inBytes', 'inPackets', 'outBytes', 'outPackets'] as const;

/** What was counted more in a minute, and for how much longer the tenant was watched. */
export interface UsageWrite {
  readonly kind: 'usage';
  /** Since 1970. */
  readonly minute: number;
  readonly rows: Float64Array<ArrayBuffer>;
}

export interface LevelsWrite {
  readonly kind: 'levels';
  /** Since 1970. */
  readonly minute: number;
  /** Of each series its largest value. */
  readonly levels: readonly Level[];
}

export interface IncidentWrite {
  readonly kind: 'incident';
  readonly id: string;
  readonly state: 'open' | 'closed';
  readonly tenant: string;
  readonly detector: string;
  readonly clause: string;
  readonly severity: string;
  readonly firstSeenMs: Milliseconds;
  readonly lastSeenMs: Milliseconds;
  /** JSON, as the API shows it. */
  readonly incident: string;
  /** JSON of what it takes to go on with it; null: it is closed. */
  readonly memory: string | null;
}

/** Every other one that is called open is not: its close was never written. */
export interface OpenIncidentsWrite {
  readonly kind: 'openIncidents';
  readonly ids: readonly string[];
}

export interface MemoryWrite {
  readonly kind: 'memory';
  readonly point: string;
  readonly detector: string;
  readonly savedMs: Milliseconds;
  /** JSON. */
  readonly state: string;
}

export interface LimitsWrite {
  readonly kind: 'limits';
  readonly standing: readonly SavedLimit[];
  readonly atMs: Milliseconds;
}

export interface LimitEndWrite {
  readonly kind: 'limitEnd';
  readonly limit: SavedLimit;
  readonly end: LimitEnd;
}

export type Write =
  | UsageWrite
  | LevelsWrite
  | IncidentWrite
  | OpenIncidentsWrite
  | MemoryWrite
  | LimitsWrite
  | LimitEndWrite;

/** Writes of one key are about one thing: they become one while they wait. */
export function keyOf(write: Write): string {
  switch (write.kind) {
    case 'usage':
    case 'levels':
      return `${write.kind} ${write.minute}`;
    case 'incident':
      return `incident ${write.id}`;
    case 'memory':
      return `memory ${write.detector} ${write.point}`;
    case 'limitEnd':
      return `limitEnd ${limitKey(write.limit)}`;
    default:
      return write.kind;
  }
}

export const limitKey = ({ tenant, direction, sinceMs }: SavedLimit): string => `${tenant} ${direction} ${sinceMs}`;

/** Both, the earlier one first, as one write. */
export function unite(before: Write, after: Write): Write {
  if (before.kind === 'usage' && after.kind === 'usage') return { ...after, rows: sum(before.rows, after.rows) };
  if (before.kind === 'levels' && after.kind === 'levels')
    return { ...after, levels: largest([...before.levels, ...after.levels]) };
  return after;
}

const sum = (a: UsageWrite['rows'], b: UsageWrite['rows']): UsageWrite['rows'] =>
  b.map((value, i) => value + (a[i] ?? 0));

function largest(levels: readonly Level[]): Level[] {
  const byKey = new Map<string, Level>();
  for (const level of levels) {
    const key = levelKey(level);
    const known = byKey.get(key);
    if (known === undefined || level.value > known.value) byKey.set(key, level);
  }
  return [...byKey.values()];
}

/** Of an object with a few short texts. */
const OVERHEAD = 200;

/** About what it takes in memory. */
export function bytesOf(write: Write): number {
  switch (write.kind) {
    case 'usage':
      return OVERHEAD + write.rows.byteLength;
    case 'levels':
      return OVERHEAD * (1 + write.levels.length);
    case 'incident':
      return OVERHEAD + write.incident.length + (write.memory?.length ?? 0);
    case 'openIncidents':
      return OVERHEAD + 40 * write.ids.length;
    case 'memory':
      return OVERHEAD + write.state.length;
    case 'limits':
      return OVERHEAD * (1 + write.standing.length);
    default:
      return 2 * OVERHEAD;
  }
}
