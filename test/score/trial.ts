/** What the scoreboard judges: traffic with its label, and what Weir made of it. */
import type { Clause } from '../../daemon/detectors/detector.ts';
import type { Incident } from '../../daemon/incidents/incident.ts';
import type { Direction } from '../../daemon/metering/window.ts';
import type { Milliseconds } from '../../probes/probe.ts';

/** An incident as a label describes it; what is left out may be anything. */
export interface Named {
  /** Any of these is right. */
  readonly detector: string | readonly string[];
  /** The sub-type that the evidence must name. */
  readonly type?: string;
  readonly tenant?: string;
  readonly direction?: Direction;
  readonly offender?: string | null;
  readonly victim?: string | null;
}

/** A tenant as the configuration file would have it. */
export interface WrittenTenant {
  readonly id: string;
  readonly addresses: readonly string[];
  readonly macs?: readonly string[];
  readonly plan?: Readonly<Record<string, unknown>>;
}

/**
 * `attack` has something to be named; on `benign` traffic a name is a false alarm; `other` is bad or odd, but not what these detectors
 * are for.
 */
export type TrialKind = 'attack' | 'benign' | 'other';

export interface Trial {
  /** Unique. */
  readonly name: string;
  readonly kind: TrialKind;
  /** Each of them once. */
  readonly expected: readonly Named[];
  /** What is no mistake beside them, however often. */
  readonly allowed: readonly Named[];
  observe(): Observation;
}

export interface Seen {
  /** As the end of the traffic left it. */
  readonly incident: Incident;
  /** The end of the window that opened it. */
  readonly openedMs: Milliseconds;
}

export interface Observation {
  readonly seen: readonly Seen[];
  /** IP packets, each segment of a super-packet for itself. */
  readonly packets: number;
  /** Packet time; no gap counts for more than a minute. */
  readonly hours: number;
  /** Of each expected incident the times of the packets that deserve it, in order. */
  readonly attackTimesMs: readonly (readonly Milliseconds[])[];
}

/** The clauses whose detectors the scoreboard judges. */
export const JUDGED: ReadonlySet<Clause> = new Set<Clause>([
  'network.disruption',
  'network.snooping',
  'network.spoofing',
  'network.throughput',
]);
