/** Whether the sources of a flood are forged: random ones fall on addresses that nobody has, and a tenant's port has its own alone. */
import { FOREIGN_SOURCE } from '../../metering/pairTable.ts';
import type { DetectorContext } from '../detector.ts';
import { Bogons } from './bogons.ts';
import type { Target } from './target.ts';

/** Of random IPv4 addresses 13 % cannot be a source at all, of random IPv6 addresses nearly all. */
const IMPOSSIBLE_SHARE = 0.05;
const LEAST_SOURCES = 32;
/** Who sends in earnest sends more than one packet in a window. */
const FRESH_SOURCES = 200;
const FRESH_SHARE = 0.7;

export class ForgedSources {
  readonly #bogons: Bogons;

  constructor({ tenants }: DetectorContext) {
    this.#bogons = new Bogons(tenants, null);
  }

  areAt(target: Target): boolean {
    const { window, line, distinctSources } = target;
    const isFresh = distinctSources >= Math.max(FRESH_SOURCES, window.targets.packets(line) * FRESH_SHARE);
    return isFresh || this.#areImpossible(target);
  }

  /** By the sources that spoke to the target for the first time in the window, as many of them as there was room for. */
  #areImpossible({ window, words }: Target): boolean {
    let all = 0;
    let impossible = 0;
    for (const { initiator, sighting } of window.pairs.linesTo(words)) {
      all += 1;
      if (sighting === FOREIGN_SOURCE || this.#bogons.classify(initiator) !== null) impossible += 1;
    }
    return all >= LEAST_SOURCES && impossible >= all * IMPOSSIBLE_SHARE;
  }
}
