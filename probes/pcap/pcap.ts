/** The classic pcap format (draft-ietf-opsawg-pcap): file header and record headers, in both byte orders and both resolutions. */
import {
  BLOCK_FRAMES,
  type ChunkBlock,
  type CorruptRecord,
  MAX_RECORD_BYTES,
  type RecordFormat,
} from './recordFormat.ts';

export const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;

export class PcapFormat implements RecordFormat {
  readonly #littleEndian: boolean;
  readonly #msPerFraction: number;
  readonly #linkType: number;

  private constructor(littleEndian: boolean, msPerFraction: number, linkType: number) {
    this.#littleEndian = littleEndian;
    this.#msPerFraction = msPerFraction;
    this.#linkType = linkType;
  }

  /** Reads the file header of FILE_HEADER_BYTES; null: it is none. */
  static open(view: DataView): PcapFormat | null {
    for (const littleEndian of [true, false]) {
      const magic = view.getUint32(0, littleEndian);
      if (magic !== MAGIC_MICROSECONDS && magic !== MAGIC_NANOSECONDS) continue;
      // The upper bits of the link type tell about a frame check sequence.
      const linkType = view.getUint32(20, littleEndian) & 0xffff;
      return new PcapFormat(littleEndian, magic === MAGIC_NANOSECONDS ? 1e-6 : 1e-3, linkType);
    }
    return null;
  }

  parse(view: DataView, from: number, to: number, block: ChunkBlock): number | CorruptRecord {
    const { offsets, capturedLengths, wireLengths, timesMs } = block;
    const littleEndian = this.#littleEndian;
    const msPerFraction = this.#msPerFraction;
    let at = from;
    let count = 0;
    block.linkType = this.#linkType;
    while (count < BLOCK_FRAMES && at + RECORD_HEADER_BYTES <= to) {
      const captured = view.getInt32(at + 8, littleEndian);
      if (captured < 0 || captured > MAX_RECORD_BYTES) {
        if (count === 0) return { at, reason: `record of ${captured >>> 0} bytes` };
        break;
      }
      const next = at + RECORD_HEADER_BYTES + captured;
      if (next > to) break;
      offsets[count] = at + RECORD_HEADER_BYTES;
      capturedLengths[count] = captured;
      const wireLength = view.getInt32(at + 12, littleEndian);
      wireLengths[count] = wireLength < captured ? captured : wireLength; // only one that lies is shorter
      timesMs[count] = view.getUint32(at, littleEndian) * 1000 + view.getUint32(at + 4, littleEndian) * msPerFraction;
      count += 1;
      at = next;
    }
    block.count = count;
    return at;
  }
}
