/** The fragments of packets of late, so that one that overlaps another is noticed (RFC 1858 section 4, RFC 5722). Fixed in size. */
import type { Milliseconds } from '../../probes/probe.ts';

/** Lanes of a packet: its hash, how many fragments came, and the place of the last ones. */
const KEY = 0;
const COUNT = 1;
const COPIES = 2;
const SINCE = 3;
const RANGES = 4;
/** Enough for a packet of 24 KB; of a longer one the last are compared. */
const MAX_RANGES = 16;
const LANES = RANGES + 2 * MAX_RANGES;
const PACKETS = 256;
/**
 * From its first fragment on a packet is put together within so long, or given up: IPv4 as Linux does it, within what RFC 791 and
 * RFC 1122 (section 3.3.2) leave open, IPv6 by RFC 8200 section 4.5. Then the next packet may have the number.
 */
export const REASSEMBLY_MS = { ipv4: 30_000, ipv6: 60_000 } as const;

export class FragmentMemory {
  readonly #lanes = new Int32Array(PACKETS * LANES);

  /**
   * Remembers the bytes `offset` … `offset + length` - 1 of the packet that hashes to `key`; whether a fragment of other bounds
   * shares some of them. One that comes twice is a copy, as mirrors make them of all; `isLast`: no more follow, and then
   * some copies among many that have none are told as well. It is forgotten `keptMs` after its first fragment.
   */
  overlaps(
    key: number,
    offset: number,
    length: number,
    isLast: boolean,
    nowMs: Milliseconds,
    keptMs: Milliseconds,
  ): boolean {
    const lanes = this.#lanes;
    const at = (key >>> 24) * LANES;
    // The difference of two times modulo 2^32 milliseconds, be the clock set back.
    const isOver = Math.abs((Math.floor(nowMs) - lanes[at + SINCE]!) | 0) > keptMs;
    if (lanes[at + KEY] !== key || isOver) {
      lanes[at + SINCE] = Math.floor(nowMs);
      lanes[at + KEY] = key;
      lanes[at + COUNT] = 0;
      lanes[at + COPIES] = 0;
    }
    const count = lanes[at + COUNT]!;
    const end = offset + length;
    let overlaps = false;
    for (let i = 0; i < Math.min(count, MAX_RANGES); i++) {
      const from = lanes[at + RANGES + 2 * i]!;
      const to = lanes[at + RANGES + 2 * i + 1]!;
      if (from === offset && to === end) {
        lanes[at + COPIES]! += 1;
        return false;
      }
      if (offset < to && end > from) overlaps = true;
    }
    const place = at + RANGES + 2 * (count % MAX_RANGES);
    lanes[place] = offset;
    lanes[place + 1] = end;
    lanes[at + COUNT] = count + 1;
    const copies = lanes[at + COPIES]!;
    return overlaps || (isLast && copies > 0 && copies <= count / 2);
  }
}
