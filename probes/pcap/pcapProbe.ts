/** A packet probe that reads a capture file or a pipe, a chunk at a time, so that a file of any size costs the same memory. */
import { closeSync, openSync, readSync } from 'node:fs';
import { DecodeError } from '../decodeError.ts';
import type { FrameBlock, PacketProbe, ProbeState, ProbeStatistics } from '../probe.ts';
import { FILE_HEADER_BYTES, MAX_RECORD_BYTES, parseFileHeader, type PcapFormat, RECORD_HEADER_BYTES } from './pcap.ts';

/** Small enough to stay in the second-level cache between being read and being metered. */
const CHUNK_BYTES = MAX_RECORD_BYTES + RECORD_HEADER_BYTES;
const BLOCK_FRAMES = 4096;

/** The frame arrays of one block, allocated once. */
class ChunkBlock implements FrameBlock {
  readonly bytes = new Uint8Array(CHUNK_BYTES);
  readonly offsets = new Uint32Array(BLOCK_FRAMES);
  readonly capturedLengths = new Uint32Array(BLOCK_FRAMES);
  readonly wireLengths = new Uint32Array(BLOCK_FRAMES);
  readonly timesMs = new Float64Array(BLOCK_FRAMES);
  readonly segmentSizes = new Uint16Array(BLOCK_FRAMES);
  readonly vlanTags = new Uint32Array(BLOCK_FRAMES);
  readonly flags = new Uint8Array(BLOCK_FRAMES);
  count = 0;
  linkType = 0;
}

/** Opens `path`, or standard input for `-`. Throws DecodeError when it is no pcap file, and what open(2) throws. */
export function openPcap(path: string): PacketProbe {
  return new PcapProbe(path === '-' ? 'standard input' : path, path === '-' ? 0 : openSync(path, 'r'));
}

class PcapProbe implements PacketProbe {
  readonly #subject: string;
  readonly #descriptor: number;
  readonly #block = new ChunkBlock();
  readonly #view = new DataView(this.#block.bytes.buffer);
  readonly #format: PcapFormat;
  /** Unread bytes of the chunk: from … to. */
  #from = 0;
  #to = 0;
  /** Where the chunk starts in the file. */
  #chunkOffset = 0;
  #received = 0;
  #state: ProbeState = 'up';

  constructor(subject: string, descriptor: number) {
    this.#subject = subject;
    this.#descriptor = descriptor;
    this.#fill(FILE_HEADER_BYTES);
    this.#format = parseFileHeader(new DataView(this.#block.bytes.buffer, 0, this.#to), subject);
    this.#block.linkType = this.#format.linkType;
    this.#from = FILE_HEADER_BYTES;
  }

  /** The next frames; null at the end. Throws DecodeError, with the offset, once all that was readable has been given. */
  next(): FrameBlock | null {
    while (this.#state === 'up') {
      this.#parseRecords();
      if (this.#block.count > 0) {
        this.#received += this.#block.count;
        return this.#block;
      }
      this.#refill();
    }
    return null;
  }

  release(): void {}

  statistics(): ProbeStatistics {
    return { received: this.#received, dropped: null, state: this.#state, reattached: 0 };
  }

  close(): void {
    if (this.#descriptor !== 0) closeSync(this.#descriptor);
  }

  /** Moves the unfinished record to the front and reads on. */
  #refill(): void {
    const { bytes } = this.#block;
    bytes.copyWithin(0, this.#from, this.#to);
    this.#chunkOffset += this.#from;
    this.#to -= this.#from;
    this.#from = 0;
    const before = this.#to;
    this.#fill(before + 1);
    if (this.#to > before) return;
    this.#state = 'ended';
    if (before > 0) throw new DecodeError(this.#subject, 'record truncated', this.#chunkOffset);
  }

  /** Reads until the chunk holds at least `wanted` bytes, or the input ends. */
  #fill(wanted: number): void {
    const { bytes } = this.#block;
    while (this.#to < wanted) {
      const read = readSync(this.#descriptor, bytes, this.#to, bytes.length - this.#to, null);
      if (read === 0) return;
      this.#to += read;
    }
  }

  /** Describes the complete records of the chunk in the block. */
  #parseRecords(): void {
    const block = this.#block;
    const { offsets, capturedLengths, wireLengths, timesMs } = block;
    const view = this.#view;
    const { littleEndian, msPerFraction } = this.#format;
    const to = this.#to;
    let from = this.#from;
    let count = 0;
    while (count < BLOCK_FRAMES && from + RECORD_HEADER_BYTES <= to) {
      const captured = view.getInt32(from + 8, littleEndian);
      if (captured < 0 || captured > MAX_RECORD_BYTES) {
        if (count > 0) break;
        this.#state = 'ended';
        throw new DecodeError(this.#subject, `record of ${captured >>> 0} bytes`, this.#chunkOffset + from);
      }
      const next = from + RECORD_HEADER_BYTES + captured;
      if (next > to) break;
      offsets[count] = from + RECORD_HEADER_BYTES;
      capturedLengths[count] = captured;
      wireLengths[count] = view.getInt32(from + 12, littleEndian);
      timesMs[count] =
        view.getUint32(from, littleEndian) * 1000 + view.getInt32(from + 4, littleEndian) * msPerFraction;
      count += 1;
      from = next;
    }
    block.count = count;
    this.#from = from;
  }
}
