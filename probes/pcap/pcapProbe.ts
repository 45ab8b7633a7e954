/** A packet probe that reads a capture file or a pipe, a chunk at a time, so that a file of any size costs the same memory. */
import { DecodeError } from '../decodeError.ts';
import type { FrameBlock, PacketProbe, ProbeState, ProbeStatistics } from '../probe.ts';
import type { ByteInput } from './byteInput.ts';
import { FileInput } from './fileInput.ts';
import { describeForeign } from './foreignFormat.ts';
import { GunzipInput, isGzip } from './gunzipInput.ts';
import { FILE_HEADER_BYTES, PcapFormat } from './pcap.ts';
import { PcapngFormat } from './pcapng.ts';
import { ChunkBlock, MAX_RECORD_BYTES, type RecordFormat } from './recordFormat.ts';

/** One record of the largest size with its header; small enough to stay in the second-level cache until it is metered. */
const CHUNK_BYTES = MAX_RECORD_BYTES + 64;

/** How far a file has been read. */
export interface Position {
  readonly readBytes: number;
  /** null: the input is a pipe, whose length nobody knows. */
  readonly totalBytes: number | null;
}

export interface CaptureProbe extends PacketProbe {
  position(): Position;
}

/**
 * Opens `path`, or standard input for `-`; packed by gzip or not. Throws DecodeError when it is no capture, what open(2) and read(2)
 * throw, and for a packed one ProbeError without koffi.
 */
export function openPcap(path: string): CaptureProbe {
  const file = new FileInput(path);
  let input: ByteInput = file;
  try {
    const isPacked = isGzip(file.peek(2));
    if (isPacked) input = new GunzipInput(file);
    return new PcapProbe(path === '-' ? 'standard input' : path, input, isPacked);
  } catch (error) {
    input.close();
    throw error;
  }
}

class PcapProbe implements CaptureProbe {
  readonly #subject: string;
  readonly #input: ByteInput;
  readonly #isPacked: boolean;
  readonly #block = new ChunkBlock(CHUNK_BYTES);
  readonly #view = new DataView(this.#block.bytes.buffer);
  readonly #format: RecordFormat;
  /** Unread bytes of the chunk: from … to. What lies behind `to` is to be skipped. */
  #from = 0;
  #to = 0;
  /** Where the chunk starts in the file. */
  #chunkOffset = 0;
  #received = 0;
  #state: ProbeState = 'up';

  constructor(subject: string, input: ByteInput, isPacked: boolean) {
    this.#subject = subject;
    this.#input = input;
    this.#isPacked = isPacked;
    this.#fill(FILE_HEADER_BYTES);
    if (this.#to < FILE_HEADER_BYTES) this.#end('file header truncated', this.#to);
    const pcap = PcapFormat.open(this.#view, this.#to);
    const format = pcap ?? PcapngFormat.open(this.#view);
    if (format === null) this.#end('neither pcap nor pcapng', 0, describeForeign(this.#block.bytes));
    this.#format = format;
    if (pcap !== null) this.#from = FILE_HEADER_BYTES;
  }

  /** The next frames; null at the end. Throws DecodeError, with the offset, once all that was readable has been given. */
  next(): FrameBlock | null {
    while (this.#state === 'up') {
      this.#parse();
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

  position(): Position {
    return { readBytes: this.#input.readBytes, totalBytes: this.#input.totalBytes };
  }

  close(): void {
    this.#state = 'ended';
    this.#input.close();
  }

  #parse(): void {
    const next = this.#format.parse(this.#view, this.#from, this.#to, this.#block);
    if (typeof next === 'number') this.#from = next;
    else this.#end(next.reason, this.#chunkOffset + next.at);
  }

  /** Moves the unfinished record to the front and reads on, past what is to be skipped. */
  #refill(): void {
    const { bytes } = this.#block;
    const kept = Math.max(0, this.#to - this.#from);
    let skipped = Math.max(0, this.#from - this.#to);
    if (this.#from > 0) bytes.copyWithin(0, this.#from, this.#to);
    this.#chunkOffset += this.#from;
    this.#from = 0;
    this.#to = kept;
    while (skipped > 0) {
      const read = this.#input.read(bytes, 0, Math.min(skipped, bytes.length));
      if (read === 0) this.#end('block truncated', this.#chunkOffset - skipped);
      skipped -= read;
    }
    this.#fill(kept + 1);
    if (this.#to > kept) return;
    if (kept > 0 || this.#input.problem !== null) this.#end('record truncated', this.#chunkOffset);
    this.#state = 'ended';
  }

  /** Reads until the chunk holds at least `wanted` bytes, or the input ends. */
  #fill(wanted: number): void {
    const { bytes } = this.#block;
    while (this.#to < wanted) {
      const read = this.#input.read(bytes, this.#to, bytes.length - this.#to);
      if (read === 0) return;
      this.#to += read;
    }
  }

  /** Offsets are those of the unpacked bytes; an input that cannot go on has the better reason, and one of its own file. */
  #end(reason: string, offset: number, advice?: string): never {
    this.#state = 'ended';
    const { problem } = this.#input;
    if (problem !== null) throw new DecodeError(this.#subject, problem.reason, problem.offset);
    throw new DecodeError(this.#isPacked ? `${this.#subject}, unpacked` : this.#subject, reason, offset, advice);
  }
}
