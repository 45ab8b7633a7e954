/** What a window shows of a target or a tenant, as the evidence of a finding; and how far the window can be trusted. */
import { formatAddress } from '../../metering/address.ts';
import { PACKET_KINDS } from '../../metering/decodeResult.ts';
import { CLOCK_SET_BACK_MS, INBOUND, OUTBOUND, type Direction, type Window, WINDOW_MS } from '../../metering/window.ts';
import type { Evidence, EvidenceTier } from '../detector.ts';
import type { Target } from './target.ts';

/** A share of frames that the probe lost, from which on the counts are doubted, and how far they can be trusted then. */
const DOUBTFUL_LOSSES = [
  { share: 0.1, trust: 0.6 },
  { share: 0.01, trust: 0.8 },
] as const;
const UNKNOWN_LOSS = 0.95;
/**
 * One packet in so many was looked at. Of 1,000 packets/s that is 250, 25, and 2.5 packets a second: counts of them are
 * wrong by 6, 20 and 60 % (1/√n, one standard deviation).
 */
const DOUBTFUL_SAMPLINGS = [
  { interval: 256, trust: 0.7 },
  { interval: 32, trust: 0.8 },
  { interval: 2, trust: 0.95 },
] as const;
const UNKNOWN_SAMPLING = 0.7;
/** Packets of other times may stand in the window. */
const CLOCK_JUMP = 0.6;
/** Nobody can be seen to answer. */
const ONE_WAY = 0.5;

/** Seconds that a window's rates are taken over: at least a usual window, so that 20 ms of a burst are no flood. */
export function rateSeconds({ seconds, clockJumpMs }: Window): number {
  // Until a clock that was set back a little has caught up with the window's end, packets are counted in it.
  const caughtUpMs = clockJumpMs < 0 && clockJumpMs > -CLOCK_SET_BACK_MS ? -clockJumpMs : 0;
  return Math.max(seconds, WINDOW_MS / 1000) + caughtUpMs / 1000;
}

/** How far the window's counts can be trusted, 0 … 1: by loss, sampling and clock. */
export function trust(window: Window): number {
  const clock = window.clockJumpMs === 0 ? 1 : CLOCK_JUMP;
  return rounded(trustByLoss(window) * trustBySampling(window) * clock);
}

/** How far it can be trusted where it says that nobody answers. */
export function trustInSilence(window: Window): number {
  return window.onlySees === null ? trust(window) : rounded(trust(window) * ONE_WAY);
}

function trustByLoss({ received, dropped }: Window): number {
  if (dropped === null) return UNKNOWN_LOSS;
  return DOUBTFUL_LOSSES.find(({ share }) => dropped > (received + dropped) * share)?.trust ?? 1;
}

function trustBySampling({ samplingInterval }: Window): number {
  if (samplingInterval === null) return UNKNOWN_SAMPLING;
  return DOUBTFUL_SAMPLINGS.find(({ interval }) => samplingInterval >= interval)?.trust ?? 1;
}

const rounded = (share: number): number => Math.round(share * 100) / 100;

function packetsByKind(packetsOf: (kind: number) => number): Record<string, number> {
  return Object.fromEntries(
    PACKET_KINDS.map((name, kind) => [name, packetsOf(kind)] as const).filter(([, n]) => n > 0),
  );
}

export const tierOf = ({ observed }: Window): EvidenceTier => (observed === 'flows' ? 'flow' : 'header');

/** All packets to the target. */
export function targetEvidence(
  { window, line, topSources, topPorts, topSourcePorts, distinctPorts }: Target,
  type?: string,
): Evidence {
  const seconds = rateSeconds(window);
  return {
    tier: tierOf(window),
    packetsPerSecond: Math.round(window.targets.packets(line) / seconds),
    bitsPerSecond: Math.round((window.targets.bytes(line) * 8) / seconds),
    packetsByKind: packetsByKind((kind) => window.targetPackets(line, kind)),
    topSources: topSources.map(({ words, share }) => ({ address: formatAddress(...words), share })),
    topPorts,
    ...(topSourcePorts.length === 0 ? {} : { topSourcePorts }),
    ...(distinctPorts === 0 ? {} : { distinctPorts }),
    ...(type === undefined ? {} : { type }),
  };
}

/** All packets of a tenant in one direction. */
export function tenantEvidence(window: Window, tenant: number, direction: Direction): Evidence {
  const way = direction === 'inbound' ? INBOUND : OUTBOUND;
  const seconds = rateSeconds(window);
  const byKind = packetsByKind((kind) => window.tenantPackets(tenant, way, kind));
  const packets = Object.values(byKind).reduce((sum, n) => sum + n, 0);
  return {
    tier: tierOf(window),
    packetsPerSecond: Math.round(packets / seconds),
    bitsPerSecond: Math.round((window.tenantBytes(tenant, way) * 8) / seconds),
    packetsByKind: byKind,
    topSources: [],
    topPorts: [],
  };
}
