/** The daemon's configuration for the lab: what a test does not say is as in production, but for the addresses. */
import { stringify } from 'yaml';
import type { Workload } from '../../probes/sample.ts';
import { TENANTS, type TenantId } from './topology.ts';

/** A tenant's plan, as it is written. */
export interface WrittenPlan {
  readonly port?: string;
  readonly guaranteed?: boolean;
  readonly threshold?: { readonly rate: string; readonly for: string };
  readonly limit?: string;
}

export interface LabConfiguration {
  readonly plans?: Partial<Record<TenantId, WrittenPlan>>;
  readonly workloads?: Partial<Record<TenantId, Workload>>;
  /** Further sections, as they are written. */
  readonly sections?: Readonly<Record<string, unknown>>;
}

export const ALERTMANAGER_PORT = 9093;
export const STATUS_PORT = 9737;
export const statusUrl = (port: number): string => `http://127.0.0.1:${port}`;
export const STATUS_URL = statusUrl(STATUS_PORT);

/** YAML. */
export function labConfiguration({ plans = {}, workloads = {}, sections = {} }: LabConfiguration = {}): string {
  const tenants = Object.values(TENANTS);
  return stringify({
    interfaces: [
      { name: 'eth0', faces: 'internet' },
      ...tenants.flatMap(({ id, port }) => (port === null ? [] : [{ name: port, faces: 'tenant', tenant: id }])),
    ],
    tenants: tenants.map(({ id, prefixes }) => ({
      id,
      addresses: prefixes,
      plan: { port: '100mbit', ...plans[id] },
      workload: workloads[id],
    })),
    alertmanager: { urls: [`http://127.0.0.1:${ALERTMANAGER_PORT}`] },
    // What one daemon remembers is nothing that the next one of a test should know, unless it says so.
    store: { path: 'none' },
    ...sections,
  });
}
