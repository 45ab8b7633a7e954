/** What the two capture file formats have in common: they describe packets in a chunk of the file. */
import type { FrameBlock } from '../probe.ts';

/** No record holds more (libpcap's MAXIMUM_SNAPLEN), so a longer one is a corrupt length. */
export const MAX_RECORD_BYTES = 262_144;
/** Frames of one block. */
export const BLOCK_FRAMES = 4096;

/** A FrameBlock over a chunk of the file, filled again and again. */
export class ChunkBlock implements FrameBlock {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offsets = new Uint32Array(BLOCK_FRAMES);
  readonly capturedLengths = new Uint32Array(BLOCK_FRAMES);
  readonly wireLengths = new Uint32Array(BLOCK_FRAMES);
  readonly timesMs = new Float64Array(BLOCK_FRAMES);
  readonly segmentSizes = new Uint16Array(BLOCK_FRAMES);
  readonly vlanTags = new Uint32Array(BLOCK_FRAMES);
  readonly flags = new Uint8Array(BLOCK_FRAMES);
  count = 0;
  linkType = 0;

  constructor(chunkBytes: number) {
    this.bytes = new Uint8Array(chunkBytes);
  }
}

/** A record that cannot be: where in the chunk, and why. */
export interface CorruptRecord {
  readonly at: number;
  readonly reason: string;
}

export interface RecordFormat {
  /**
   * Describes the complete records between `from` and `to` of the chunk in `block`, which is emptied first; where the next
   * one starts, which may lie behind `to`: what is between is to be skipped. A corrupt record ends it, unless frames
   * before it are to be given first.
   */
  parse(view: DataView, from: number, to: number, block: ChunkBlock): number | CorruptRecord;
}
