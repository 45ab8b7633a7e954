/** A busy target of a window, seen closely: what it receives, from whom, and whether it answers. */
import { type AddressWords, formatAddress, hashAddress } from '../../metering/address.ts';
import type { TopPort, TopSource } from '../../metering/detailTable.ts';
import { SOURCE_UDP, type Window } from '../../metering/window.ts';

export interface Target {
  readonly window: Window;
  readonly line: number;
  readonly address: string;
  /** The number of the tenant whose address it is; 0: nobody's. */
  readonly tenant: number;
  /** Largest first; empty when no closer look was free. */
  readonly topSources: readonly TopSource[];
  readonly topPorts: readonly TopPort[];
  /** Estimated; 0 when no closer look was free. */
  readonly distinctPorts: number;
  readonly hashSeed: number;
}

export function lookAt(window: Window, line: number, hashSeed: number): Target {
  const { targets, details } = window;
  const slot = window.targetDetail(line);
  return {
    window,
    line,
    address: formatAddress(...wordsOf(window, line)),
    tenant: targets.tenant(line),
    topSources: slot < 0 ? [] : details.topSources(slot),
    topPorts: slot < 0 ? [] : details.topPorts(slot),
    distinctPorts: slot < 0 ? 0 : details.distinctPorts(slot),
    hashSeed,
  };
}

function wordsOf(window: Window, line: number): AddressWords {
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = window.targets.lanes.subarray(line, line + 4);
  return [w0, w1, w2, w3];
}

/** Packets of a kind that it receives. */
export const received = ({ window, line }: Target, kind: number): number => window.targetPackets(line, kind);

/** UDP packets that it sends itself. */
export function udpSent({ window, line, hashSeed }: Target): number {
  const { sources } = window;
  const words = wordsOf(window, line);
  const own = sources.find(hashAddress(hashSeed, ...words), ...words);
  return own < 0 ? 0 : (sources.lanes[own + SOURCE_UDP] ?? 0) >>> 0;
}

/** The share of its packets that comes from top sources to which at least `ratio` as many packets of the kind go back. */
export function answeredShare(target: Target, kind: number, ratio: number): number {
  const { window, topSources, hashSeed } = target;
  const packets = received(target, kind);
  return topSources
    .filter(({ words, share }) => {
      const line = window.targets.find(hashAddress(hashSeed, ...words), ...words);
      return line >= 0 && window.targetPackets(line, kind) >= share * packets * ratio;
    })
    .reduce((sum, { share }) => sum + share, 0);
}
