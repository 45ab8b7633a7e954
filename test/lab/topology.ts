/**
 * The hosts of the lab and what joins them, as data: the edge of a provider in miniature. `pbx` is the host that Weir
 * protects; `acme`, `birch` and `cedar` are tenants behind ports of their own; `dogwood` is a tenant far away, reached
 * through `internet` and `gateway`; `internet` answers at all of 203.0.113.0/24 and 2001:db8:ffff::/64.
 */
export const HOSTS = ['internet', 'pbx', 'acme', 'birch', 'cedar', 'gateway', 'dogwood'] as const;
export type Host = (typeof HOSTS)[number];

export interface End {
  readonly host: Host;
  readonly interface: string;
  readonly addresses: readonly string[];
}

const end = (host: Host, name: string, ...addresses: readonly string[]): End => ({ host, interface: name, addresses });

/** The near end, and the far one. */
export type Link = readonly [End, End];

export const LINKS: readonly Link[] = [
  [
    end('pbx', 'eth0', '198.51.100.1/29', '2001:db8:1::1/64'),
    end('internet', 'eth0', '198.51.100.2/29', '2001:db8:1::2/64'),
  ],
  [
    end('pbx', 'veth-acme', '198.51.100.9/29', '2001:db8:8::1/48'),
    end('acme', 'eth0', '198.51.100.10/29', '2001:db8:8::10/48'),
  ],
  [
    end('pbx', 'veth-birch', '198.51.100.17/29', '2001:db8:16::1/48'),
    end('birch', 'eth0', '198.51.100.18/29', '2001:db8:16::18/48'),
  ],
  [
    end('pbx', 'veth-cedar', '198.51.100.25/29', '2001:db8:24::1/48'),
    end('cedar', 'eth0', '198.51.100.26/29', '2001:db8:24::26/48'),
  ],
  [
    end('internet', 'eth1', '192.0.2.17/30', '2001:db8:2::1/64'),
    end('gateway', 'eth0', '192.0.2.18/30', '2001:db8:2::2/64'),
  ],
  [
    end('gateway', 'eth1', '192.0.2.1/28', '2001:db8:32::1/48'),
    end('dogwood', 'eth0', '192.0.2.2/28', '2001:db8:32::2/48'),
  ],
];

/** Words of `ip route add`. Spoofed sources are answered into the blackhole, without an ICMP error. */
export const ROUTES: Readonly<Record<Host, readonly string[]>> = {
  internet: [
    'local 203.0.113.0/24 dev lo',
    'local 2001:db8:ffff::/64 dev lo',
    '198.51.100.0/24 via 198.51.100.1',
    '2001:db8:8::/48 via 2001:db8:1::1',
    '2001:db8:16::/48 via 2001:db8:1::1',
    '2001:db8:24::/48 via 2001:db8:1::1',
    '192.0.2.0/28 via 192.0.2.18',
    '2001:db8:32::/48 via 2001:db8:2::2',
    'blackhole default',
  ],
  pbx: ['default via 198.51.100.2', 'default via 2001:db8:1::2'],
  acme: ['default via 198.51.100.9', 'default via 2001:db8:8::1'],
  birch: ['default via 198.51.100.17', 'default via 2001:db8:16::1'],
  cedar: ['default via 198.51.100.25', 'default via 2001:db8:24::1'],
  gateway: ['default via 192.0.2.17', 'default via 2001:db8:2::1'],
  dogwood: ['default via 192.0.2.1', 'default via 2001:db8:32::1'],
};

export const FORWARDERS: ReadonlySet<Host> = new Set(['internet', 'pbx', 'gateway']);

export type TenantId = 'acme' | 'birch' | 'cedar' | 'dogwood';

export interface LabTenant {
  readonly id: TenantId;
  /** The interface of `pbx` that is the tenant's own; null: it has none. */
  readonly port: string | null;
  readonly prefixes: readonly string[];
  /** Where its host answers. */
  readonly ipv4: string;
  readonly ipv6: string;
}

export const TENANTS: Readonly<Record<TenantId, LabTenant>> = {
  acme: {
    id: 'acme',
    port: 'veth-acme',
    prefixes: ['198.51.100.8/29', '2001:db8:8::/48'],
    ipv4: '198.51.100.10',
    ipv6: '2001:db8:8::10',
  },
  birch: {
    id: 'birch',
    port: 'veth-birch',
    prefixes: ['198.51.100.16/29', '2001:db8:16::/48'],
    ipv4: '198.51.100.18',
    ipv6: '2001:db8:16::18',
  },
  cedar: {
    id: 'cedar',
    port: 'veth-cedar',
    prefixes: ['198.51.100.24/29', '2001:db8:24::/48'],
    ipv4: '198.51.100.26',
    ipv6: '2001:db8:24::26',
  },
  dogwood: {
    id: 'dogwood',
    port: null,
    prefixes: ['192.0.2.0/28', '2001:db8:32::/48'],
    ipv4: '192.0.2.2',
    ipv6: '2001:db8:32::2',
  },
};

/** One of the many addresses of `internet`. */
export const INTERNET_IPV4 = '203.0.113.9';
export const INTERNET_IPV6 = '2001:db8:ffff::9';
