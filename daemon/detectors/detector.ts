/** The contract of a detector, and the Finding that it gives. */
import type { ZodType } from 'zod';
import type { DistinctSketch } from '../metering/distinctSketch.ts';
import type { Direction, Observed, Window } from '../metering/window.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ScanMemory } from './shared/scanMemory.ts';

/** Ids of the policy's clauses; every signature names the one that it is evidence for. */
export type Clause =
  | 'network.disruption'
  | 'network.snooping'
  | 'network.spoofing'
  | 'network.throughput'
  | 'resource.cpu'
  | 'resource.memory';

export type Severity = 'warning' | 'critical';
export type Unit = 'packets' | 'packets/s' | 'bit/s' | 'cores' | 'bytes' | 'kills' | 'contacts';
export type DetectorMode = 'off' | 'observe' | 'enforce';
/** What the evidence of traffic was read from. */
export type EvidenceTier = 'header' | 'flow' | 'payload';

/** What one detector can name, and how surely it must be seen before it is an incident. */
export interface Signature {
  readonly id: string;
  /** The id of the detector that names it. */
  readonly detector: string;
  readonly clause: Clause;
  /** One sentence for a person: what it means. */
  readonly title: string;
  readonly unit: Unit;
  /** Opens when the threshold is passed in `windows` of the last `of` windows, or at once at `atOnce` times the threshold. */
  readonly entry: { readonly windows: number; readonly of: number; readonly atOnce: number };
  /** Stays open while the value is at least this share of the threshold. */
  readonly leaveBelow: number;
}

/** How the port of a tenant was used in one direction, by the means of 5 minutes. */
export interface PortUse {
  readonly portBps: number;
  /** The time that the median, duty and variation are of. */
  readonly overMs: number;
  readonly medianBps: number;
  /** Share of the time in which it was busy. */
  readonly dutyShare: number;
  /** Standard deviation by mean. */
  readonly variation: number;
  /** Of the calendar month so far, as billing takes it; null: not known. */
  readonly percentile95Bps: number | null;
}

/** What has become of an address' first contacts with others, as far as they are remembered. */
export interface ContactCounts {
  /** Estimated number of distinct hosts. */
  readonly hosts: number;
  readonly answered: number;
  readonly refused: number;
  readonly silent: number;
  /** Those whose answers would not be seen. */
  readonly unknown: number;
}

/** What packets or flows showed. */
export interface Evidence {
  readonly tier: EvidenceTier;
  /** Of which sort, where the signature has several: `ack`, `dns`, `xmas`. */
  readonly type?: string;
  readonly packetsPerSecond: number;
  readonly bitsPerSecond: number;
  /** Packets by kind in the window, those that are not 0: `{ tcpSyn: 12000 }`. */
  readonly packetsByKind: Readonly<Record<string, number>>;
  readonly topSources: readonly { readonly address: string; readonly share: number }[];
  readonly topPorts: readonly { readonly port: number; readonly share: number }[];
  /** The sources, or many of them, are forged: they cannot be where the packets come from. */
  readonly hasForgedSources?: true;
  /** Source ports, where they tell something: services that are used as reflectors. */
  readonly topSourcePorts?: readonly { readonly port: number; readonly share: number }[];
  /** Estimated number of distinct destination ports. */
  readonly distinctPorts?: number;
  /** Of a finding about it. */
  readonly port?: PortUse;
  /** Of a scan. */
  readonly contacts?: ContactCounts;
}

/** Shares, 0 … 1, of the time in which tasks waited (PSI `some`). */
export interface PressureShares {
  readonly cpu: number | null;
  readonly memory: number | null;
}

/** What the last window's samples showed of the tenant's workload and of the host; null: not known. */
export interface SampleEvidence {
  readonly tier: 'sample';
  readonly cpuCores: number | null;
  /** Processors that its quota allows; null: no quota, or not known. */
  readonly cpuLimitCores: number | null;
  /** Of the time, in which its quota held it back; all its processors' added up, so that it may pass 1. */
  readonly throttledShare: number | null;
  readonly memoryBytes: number | null;
  readonly workingSetBytes: number | null;
  /** null: no limit, or not known. */
  readonly memoryLimitBytes: number | null;
  /** Of all windows that found it, once it is an incident's. */
  readonly oomKills: number | null;
  readonly pressure: PressureShares;
  readonly host: {
    readonly cores: number | null;
    readonly cpuCores: number | null;
    readonly load1: number | null;
    readonly memoryTotalBytes: number | null;
    readonly memoryAvailableBytes: number | null;
    readonly pressure: PressureShares;
  };
  /** The other tenants whose workloads waited for the same, the longest first; at most five. */
  readonly waiting: readonly { readonly tenant: string; readonly share: number }[];
}

