/** What the main thread and the flow collector's worker tell each other. */
import type { ListenAddress, ListenerStatus } from '../../probes/netflow/collectorProbe.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import type { Tenant } from '../tenants/tenant.ts';

/** Whose flow records are taken. */
export interface ExporterConfig {
  /** A CIDR block in canonical text. */
  readonly prefix: string;
  /** One packet in so many is looked at, whatever the exporter says; null: what it says counts. */
  readonly sampling: number | null;
}

export interface CollectorInput {
  readonly udp: readonly ListenAddress[];
  readonly tcp: readonly ListenAddress[];
  readonly receiveBufferBytes: number;
  readonly exporters: readonly ExporterConfig[];
  readonly windowMs: Milliseconds;
  readonly tenants: readonly Tenant[];
  readonly hashSeed: number;
  /** What the decoder has saved before; null: nothing. */
  readonly templates: unknown;
}

/** What an interface of an exporter has counted in one direction since it began to; null: not known. */
export interface InterfaceFigures {
  readonly octets: number | null;
  readonly packets: number | null;
  readonly discards: number | null;
  readonly errors: number | null;
}

/** An interface of an exporter, as its last counter sample (sFlow) has it. */
export interface InterfaceReport {
  /** ifIndex (RFC 2863). */
  readonly index: number;
  readonly speedBps: number | null;
  readonly inbound: InterfaceFigures;
  readonly outbound: InterfaceFigures;
  readonly lastMs: Milliseconds;
}

/** One exporter since the worker started. */
export interface ExporterReport {
  readonly address: string;
  /** As far as it has sent: netflow5, ipfix … */
  readonly protocols: readonly string[];
  /** Datagrams, or IPFIX messages over TCP. */
  readonly messages: number;
  readonly records: number;
  /** Of the records, scaled up from samples. */
  readonly packets: number;
  readonly octets: number;
  /** Messages that could not be read (to the end), by reason. */
  readonly malformed: Readonly<Record<string, number>>;
  /** By the exporter's sequence numbers, in its protocol's unit; null: it has none. */
  readonly lostRecords: number | null;
  readonly lostMessages: number | null;
  /** Sets of records whose template has not come yet. */
  readonly missingTemplates: number;
  /** Records that do not name both addresses. */
  readonly unaddressedRecords: number;
  readonly templates: number;
  /** Templates and observation domains that had to make room for others. */
  readonly evictedTemplates: number;
  readonly evictedDomains: number;
  readonly lateRecords: number;
  readonly lateOctets: number;
  /** Of no packet and no octet: events. */
  readonly emptyRecords: number;
  readonly futureRecords: number;
  readonly implausibleRecords: number;
  readonly crowdedOutRecords: number;
  readonly unknownSamplingRecords: number;
  /** Sampled frames that are no IP. */
  readonly otherFrames: number;
  /** Of the last record; null: not known. */
  readonly samplingInterval: number | null;
  /** What is added to its times: its clock is off by that. */
  readonly clockShiftMs: Milliseconds;
  /** Those that it tells of, at most 64. */
  readonly interfaces: readonly InterfaceReport[];
  readonly lastMs: Milliseconds;
}

/** Since the worker started. */
export interface CollectorReport {
  readonly listeners: readonly ListenerStatus[];
  /** Datagrams and connections from addresses that are not configured. */
  readonly strangers: number;
  /** Those of configured addresses for which there was no place. */
  readonly crowdedOut: number;
  /** Who was refused last; null: nobody yet. */
  readonly lastRefused: string | null;
  /** At most 256. */
  readonly exporters: readonly ExporterReport[];
  /** What the decoder would save, if that has changed; else null. */
  readonly templates: unknown;
}
