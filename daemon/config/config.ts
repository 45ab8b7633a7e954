/** The configuration as the daemon reads it: every value is there, checked and in the unit that its name says. */
import type { Workload } from '../../probes/sample.ts';
import type { DetectorConfigs } from '../detectors/index.ts';
import type { Exempt } from '../enforcement/places.ts';
import type { EnforcementPolicy } from '../enforcement/policy.ts';
import type { ExporterConfig } from '../metering/collectorProtocol.ts';
import type { Tenant } from '../tenants/tenant.ts';

export interface InterfaceConfig {
  readonly name: string;
  readonly faces: 'internet' | 'tenant';
  /** The tenant whose own port it is; null: it faces the internet. */
  readonly tenant: string | null;
  readonly promiscuous: boolean;
  readonly capture: RingCapture | CapCapture;
}

/** The kernel's own ring, mapped. */
export interface RingCapture {
  readonly by: 'ring';
  readonly blockSizeBytes: number;
  readonly blocks: number;
}

/** The npm package `cap`, over libpcap. */
export interface CapCapture {
  readonly by: 'cap';
  /** Empty: every packet. */
  readonly filter: string;
  readonly bufferBytes: number;
}

export interface SocketAddress {
  /** Without brackets. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface CollectorConfig {
  /** Where NetFlow, IPFIX and sFlow are received over UDP. */
  readonly listen: readonly SocketAddress[];
  /** Where IPFIX is received over TCP. */
  readonly tcp: readonly SocketAddress[];
  /** Whose flow records are taken; nobody else's. */
  readonly exporters: readonly ExporterConfig[];
  /** The longest that an exporter waits until it tells of a flow that goes on. */
  readonly activeTimeoutMs: number;
  /** Of each UDP socket. */
  readonly receiveBufferBytes: number;
  /** The file that keeps the exporters' templates over a restart. */
  readonly templates: string;
}

/** Whose CPU and memory are sampled, and where they are found. */
export interface TenantWorkload {
  readonly tenant: string;
  readonly workload: Workload;
}

/** What may be limited, and for how long: see policy.ts and places.ts in enforcement/. */
export interface EnforcementConfig extends Omit<EnforcementPolicy, 'observedTenants'> {
  /** Ids of tenants for whom nothing but a look is taken. */
  readonly observedTenants: readonly string[];
  readonly exempt: Exempt;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface Config {
  readonly interfaces: readonly InterfaceConfig[];
  /** No interface is named, and none is ruled out: that of the default route is watched. */
  readonly defaultInterface: boolean;
  /** null: flow exporters are not listened to. */
  readonly collector: CollectorConfig | null;
  readonly tenants: readonly Tenant[];
  /** Of those tenants that have one; metering traffic needs none of it. */
  readonly workloads: readonly TenantWorkload[];
  /** How often CPU and memory are sampled. */
  readonly host: { readonly everyMs: number };
  readonly detectors: DetectorConfigs;
  readonly enforcement: EnforcementConfig;
  readonly incidents: { readonly closeAfterMs: number; readonly maxOpen: number };
  /** `socket`: the path of the unix socket through which things are changed. */
  readonly status: { readonly listen: SocketAddress; readonly socket: string };
  readonly alertmanager: { readonly urls: readonly string[]; readonly resendMs: number };
  /** `path` null: nothing is kept over a restart. `keepMs`: of incidents, ended limits and the finer usage. */
  readonly store: { readonly path: string | null; readonly keepMs: number };
  readonly log: { readonly level: LogLevel };
}
