/** What the daemon knows of itself at one moment, as plain JSON: the answer of GET /api/status. Unknown is null, never 0. */
import type { Link } from '../../probes/link.ts';
import type { CollectorStatus, CollectorVitals } from './collectorStatus.ts';
import type { ProbeState } from '../../probes/probe.ts';
import type { AlertmanagerStatus } from '../alerting/receiver.ts';
import type { DetectorMode } from '../detectors/detector.ts';
import type { Incident } from '../incidents/incident.ts';
import type { IncidentCounters } from '../incidents/incidents.ts';
import type { Direction } from '../metering/window.ts';
import type { HostStatus, WorkloadStatus } from './hostStatus.ts';
import type { StoreStatus } from './storeStatus.ts';

/** Times are RFC 3339 throughout. */
export interface StatusSnapshot {
  readonly version: string;
  readonly startedAt: string;
  readonly now: string;
  readonly uptimeSeconds: number;
  /** Path of the configuration; null: there is none, the defaults hold. */
  readonly config: string | null;
  /** How the last attempt to reload it ended; null: there was none. */
  readonly reload: ReloadStatus | null;
  readonly enforcement: EnforcementStatus;
  readonly interfaces: readonly InterfaceStatus[];
  /** null: flow exporters are not listened to. */
  readonly collector: CollectorStatus | null;
  /** CPU and memory; null: nobody samples them. */
  readonly host: HostStatus | null;
  readonly tenants: readonly TenantStatus[];
  /** All open ones, then up to 100 that closed last. */
  readonly incidents: readonly Incident[];
  /** Since the start of the daemon. */
  readonly incidentCounters: IncidentCounters;
  readonly limits: readonly LimitStatus[];
  readonly alertmanager: readonly AlertmanagerStatus[];
  /** null: the configuration wants none. */
  readonly store: StoreStatus | null;
  readonly detectors: readonly { readonly id: string; readonly mode: DetectorMode }[];
  readonly self: SelfStatus;
}

export interface ReloadStatus {
  readonly at: string;
  /** Why nothing of it was taken up; null: it counts. */
  readonly refused: string | null;
}

/** What its health is read from: little enough to be asked for at any time. */
export type Vitals = Pick<StatusSnapshot, 'startedAt' | 'now' | 'interfaces'> & {
  readonly collector: CollectorVitals | null;
};

export interface InterfaceStatus {
  readonly name: string;
  readonly faces: 'internet' | 'tenant';
  /** Whose own port it is; null: nobody's. */
  readonly tenant: string | null;
  /** `starting` until its worker captures, `dead` while its worker is not running. */
  readonly state: ProbeState | 'starting' | 'dead';
  /** Frames since the start of the daemon. */
  readonly received: number;
  readonly dropped: number | null;
  /** dropped / (received + dropped), 0 … 1. */
  readonly lossRatio: number | null;
  /** How often it was attached again, after it was deleted and made anew. */
  readonly reattached: number;
  readonly lastPacketAt: string | null;
  readonly lastWindowAt: string | null;
  readonly packetsPerSecond: number | null;
  readonly bitsPerSecond: number | null;
  /** Frames that could not be read, by reason; those that are not 0. */
  readonly malformed: Readonly<Record<string, number>>;
  /** Lines that the bounded tables gave up. */
  readonly evicted: { readonly targets: number; readonly sources: number };
  readonly workerRestarts: number;
  /** The process that captures, where it is one of its own (`capture: cap`); null: the worker captures itself. */
  readonly captureProcess: { readonly restarts: number; readonly lastFailure: string | null } | null;
  /** What the kernel says of its link; null: not looked at yet. */
  readonly link: Link | null;
  /** The one direction that it is shown, as is suspected; null: both are, or it cannot be known. */
  readonly onlySees: { readonly direction: Direction; readonly since: string } | null;
  /** How often the clock was set while it was watched, and by how much the last time (negative: back). */
  readonly clock: {
    readonly jumps: number;
    readonly lastJumpSeconds: number | null;
    readonly lastJumpAt: string | null;
  };
  /** What passed by the kernel's counters, and was neither captured nor counted as dropped; null: not known. */
  readonly unseen: { readonly bytes: number | null; readonly packets: number | null };
}

export interface EnforcementStatus {
  readonly mode: 'observe' | 'enforce';
  /** How the kernel queues limited packets: `fifo` where it has no fq_codel; null: it was not asked. */
  readonly queues: 'fq_codel' | 'fifo' | null;
  /** When a limit was last kept from being set because there were too many at once; null: limits are set. */
  readonly stoppedAt: string | null;
  /** Why the kernel is not as it is wanted; null: it is. */
  readonly error: string | null;
}

export interface TrafficRate {
  readonly packetsPerSecond: number;
  readonly bitsPerSecond: number;
}

export interface TenantStatus {
  readonly id: string;
  /** At the tenant's accounting point, over the last window; null: no window yet. */
  readonly inbound: TrafficRate | null;
  readonly outbound: TrafficRate | null;
  readonly plan: {
    readonly portBps: number | null;
    readonly guaranteed: boolean;
    readonly thresholdBps: number | null;
    readonly thresholdPacketsPerSecond: number | null;
    readonly limitBps: number | null;
  };
  /** What the port is limited to now; null: nothing. */
  readonly limit: LimitStatus | null;
  /** null: none is configured. */
  readonly workload: WorkloadStatus | null;
  readonly openIncidents: number;
}

export interface LimitStatus {
  readonly tenant: string;
  /** null: both. */
  readonly direction: Direction | null;
  readonly rateBps: number;
  /** `pending`: on its way into the kernel; `observed`: wanted, and not applied for the mode is observe; `exempt`: refused by the last check before tc. */
  readonly state: 'pending' | 'inForce' | 'observed' | 'exempt' | 'failed';
  /** Why it is wanted, exempt or failed, for a person. */
  readonly reason: string;
  readonly since: string;
  /** null: until it is lifted by hand. */
  readonly until: string | null;
  /** Who set it by hand; null: an incident led to it. */
  readonly by: string | null;
  /** Of the incident that led to it; null: it was set by hand, or is not set. */
  readonly incident: string | null;
  /** What the tenant offers to it, in the larger direction; null: not known yet. */
  readonly offeredBps: number | null;
  /** null: not known. */
  readonly callsUp: number | null;
  /** Since its queues were made; null: the kernel has none. */
  readonly outbound: LimitTraffic | null;
  readonly inbound: LimitTraffic | null;
}

/** One direction of a limit. */
export interface LimitTraffic {
  /** What was steered to it; null: not read yet. */
  readonly offered: { readonly packets: number; readonly bytes: number } | null;
  /** The queue that is served first: calls, signalling, small packets; null: not read yet. */
  readonly voice: QueueTraffic | null;
  /** All the rest; null: not read yet. */
  readonly bulk: QueueTraffic | null;
}

/** What passed a queue, in bytes of layer 2, and how many packets it dropped. */
export interface QueueTraffic {
  readonly packets: number;
  readonly bytes: number;
  readonly drops: number;
}

export interface SelfStatus {
  readonly rssBytes: number;
  /** User and system, all threads, since the start. */
  readonly cpuSeconds: number;
  readonly eventLoopDelayP99Ms: number | null;
}
