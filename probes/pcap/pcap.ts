/**
 * The classic pcap format (draft-ietf-opsawg-pcap): file header and record headers, in both byte orders and both resolutions;
 * and its relatives of before 2000, which differ in what a record's header has behind the lengths (wiretap/libpcap.c).
 */
import {
  BLOCK_FRAMES,
  type ChunkBlock,
  type CorruptRecord,
  MAX_RECORD_BYTES,
  type RecordFormat,
} from './recordFormat.ts';

export const FILE_HEADER_BYTES = 24;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
/** Alexey Kuznetzov's patches: interface, protocol and packet type behind the lengths. */
const MAGIC_MODIFIED = 0xa1b2cd34;

/** A record's header: seconds, fraction, captured length, wire length; more in some. */
const RECORD_HEADER_BYTES = 16;
/** By magic: what a record's header may have, first what it usually has. */
const RECORD_HEADERS: ReadonlyMap<number, readonly number[]> = new Map([
  [MAGIC_MICROSECONDS, [RECORD_HEADER_BYTES, 24, 20]], // 24: Kuznetzov's first patch (Red Hat 6.1); 20: Nokia IPSO
  [MAGIC_NANOSECONDS, [RECORD_HEADER_BYTES]],
  [MAGIC_MODIFIED, [24, 28]], // 28: SuSE 6.3
]);
/** Records that are looked at to find out. */
const RECORDS_TO_TRY = 3;
const MAX_WIRE_BYTES = 2 ** 27;

/** Which of the two lengths comes first: the captured one only since version 2.3, and not in all files that say 2.3. */
const LENGTHS_IN_ORDER = 0;
const LENGTHS_SWAPPED = 1;
const LENGTHS_EITHER_WAY = 2;

export class PcapFormat implements RecordFormat {
  readonly #littleEndian: boolean;
  readonly #msPerFraction: number;
  readonly #linkType: number;
  readonly #lengthOrder: number;
  readonly #headerBytes: number;

  private constructor(view: DataView, magic: number, littleEndian: boolean, to: number) {
    this.#littleEndian = littleEndian;
    this.#msPerFraction = magic === MAGIC_NANOSECONDS ? 1e-6 : 1e-3;
    // The upper bits of the link type tell about a frame check sequence.
    this.#linkType = view.getUint32(20, littleEndian) & 0xffff;
    this.#lengthOrder = orderOfLengths(view.getUint16(4, littleEndian), view.getUint16(6, littleEndian));
    const candidates = RECORD_HEADERS.get(magic) ?? [];
    this.#headerBytes = candidates.find((bytes) => this.#isPlausible(view, to, bytes)) ?? candidates[0] ?? 0;
  }

  /** Reads the file header of FILE_HEADER_BYTES, and guesses from the records behind it, up to `to`; null: it is none. */
  static open(view: DataView, to: number): PcapFormat | null {
    for (const littleEndian of [true, false]) {
      const magic = view.getUint32(0, littleEndian);
      if (RECORD_HEADERS.has(magic)) return new PcapFormat(view, magic, littleEndian, to);
    }
    return null;
  }

  parse(view: DataView, from: number, to: number, block: ChunkBlock): number | CorruptRecord {
    const { offsets, capturedLengths, wireLengths, timesMs } = block;
    const littleEndian = this.#littleEndian;
    const msPerFraction = this.#msPerFraction;
    const lengthOrder = this.#lengthOrder;
    const headerBytes = this.#headerBytes;
    let at = from;
    let count = 0;
    block.linkType = this.#linkType;
    while (count < BLOCK_FRAMES && at + headerBytes <= to) {
      let captured = view.getUint32(at + 8, littleEndian);
      let wireLength = view.getUint32(at + 12, littleEndian);
      if (lengthOrder !== LENGTHS_IN_ORDER && (lengthOrder === LENGTHS_SWAPPED || captured > wireLength))
        [captured, wireLength] = [wireLength, captured];
      if (captured > MAX_RECORD_BYTES) {
        if (count === 0) return { at, reason: `record of ${captured} bytes` };
        break;
      }
      const next = at + headerBytes + captured;
      if (next > to) break;
      offsets[count] = at + headerBytes;
      capturedLengths[count] = captured;
      wireLengths[count] = wireLength < captured ? captured : wireLength; // only one that lies is shorter
      timesMs[count] = view.getUint32(at, littleEndian) * 1000 + view.getUint32(at + 4, littleEndian) * msPerFraction;
      count += 1;
      at = next;
    }
    block.count = count;
    return at;
  }

  /** Whether the first records, as far as they are there, make sense with headers of so many bytes. */
  #isPlausible(view: DataView, to: number, headerBytes: number): boolean {
    const word = (at: number): number => view.getUint32(at, this.#littleEndian);
    const snapLength = word(16);
    let at = FILE_HEADER_BYTES;
    for (let i = 0; i < RECORDS_TO_TRY && at + headerBytes <= to; i++) {
      const lengths = [word(at + 8), word(at + 12)].toSorted((a, b) => a - b);
      const [captured = 0, wireLength = 0] =
        this.#lengthOrder === LENGTHS_IN_ORDER ? [word(at + 8), word(at + 12)] : lengths;
      if (word(at + 4) > 999_999 || captured > wireLength || captured > snapLength || wireLength > MAX_WIRE_BYTES)
        return false;
      at += headerBytes + captured;
    }
    return true;
  }
}

function orderOfLengths(major: number, minor: number): number {
  if (major === 543 || (major === 2 && minor < 3)) return LENGTHS_SWAPPED; // 543: DG/UX
  return major === 2 && minor === 3 ? LENGTHS_EITHER_WAY : LENGTHS_IN_ORDER;
}
