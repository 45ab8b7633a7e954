/** What a configuration leaves open: the interface of the default route, and the host's own addresses as one tenant. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Tenant } from '../tenants/tenant.ts';
import type { Config } from './config.ts';
import { configSchema } from './schema.ts';

export interface Host {
  /** Of the default route; null: the host has none. */
  readonly interfaceName: string | null;
  /** Of all interfaces, but for loopback and link-local ones, as /32 and /128. */
  readonly addresses: readonly string[];
}

/** RFC 1918, 6598, 3927, 4193 and 4291: where the inside of a captured network usually lies. */
const INSIDE = '10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 169.254.0.0/16 fc00::/7 fe80::/10'.split(' ');

/** Bits of a route's flags (linux/route.h, linux/ipv6_route.h). */
const RTF_UP = 0x1;
const RTF_REJECT = 0x200;

/** What an empty file says: no interfaces, no tenants, observe only. */
export const defaultConfig = (): Config => configSchema().parse({});

/** The configuration on this host: where no interface is named it is the default route's, without tenants the host itself. */
export function configForHost(host: Host, config: Config = defaultConfig()): Config {
  const { interfaceName: name, addresses } = host;
  const interfaces = name === null ? [] : configSchema().parse({ interfaces: [{ name }] }).interfaces;
  const tenants = addresses.length === 0 ? [] : [localTenant(addresses)];
  return {
    ...config,
    interfaces: config.defaultInterface ? interfaces : config.interfaces,
    tenants: config.tenants.length > 0 ? config.tenants : tenants,
  };
}

/** The configuration for a capture from elsewhere: without tenants, all private addresses are one. */
export const configForReplay = (config: Config = defaultConfig()): Config => ({
  ...config,
  tenants: config.tenants.length > 0 ? config.tenants : [localTenant(INSIDE)],
});

const localTenant = (addresses: readonly string[]): Tenant => ({
  id: 'local',
  addresses,
  macs: [],
  plan: { portBps: null, guaranteed: false, threshold: null, limitBps: null },
});

export function describeHost(): Host {
  return {
    interfaceName:
      defaultRouteIPv4(readOrEmpty('/proc/net/route')) ?? defaultRouteIPv6(readOrEmpty('/proc/net/ipv6_route')),
    addresses: Object.values(networkInterfaces()).flatMap((addresses = []) =>
      addresses.filter(isGlobal).map(({ address, family }) => `${address}/${family === 'IPv4' ? 32 : 128}`),
    ),
  };
}

const isGlobal = ({ internal, address }: { internal: boolean; address: string }): boolean =>
  !internal && !/^(?:169\.254\.|fe[89ab])/i.test(address);

/** Of a kernel without IPv6, for one. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

interface Route {
  readonly interfaceName: string;
  readonly flags: number;
  readonly metric: number;
}

/** The interface in the text of /proc/net/route (net/ipv4/fib_trie.c, fib_route_seq_show). */
export const defaultRouteIPv4 = (text: string): string | null =>
  bestRoute(
    fieldsOf(text)
      .filter((fields) => fields[1] === '00000000' && fields[7] === '00000000')
      .map(([interfaceName = '', , , flags, , , metric]) => ({
        interfaceName,
        flags: parseInt(flags ?? '', 16),
        metric: Number(metric),
      })),
  );

/** The interface in the text of /proc/net/ipv6_route (net/ipv6/route.c, ipv6_route_native_seq_show). */
export const defaultRouteIPv6 = (text: string): string | null =>
  bestRoute(
    fieldsOf(text)
      .filter(([destination, length, source, sourceLength]) =>
        /^0+$/.test(`${destination}${length}${source}${sourceLength}`),
      )
      .map((fields) => ({
        interfaceName: fields[9] ?? '',
        flags: parseInt(fields[8] ?? '', 16),
        metric: parseInt(fields[5] ?? '', 16),
      })),
  );

const fieldsOf = (text: string): string[][] => text.split('\n').map((line) => line.trim().split(/\s+/));

function bestRoute(routes: readonly Route[]): string | null {
  const usable = routes.filter(({ flags }) => (flags & (RTF_UP | RTF_REJECT)) === RTF_UP);
  return usable.toSorted((a, b) => a.metric - b.metric)[0]?.interfaceName ?? null;
}
