/** The configuration as the daemon reads it: every value is there, checked and in the unit that its name says. */
import type { DetectorConfigs } from '../detectors/index.ts';
import type { Tenant } from '../tenants/tenant.ts';

export interface InterfaceConfig {
  readonly name: string;
  readonly faces: 'internet' | 'tenant';
  /** The tenant whose own port it is; null: it faces the internet. */
  readonly tenant: string | null;
  readonly promiscuous: boolean;
  readonly ring: { readonly blockSizeBytes: number; readonly blocks: number };
}

export interface SocketAddress {
  /** Without brackets. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface Config {
  readonly interfaces: readonly InterfaceConfig[];
  readonly tenants: readonly Tenant[];
  readonly detectors: DetectorConfigs;
  readonly enforcement: { readonly mode: 'observe' | 'enforce'; readonly holdMs: number };
  readonly incidents: { readonly closeAfterMs: number; readonly maxOpen: number };
  readonly status: { readonly listen: SocketAddress };
  readonly alertmanager: { readonly urls: readonly string[]; readonly resendMs: number };
  readonly log: { readonly level: LogLevel };
}
