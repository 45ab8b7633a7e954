/** A busy target of a window, seen closely: what it receives, from whom, and whether it answers. */
import { type AddressWords, formatAddress, hashAddress } from '../../metering/address.ts';
import type { TopPort, TopSource } from '../../metering/detailTable.ts';
import { estimateDistinct } from '../../metering/distinctSketch.ts';
import { DETAIL_PACKETS, type Window } from '../../metering/window.ts';
import { rateSeconds } from './evidence.ts';

/** Rates of what lasts less are taken over this. */
const LEAST_BURST_MS = 100;

export interface Target {
  readonly window: Window;
  readonly line: number;
  readonly address: string;
  readonly words: AddressWords;
  /** The number of the tenant whose address it is; 0: nobody's. */
  readonly tenant: number;
  /** Largest first; empty when no closer look was free. */
  readonly topSources: readonly TopSource[];
  readonly topPorts: readonly TopPort[];
  readonly topSourcePorts: readonly TopPort[];
  /** Estimated; 0 when no closer look was free. */
  readonly distinctSources: number;
  /** Estimated; 0 when no closer look was free. */
  readonly distinctPorts: number;
  readonly hashSeed: number;
}

export function lookAt(window: Window, line: number, hashSeed: number): Target {
  const { targets, details } = window;
  const slot = window.targetDetail(line);
  const words = wordsOf(window, line);
  return {
    window,
    line,
    address: formatAddress(...words),
    words,
    tenant: targets.tenant(line),
    topSources: slot < 0 ? [] : details.topSources(slot),
    topPorts: slot < 0 ? [] : details.topPorts(slot),
    topSourcePorts: slot < 0 ? [] : details.topSourcePorts(slot),
    distinctSources: slot < 0 ? 0 : estimateDistinct(details.sketch(slot)),
    distinctPorts: slot < 0 ? 0 : details.distinctPorts(slot),
    hashSeed,
  };
}

function wordsOf(window: Window, line: number): AddressWords {
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = window.targets.lanes.subarray(line, line + 4);
  return [w0, w1, w2, w3];
}

/**
 * Seconds that the target's rates are taken over: those in which its packets came, be it a burst of milliseconds, but a tenth
 * of a second at least. At most the window's.
 */
export function burstSeconds({ window, line }: Target): number {
  const seconds = rateSeconds(window);
  const slot = window.targetDetail(line);
  const spanMs = slot < 0 ? 0 : window.details.spanMs(slot);
  if (spanMs === 0) return seconds;
  // The first packets came before the look.
  const packets = window.targets.packets(line);
  const wholeMs = (spanMs * packets) / Math.max(packets - DETAIL_PACKETS, 1);
  return Math.min(Math.max(wholeMs, LEAST_BURST_MS) / 1000, seconds);
}

/** Packets of a kind that it receives. */
export const received = ({ window, line }: Target, kind: number): number => window.targetPackets(line, kind);

/** Packets that it sends itself; `lane`: SOURCE_SYN, SOURCE_UDP or SOURCE_OTHER. */
export function sent({ window, words, hashSeed }: Target, lane: number): number {
  const { sources } = window;
  const own = sources.find(hashAddress(hashSeed, ...words), ...words);
  return own < 0 ? 0 : (sources.lanes[own + lane] ?? 0) >>> 0;
}

/** The share of its packets that comes from top sources to which at least `ratio` as many packets of the kind (null: of any) go back. */
export function answeredShare(target: Target, kind: number | null, ratio: number): number {
  const { window, line: own, topSources, hashSeed } = target;
  const packetsTo = (line: number): number =>
    kind === null ? window.targets.packets(line) : window.targetPackets(line, kind);
  const packets = packetsTo(own);
  return topSources
    .filter(({ words, share }) => {
      const line = window.targets.find(hashAddress(hashSeed, ...words), ...words);
      return line >= 0 && packetsTo(line) >= share * packets * ratio;
    })
    .reduce((sum, { share }) => sum + share, 0);
}
