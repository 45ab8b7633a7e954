/** What scanners and flooders do, and what must be named of it. */
import { formatAddress } from '../../../daemon/metering/address.ts';
import { outsideAddress, tenantAddress } from '../../bench/workload/addresses.ts';
import type { Named } from '../trial.ts';
import { datagram, echo, type Plan, syn } from './attacks.ts';

const text = (address: number): string => formatAddress(0, 0, 0xffff, address | 0);
export const idOf = (tenant: number): string => `tenant-${tenant}`;

/** An outside host that nobody else speaks of. */
export const STRANGER = outsideAddress(60_001);

export interface Sides {
  readonly tenant: number;
  readonly from: number;
  readonly to: number;
  readonly inbound: boolean;
}

export const inbound = (tenant: number): Sides => ({
  tenant,
  from: STRANGER + tenant,
  to: tenantAddress(tenant),
  inbound: true,
});
export const outbound = (tenant: number): Sides => ({
  tenant,
  from: tenantAddress(tenant),
  to: STRANGER + 256 * tenant,
  inbound: false,
});

const nameOf = (
  { tenant, from, to, inbound: isInbound }: Sides,
  detector: Named['detector'],
  offender = true,
  victim = true,
): Named => ({
  detector,
  tenant: idOf(tenant),
  direction: isInbound ? 'inbound' : 'outbound',
  offender: offender ? text(from) : null,
  ...(victim ? { victim: text(to) } : {}),
});

export type Answer = NonNullable<Plan['answer']>;

/** One port after the other. */
export const portScan = (sides: Sides, packetsPerSecond: number, packets: number, answer?: Answer): Plan => ({
  expected: { ...nameOf(sides, 'portScan'), type: 'syn' },
  packetsPerSecond,
  packets,
  shape: (packet, i) => syn(packet, sides.from, sides.to, 40_000 + (i % 1000), 1 + ((i * 7) % 10_000)),
  ...(answer === undefined ? {} : { answer }),
});

export const udpScan = (sides: Sides, packetsPerSecond: number, packets: number, answer?: Answer): Plan => ({
  expected: { ...nameOf(sides, 'portScan'), type: 'udp' },
  packetsPerSecond,
  packets,
  shape: (packet, i) => datagram(packet, sides.from, sides.to, [41_000, 1 + ((i * 7) % 10_000)], 0),
  ...(answer === undefined ? {} : { answer }),
});

/** One host after the other, beginning at the second side. */
export const sweep = (
  sides: Sides,
  port: number,
  packetsPerSecond: number,
  packets: number,
  answer?: Answer,
): Plan => ({
  expected: { ...nameOf(sides, 'hostSweep', true, false), type: 'syn' },
  packetsPerSecond,
  packets,
  shape: (packet, i) => syn(packet, sides.from, (sides.to + ((i * 37) % 251)) >>> 0, 40_000 + (i % 1000), port),
  ...(answer === undefined ? {} : { answer }),
});

export const pingSweep = (sides: Sides, packetsPerSecond: number, packets: number): Plan => ({
  expected: { ...nameOf(sides, 'hostSweep', true, false), type: 'icmp' },
  packetsPerSecond,
  packets,
  shape: (packet, i) => echo(packet, sides.from, (sides.to + ((i * 37) % 251)) >>> 0),
});

export const flood = (
  sides: Sides,
  detector: string,
  type: string | null,
  isSpoofed: boolean,
  packetsPerSecond: number,
  seconds: number,
  shape: Plan['shape'],
): Plan => ({
  expected: { ...nameOf(sides, detector, !isSpoofed), ...(type === null ? {} : { type }) },
  packetsPerSecond,
  packets: packetsPerSecond * seconds,
  shape,
});

/** Answers every so often. */
export const one =
  (inSo: number, often: Answer, else_: Answer): Answer =>
  (packet, i) =>
    (i % inSo === 0 ? often : else_)(packet, i);
export const silent: Answer = () => false;
