/** The configuration that is measured: 200 tenants in IPv4 and IPv6, all detectors on. */
import { stringify } from 'yaml';
import { tenantPrefixes, TENANTS } from './workload/addresses.ts';

/** Packets a second, of both flood detectors. */
export const FLOOD_THRESHOLD = 20_000;

/** YAML; `capture` are other keys of the interface, `sections` other sections. */
export function benchConfiguration(
  interfaceName: string,
  alertmanagerUrls: readonly string[] = [],
  capture: Readonly<Record<string, string>> = {},
  sections: Readonly<Record<string, unknown>> = {},
): string {
  return stringify({
    interfaces: [{ name: interfaceName, ...capture }],
    tenants: Array.from({ length: TENANTS }, (_, tenant) => ({
      id: `tenant-${tenant}`,
      addresses: tenantPrefixes(tenant),
    })),
    detectors: {
      synFlood: { packetsPerSecond: FLOOD_THRESHOLD },
      udpFlood: { packetsPerSecond: FLOOD_THRESHOLD },
    },
    alertmanager: { urls: alertmanagerUrls },
    ...sections,
  });
}
