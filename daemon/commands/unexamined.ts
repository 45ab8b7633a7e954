/** Counts the packets of a capture that cannot be examined because of their link type, and says so. */
import type { FrameBlock } from '../../probes/probe.ts';
import { DECODED_LINK_TYPES } from '../metering/decodeLinks.ts';
import { linkTypeName } from './linkTypeName.ts';

/** A file may hold any number of link types: more are not named. */
const MOST_NAMED = 3;

export class Unexamined {
  readonly #byLinkType = new Map<number, number>();

  count({ linkType, count }: FrameBlock): void {
    if (!DECODED_LINK_TYPES.has(linkType))
      this.#byLinkType.set(linkType, (this.#byLinkType.get(linkType) ?? 0) + count);
  }

  get packets(): number {
    return [...this.#byLinkType.values()].reduce((sum, packets) => sum + packets, 0);
  }

  /** Of `received` packets in all; null: all could be examined. */
  describe(subject: string, received: number): string | null {
    if (this.#byLinkType.size === 0) return null;
    const most = [...this.#byLinkType].toSorted(([, a], [, b]) => b - a).slice(0, MOST_NAMED);
    const names = most.map(([linkType]) => linkTypeName(linkType)).join(', ');
    const more = this.#byLinkType.size - most.length;
    const all = more > 0 ? `${names} and ${more} more` : names;
    return `Cannot examine ${this.packets} of ${received} packets of ${subject}: no decoder for ${all}`;
  }
}
