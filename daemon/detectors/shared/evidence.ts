/** What a window shows of a target or a tenant, as the evidence of a finding; and how far the window can be trusted. */
import { formatAddress } from '../../metering/address.ts';
import { PACKET_KINDS } from '../../metering/decodeResult.ts';
import { INBOUND, OUTBOUND, type Direction, type Window, WINDOW_MS } from '../../metering/window.ts';
import type { Evidence } from '../detector.ts';
import type { Target } from './target.ts';

/** Loss from which on counts are doubted: one frame in a hundred. */
const DOUBTFUL_LOSS = 0.01;

/** Seconds that a window's rates are taken over: at least a usual window, so that 20 ms of a burst are no flood. */
export const rateSeconds = (window: Window): number => Math.max(window.seconds, WINDOW_MS / 1000);

/** How far the window's counts can be trusted, 0 … 1, by the share of frames that the probe lost. */
export function trust(window: Window): number {
  const { received, dropped } = window;
  if (dropped === null) return 0.95;
  return dropped > (received + dropped) * DOUBTFUL_LOSS ? 0.8 : 1;
}

function packetsByKind(packetsOf: (kind: number) => number): Record<string, number> {
  return Object.fromEntries(
    PACKET_KINDS.map((name, kind) => [name, packetsOf(kind)] as const).filter(([, n]) => n > 0),
  );
}

/** All packets to the target. */
export function targetEvidence({ window, line, topSources, topPorts, distinctPorts }: Target): Evidence {
  const seconds = rateSeconds(window);
  return {
    tier: 'header',
    packetsPerSecond: Math.round(window.targets.packets(line) / seconds),
    bitsPerSecond: Math.round((window.targets.bytes(line) * 8) / seconds),
    packetsByKind: packetsByKind((kind) => window.targetPackets(line, kind)),
    topSources: topSources.map(({ words, share }) => ({ address: formatAddress(...words), share })),
    topPorts,
    ...(distinctPorts === 0 ? {} : { distinctPorts }),
  };
}

/** All packets of a tenant in one direction. */
export function tenantEvidence(window: Window, tenant: number, direction: Direction): Evidence {
  const way = direction === 'inbound' ? INBOUND : OUTBOUND;
  const seconds = rateSeconds(window);
  const byKind = packetsByKind((kind) => window.tenantPackets(tenant, way, kind));
  const packets = Object.values(byKind).reduce((sum, n) => sum + n, 0);
  return {
    tier: 'header',
    packetsPerSecond: Math.round(packets / seconds),
    bitsPerSecond: Math.round((window.tenantBytes(tenant, way) * 8) / seconds),
    packetsByKind: byKind,
    topSources: [],
    topPorts: [],
  };
}
