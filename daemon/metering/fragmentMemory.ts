/** The fragments of packets of late, so that one that overlaps another is noticed (RFC 1858 section 4, RFC 5722). Fixed in size. */

/** Lanes of a packet: its hash, how many fragments came, and the place of the last ones. */
const KEY = 0;
const COUNT = 1;
const COPIES = 2;
const RANGES = 3;
/** Enough for a packet of 24 KB; of a longer one the last are compared. */
const MAX_RANGES = 16;
const LANES = RANGES + 2 * MAX_RANGES;
const PACKETS = 256;

export class FragmentMemory {
  readonly #lanes = new Int32Array(PACKETS * LANES);

  /**
   * Remembers the bytes `offset` … `offset + length` - 1 of the packet that hashes to `key`; whether a fragment of other bounds
   * shares some of them. One that comes twice is a copy, as mirrors make them of all; `isLast`: no more follow, and then
   * some copies among many that have none are told as well.
   */
  overlaps(key: number, offset: number, length: number, isLast: boolean): boolean {
    const lanes = this.#lanes;
    const at = (key >>> 24) * LANES;
    if (lanes[at + KEY] !== key) {
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