/** One detector's verdict on one subject in one window. Given as long as the value is not below `leaveBelow`. */
export interface Finding {
  readonly signature: Signature;
  /** The tenant's id. */
  readonly tenant: string;
  /** null: it is not about traffic. */
  readonly direction: Direction | null;
  /** The address (or tenant id) that does it; null: unknown or many. */
  readonly offender: string | null;
  /** The address (or tenant id) that suffers it; null: nobody in particular. */
  readonly victim: string | null;
  /** Whom the incident goes on to be about, should that not be the victim, else the offender. */
  readonly subject?: string;
  /** It may pause for so long without being over; 0 if left out. */
  readonly pauseMs?: number;
  readonly severity: Severity;
  /** 0 … 1: how sure the evidence makes it. */
  readonly confidence: number;
  readonly value: number;
  readonly threshold: number;
  /** The value by the measure of the option that is its threshold, where a sort weighs more than another; left out: the value. */
  readonly level?: number;
  readonly evidence: Evidence | SampleEvidence;
  /** Registers of the distinct sources, united over an incident's life. */
  readonly sources?: DistinctSketch;
}

/**
 * What a detector measures of one subject, whether or not it is worth a finding; of what passes its threshold it has the
 * parties, value and threshold of the finding.
 */
export interface Reading extends Pick<Finding, 'signature' | 'direction' | 'offender' | 'victim' | 'subject'> {
  /** null: not known, or not judged. */
  readonly value: number | null;
  /** null: there is none to pass. */
  readonly threshold: number | null;
  /** What keeps the detector from judging, or made it count less than there is, for a person; null: nothing does. */
  readonly reason: string | null;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Of one detector on one tenant. */
export const MAX_READINGS = 8;

/** No clock, no I/O, bounded memory; one instance sees the windows of one observation point, in order. */
export interface Detector {
  readonly id: string;
  readonly signatures: readonly Signature[];
  observe(window: Window): Finding[];
  /**
   * Where a tenant (by its number) stands in the window that `observe` has just been given: of every signature the subjects
   * nearest to the threshold, at most MAX_READINGS, and at least one that says why there is nothing. Changes nothing, and is
   * called only when somebody asks.
   */
  explain(window: Window, tenant: number): readonly Reading[];
  /** The detector's memory, to survive a restart; null where it has none. */
  save(): Json;
  /** Takes up what `save` gave; anything else is ignored. */
  restore(state: Json): void;
}

export interface DetectorContext {
  /** By tenant number - 1. */
  readonly tenants: readonly Tenant[];
  /** The number of the tenant that an address (as four words) belongs to; 0: nobody's. */
  readonly directory: { lookup(w0: number, w1: number, w2: number, w3: number): number };
  /** Whether a tenant's traffic (by its number) is accounted for where the windows come from; left out: it is. */
  readonly accountsFor?: (tenant: number) => boolean;
  /** The number of the tenant at whose own port the windows are metered; 0: they are of everybody. */
  readonly portTenant: number;
  /** The seed of `hashAddress` that the windows were metered with. */
  readonly hashSeed: number;
  /** What detectors of scans remember together, by their threshold; left out: each has its own. */
  readonly scans?: Map<number, ScanMemory>;
  /** Takes note of a value that gives no finding, and by which a threshold may be proposed later. */
  noteLevel?(signature: string, tenant: string, direction: Direction | null, value: number): void;
}

/** What every detector's section has. */
export interface DetectorConfig {
  readonly mode: DetectorMode;
  /** Prefixes and tenant ids whose doing is no finding (shared/allowList.ts); of detectors of traffic. */
  readonly allow?: readonly string[];
}

/** An option of a detector's section that is the threshold of one of its signatures, as `weir advise` proposes it. */
export interface ThresholdOption {
  readonly signature: Signature;
  readonly option: string;
  /** What it must not be below, to be worth anything. */
  readonly least: number;
}

/** A line of the list in index.ts: the detector's config section and how to make one. */
export interface DetectorDefinition<Config extends DetectorConfig = DetectorConfig> {
  readonly id: string;
  /** The windows that it can judge; at other observation points it does not run, and the status says so. */
  readonly observes: readonly Observed[];
  /** Whether it looks at the tenants' plans; left out: it does not, and outlives a change of them. */
  readonly readsPlans?: true;
  /** Parses the detector's section; every key has a default. */
  readonly config: ZodType<Config>;
  /** Left out: none of its options is one. */
  readonly thresholds?: readonly ThresholdOption[];
  create(config: Config, context: DetectorContext): Detector;
}
