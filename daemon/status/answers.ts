/** What the API answers beside the status snapshot: pages of lists, and what is known of one tenant or incident. Times are RFC 3339. */
import type { Incident } from '../incidents/incident.ts';
import type { Direction } from '../metering/window.ts';
import type { UsageStep } from '../store/history.ts';
import type { Health } from './health.ts';
import type { InterfaceStatus, LimitStatus, TenantStatus } from './snapshot.ts';

export interface Page<Item> {
  readonly items: readonly Item[];
  /** To be given as `cursor` for the next page; null: there is none. */
  readonly next: string | null;
}

/** A page that the store has a part in. */
export interface PastPage<Item> extends Page<Item> {
  /** Why the store could not be read, so that only what is in memory is here; null: it was. */
  readonly missing: string | null;
}

/** A limit that has ended. */
export interface LimitRecord {
  readonly tenant: string;
  /** null: both. */
  readonly direction: Direction | null;
  readonly rateBps: number;
  readonly since: string;
  /** When it was to end by itself; null: when somebody lifted it. */
  readonly until: string | null;
  readonly reason: string;
  /** `weir`: the daemon of itself. */
  readonly by: string;
  readonly ended: { readonly at: string; readonly reason: string; readonly by: string };
}

export interface IncidentDetail {
  readonly incident: Incident;
  /** The same for a person. */
  readonly words: {
    readonly subject: string;
    readonly value: string;
    readonly evidence: readonly string[];
    readonly origin: string;
  };
  /** The largest value of each minute, from ten minutes before it to ten after; what stayed below a tenth of the threshold is missing. */
  readonly heights: readonly { readonly at: string; readonly value: number }[];
  /** What the tenant is limited to now, whatever led to it; null: nothing. */
  readonly limit: LimitStatus | null;
  /** Ended limits of the tenant that stood while it was open, or within a minute of it; the last ones first, at most 50. */
  readonly limits: readonly LimitRecord[];
  /** Whether /api/incidents/ID/evidence.pcap has something. */
  readonly hasEvidence: boolean;
  /** As in a page. */
  readonly missing: string | null;
}

export interface MonthUsage {
  /** `2026-03`, by UTC. */
  readonly month: string;
  /** Five-minute rates that the 95th percentiles are of. */
  readonly samples: number;
  readonly inPercentile95Bps: number;
  readonly outPercentile95Bps: number;
  readonly inBytes: number;
  readonly outBytes: number;
}

export interface TenantDetail {
  readonly tenant: TenantStatus;
  /** CIDR blocks. */
  readonly addresses: readonly string[];
  /** This month and the one before, as far as something is known. */
  readonly months: readonly MonthUsage[];
  readonly missing: string | null;
}

export interface UsageAnswer {
  readonly tenant: string;
  readonly step: UsageStep;
  readonly from: string;
  readonly to: string;
  /** Steps of which nothing is known are missing; at most 2,000. */
  readonly points: readonly UsageAnswerPoint[];
  /** `from` of what is left; null: nothing is. */
  readonly next: string | null;
  /** Of the month that was asked for; null: none was, or nothing is known. */
  readonly month: MonthUsage | null;
}

export interface UsageAnswerPoint {
  readonly at: string;
  /** For how much of the step it was watched. */
  readonly knownSeconds: number;
  readonly inBytes: number;
  readonly inPackets: number;
  readonly outBytes: number;
  readonly outPackets: number;
}

/** What is told every second: enough to see that something happens. */
export interface Overview {
  readonly now: string;
  readonly health: Health;
  readonly interfaces: readonly Pick<
    InterfaceStatus,
    'name' | 'state' | 'packetsPerSecond' | 'bitsPerSecond' | 'lossRatio'
  >[];
  readonly openIncidents: number;
  readonly limits: number;
  /** Those with the highest rates, at most 20. */
  readonly tenants: readonly TenantStatus[];
}
