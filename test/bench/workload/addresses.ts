/** Who speaks in the workloads: 200 tenants and the hosts outside, as IPv4 numbers and as their IPv6 counterparts. */
import type { AddressWords } from '../../../daemon/metering/address.ts';

export const TENANTS = 200;
const TENANT_NETWORK = 0x0a14;

/** 10.20.t.10, of up to 1,024 tenants: from the 256th on 10.21, from the 512th 10.22 … */
export const tenantAddress = (tenant: number): number => ((TENANT_NETWORK << 16) | (tenant << 8) | 10) >>> 0;

/** One of 2^24 hosts in 84.0.0.0/8, spread by Knuth's multiplicative hash. */
export const outsideAddress = (host: number): number => (0x54000000 | (Math.imul(host, 2654435761) >>> 8)) >>> 0;

/** 10.20.t.10 → 2001:db8:20:t::10; any other address → one of its own in 2001:db8:8000::/33. */
export function ipv6Words(address: number): AddressWords {
  if (address >>> 16 === TENANT_NETWORK) return [0x20010db8, (0x20 << 16) | ((address >>> 8) & 255), 0, 0x10];
  return [0x20010db8, 0x80000000 | (address >>> 1), address << 31, address];
}

/** The prefixes of a tenant, for its configuration. */
export const tenantPrefixes = (tenant: number): readonly [ipv4: string, ipv6: string] => [
  `10.${20 + (tenant >> 8)}.${tenant & 255}.0/24`,
  `2001:db8:20:${tenant.toString(16)}::/64`,
];
