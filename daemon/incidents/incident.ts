/** The Incident: findings with one identity over time. The field names are those of `weir replay --json` and the API. */
import type { Clause, Evidence, SampleEvidence, Severity, Unit } from '../detectors/detector.ts';
import type { Direction } from '../metering/window.ts';

export type IncidentState = 'open' | 'closed';

export interface TrafficEvidence extends Evidence {
  /** Estimated distinct sources over the incident's life, and the estimate's relative standard error. */
  readonly sources?: { readonly distinct: number; readonly error: number };
  /** Packets and bytes of the windows that found it. */
  readonly packets: number;
  readonly bytes: number;
}

/** Told apart by `tier`. */
export type IncidentEvidence = TrafficEvidence | SampleEvidence;

export interface Incident {
  /** Stable for the same identity and opening time: a replay gives the same one. */
  readonly id: string;
  readonly detector: string;
  readonly signature: string;
  readonly clause: Clause;
  readonly title: string;
  readonly tenant: string;
  /** null: it is not about traffic. */
  readonly direction: Direction | null;
  readonly severity: Severity;
  readonly confidence: number;
  readonly offender: string | null;
  readonly victim: string | null;
  /** The latest value; `peak` is the largest. */
  readonly value: number;
  readonly peak: number;
  readonly threshold: number;
  readonly unit: Unit;
  /** RFC 3339. */
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly state: IncidentState;
  readonly observationPoint: string;
  readonly evidence: IncidentEvidence;
}

export type IncidentEvent = 'opened' | 'refreshed' | 'closed';

export interface IncidentChange {
  readonly event: IncidentEvent;
  readonly incident: Incident;
}
