/** A busy target of a window, seen closely: what it receives, from whom, and whether it answers. */
import { type AddressWords, formatAddress, hashAddress } from '../../metering/address.ts';
import type { TopPort, TopSource } from '../../metering/detailTable.ts';
import { estimateDistinct } from '../../metering/distinctSketch.ts';
import { DETAIL_PACKETS, type Window } from '../../metering/window.ts';
import { rateSeconds } from './evidence.ts';
import type { SentBefore } from './sentBefore.ts';

/** Rates of what lasts less are taken over this. */
const LEAST_BURST_MS = 100;

/** What costs something is made when it is first asked for: most targets are nobody's suspects. */
export class Target {
  readonly window: Window;
  readonly line: number;
  readonly words: AddressWords;
  readonly hashSeed: number;
  /** Packets of a kind that its tenant sent in the window before, as far as somebody remembers them. */
  readonly sentBefore: (kind: number) => number;
  /** Of the closer look; -1: none was free. */
  readonly #slot: number;
  #topSources: readonly TopSource[] | undefined;
  #topPorts: readonly TopPort[] | undefined;
  #topSourcePorts: readonly TopPort[] | undefined;
  #distinctSources: number | undefined;
  #distinctPorts: number | undefined;

  constructor(window: Window, line: number, hashSeed: number, before: SentBefore | null = null) {
    this.window = window;
    this.sentBefore = (kind) => before?.of(this.tenant, kind) ?? 0;
    this.line = line;
    this.words = wordsOf(window, line);
    this.hashSeed = hashSeed;
    this.#slot = window.targetDetail(line);
  }

  get address(): string {
    return formatAddress(...this.words);
  }

  /** The number of the tenant whose address it is; 0: nobody's. */
  get tenant(): number {
    return this.window.targets.tenant(this.line);
  }

  /** Largest first; empty when no closer look was free. */
  get topSources(): readonly TopSource[] {
    this.#topSources ??= this.#closely((details, slot) => details.topSources(slot), []);
    return this.#topSources;
  }

  get topPorts(): readonly TopPort[] {
    this.#topPorts ??= this.#closely((details, slot) => details.topPorts(slot), []);
    return this.#topPorts;
  }

  get topSourcePorts(): readonly TopPort[] {
    this.#topSourcePorts ??= this.#closely((details, slot) => details.topSourcePorts(slot), []);
    return this.#topSourcePorts;
  }

  /** Estimated; 0 when no closer look was free. */
  get distinctSources(): number {
    this.#distinctSources ??= this.#closely((details, slot) => estimateDistinct(details.sketch(slot)), 0);
    return this.#distinctSources;
  }

  /** Estimated; 0 when no closer look was free. */
  get distinctPorts(): number {
    this.#distinctPorts ??= this.#closely((details, slot) => details.distinctPorts(slot), 0);
    return this.#distinctPorts;
  }

  #closely<Value>(read: (details: Window['details'], slot: number) => Value, otherwise: Value): Value {
    return this.#slot < 0 ? otherwise : read(this.window.details, this.#slot);
  }
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
export const sent = ({ window, words, hashSeed }: Target, lane: number): number =>
  sentBy(window, words, hashSeed, lane);

/** Packets that an address sends, by the same lanes. */
export function sentBy({ sources }: Window, words: AddressWords, hashSeed: number, lane: number): number {
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
