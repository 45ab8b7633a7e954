/** Windows with exactly the packets that a test asks for: no sampling, and no first packet of an address that goes uncounted. */
import assert from 'node:assert/strict';
import type { DetectorContext } from '../../daemon/detectors/detector.ts';
import { type AddressWords, hashAddress } from '../../daemon/metering/address.ts';
import { BYTES, type CounterTable, PACKETS } from '../../daemon/metering/counterTable.ts';
import { ICMP, PACKET_KINDS, type PacketKind, TCP_SYN, UDP } from '../../daemon/metering/decodeResult.ts';
import {
  BYTES_ICMP,
  BYTES_OTHER,
  BYTES_TCP,
  BYTES_UDP,
  DETAIL_PACKETS,
  INBOUND,
  OUTBOUND,
  ROW,
  SOURCE_SYN,
  SOURCE_TARGET_BITS,
  SOURCE_UDP,
  TARGET_DETAIL,
  TARGET_KINDS,
  Window,
  WINDOW_MS,
} from '../../daemon/metering/window.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { parseAddress } from '../../daemon/tenants/prefix.ts';
import type { Plan, Tenant } from '../../daemon/tenants/tenant.ts';

const testPlan: Plan = { portBps: 100e6, guaranteed: false, threshold: null, limitBps: null };

export const testTenant = (id: string, addresses: readonly string[], plan: Partial<Plan> = {}): Tenant => ({
  id,
  addresses,
  macs: [],
  plan: { ...testPlan, ...plan },
});

/** Two tenants with eight addresses of IPv4 and a /48 of IPv6 each. */
const testTenants: readonly Tenant[] = [
  testTenant('acme', ['198.51.100.8/29', '2001:db8:8::/48']),
  testTenant('globex', ['198.51.100.16/29', '2001:db8:16::/48']),
];

export const testContext = (tenants: readonly Tenant[] = testTenants): DetectorContext => ({
  tenants,
  directory: new TenantDirectory(tenants),
  portTenant: 0,
  hashSeed: 0x5eed,
});

/** Packets of one kind to one address, their sources and ports taken in turn. */
export interface Traffic {
  readonly from: string | readonly string[];
  readonly to: string;
  readonly kind: PacketKind;
  readonly packets: number;
  /** Of one packet; 60 by default. */
  readonly bytes?: number;
  readonly ports?: readonly number[];
  readonly sourcePort?: number;
}

export interface WindowOptions {
  readonly context?: DetectorContext;
  readonly startMs?: number;
  readonly windowMs?: number;
  readonly dropped?: number | null;
  /** Busy targets that are looked at closely. */
  readonly details?: number;
}

/** The flows are mixed in so many steps. */
const STEPS = 100;

export function buildWindow(traffic: readonly Traffic[], options: WindowOptions = {}): Window {
  const { context = testContext(), startMs = 0, windowMs = WINDOW_MS, dropped = 0, details = 64 } = options;
  const window = new Window({ tenants: context.tenants.length, targetBits: 10, sourceBits: 12, details, pairBits: 8 });
  window.open(startMs);
  const flows = traffic.map((flow) => ({
    ...flow,
    done: 0,
    sources: [flow.from].flat().map(words),
    target: words(flow.to),
  }));
  for (let step = 1; step <= STEPS; step++) {
    for (const flow of flows) {
      for (; flow.done < (flow.packets * step) / STEPS; flow.done++) countPacket(window, context, flow);
    }
  }
  const packets = traffic.reduce((sum, flow) => sum + flow.packets, 0);
  const bytes = traffic.reduce((sum, flow) => sum + flow.packets * (flow.bytes ?? 60), 0);
  window.close(startMs + windowMs, packets, dropped);
  window.captured(bytes, 0, packets === 0 ? null : startMs + windowMs);
  return window;
}

/** `count` addresses of 203.0.113.0/24 or 2001:db8:f::/64. */
export const strangers = (count: number, family: 4 | 6 = 4): string[] =>
  Array.from({ length: count }, (_, i) =>
    family === 4 ? `203.0.113.${1 + (i % 254)}` : `2001:db8:f::${(i + 1).toString(16)}`,
  );

function words(text: string): AddressWords {
  const parsed = parseAddress(text);
  assert(parsed !== null, `${text} is an address`);
  return parsed;
}

interface Flow extends Traffic {
  readonly done: number;
  readonly sources: readonly AddressWords[];
  readonly target: AddressWords;
}

function countPacket(window: Window, context: DetectorContext, flow: Flow): void {
  const kind = PACKET_KINDS.indexOf(flow.kind);
  const bytes = flow.bytes ?? 60;
  const from = flow.sources[flow.done % flow.sources.length] ?? [0, 0, 0, 0];
  const to = flow.target;
  const port = flow.ports?.[flow.done % flow.ports.length] ?? -1;
  const source = lineOf(window.sources, context, from);
  window.sources.lanes[source + PACKETS]! += 1;
  if (kind === UDP) window.sources.lanes[source + SOURCE_UDP]! += 1;
  if (kind === TCP_SYN) window.sources.lanes[source + SOURCE_SYN]! += 1;
  const targetBit = hashAddress(context.hashSeed, ...flow.target) >>> 26;
  window.sources.lanes[source + SOURCE_TARGET_BITS + (targetBit >>> 5)]! |= 1 << (targetBit & 31);
  const target = lineOf(window.targets, context, to);
  window.targets.lanes[target + PACKETS]! += 1;
  window.targets.doubles[(target + BYTES) >> 1]! += bytes;
  window.targets.lanes[target + TARGET_KINDS + kind]! += 1;
  lookCloser(window, target, hashAddress(context.hashSeed, ...from), from, [flow.sourcePort ?? -1, port]);
  const fromTenant = context.directory.lookup(...from);
  const toTenant = context.directory.lookup(...to);
  countRow(window, fromTenant * 2 + OUTBOUND, kind, bytes);
  countRow(window, toTenant * 2 + INBOUND, kind, bytes);
}

function lineOf(table: CounterTable, { hashSeed, directory }: DetectorContext, address: AddressWords): number {
  const hash = hashAddress(hashSeed, ...address);
  const line = table.find(hash, ...address);
  return line >= 0 ? line : table.insert(hash, ...address, directory.lookup(...address));
}

function lookCloser(
  window: Window,
  line: number,
  hash: number,
  from: AddressWords,
  [sourcePort, port]: readonly [number, number],
): void {
  if (window.targets.packets(line) < DETAIL_PACKETS) return;
  let slot = window.targetDetail(line);
  if (slot < 0) {
    slot = window.details.claim(line);
    window.targets.lanes[line + TARGET_DETAIL] = slot + 1;
    if (slot < 0) return;
  }
  window.details.observe(slot, hash, port);
  window.details.sample(slot, ...from, sourcePort, port);
}

function countRow(window: Window, row: number, kind: number, bytes: number): void {
  window.tenants[row * ROW + kind]! += 1;
  window.tenants[row * ROW + bytesColumn(kind)]! += bytes;
}

function bytesColumn(kind: number): number {
  if (kind === UDP) return BYTES_UDP;
  if (kind === ICMP) return BYTES_ICMP;
  return PACKET_KINDS[kind]?.startsWith('tcp') === true ? BYTES_TCP : BYTES_OTHER;
}
