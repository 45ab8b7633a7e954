/** A packet probe that reads a capture file or a pipe, a chunk at a time, so that a file of any size costs the same memory. */
import { closeSync, openSync, readSync } from 'node:fs';
import { DecodeError } from '../decodeError.ts';
import type { FrameBlock, PacketProbe, ProbeState, ProbeStatistics } from '../probe.ts';
import { FILE_HEADER_BYTES, PcapFormat } from './pcap.ts';
import { PcapngFormat } from './pcapng.ts';
import { ChunkBlock, MAX_RECORD_BYTES, type RecordFormat } from './recordFormat.ts';

/** One record of the largest size with its header; small enough to stay in the second-level cache until it is metered. */
const CHUNK_BYTES = MAX_RECORD_BYTES + 64;

/** Opens `path`, or standard input for `-`. Throws DecodeError when it is no capture, and what open(2) throws. */
export function openPcap(path: string): PacketProbe {
  const descriptor = path === '-' ? 0 : openSync(path, 'r');
  try {
    return new PcapProbe(path === '-' ? 'standard input' : path, descriptor);
  } catch (error) {
    if (descriptor !== 0) closeSync(descriptor);
    throw error;
  }
}

class PcapProbe implements PacketProbe {
  readonly #subject: string;
  readonly #descriptor: number;
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

  constructor(subject: string, descriptor: number) {
    this.#subject = subject;
    this.#descriptor = descriptor;
    this.#fill(FILE_HEADER_BYTES);
    if (this.#to < FILE_HEADER_BYTES) throw new DecodeError(subject, 'file header truncated', this.#to);
    const pcap = PcapFormat.open(this.#view);
    const format = pcap ?? PcapngFormat.open(this.#view);
    if (format === null) throw new DecodeError(subject, 'neither pcap nor pcapng', 0);
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

  close(): void {
    this.#state = 'ended';
    if (this.#descriptor !== 0) closeSync(this.#descriptor);
  }

  #parse(): void {
    const next = this.#format.parse(this.#view, this.#from, this.#to, this.#block);
    if (typeof next === 'number') this.#from = next;
    else this.#end(next.reason, this.#chunkOffset + next.at);
  }

  #end(reason: string, offset: number): never {
    this.#state = 'ended';
    throw new DecodeError(this.#subject, reason, offset);
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
      const read = readSome(this.#descriptor, bytes, 0, Math.min(skipped, bytes.length));
      if (read === 0) this.#end('block truncated', this.#chunkOffset - skipped);
      skipped -= read;
    }
    this.#fill(kept + 1);
    if (this.#to > kept) return;
    if (kept > 0) this.#end('record truncated', this.#chunkOffset);
    this.#state = 'ended';
  }

  /** Reads until the chunk holds at least `wanted` bytes, or the input ends. */
  #fill(wanted: number): void {
    const { bytes } = this.#block;
    while (this.#to < wanted) {
      const read = readSome(this.#descriptor, bytes, this.#to, bytes.length - this.#to);
      if (read === 0) return;
      this.#to += read;
    }
  }
}

const NEVER = new Int32Array(new SharedArrayBuffer(4));
const PAUSE_MS = 2;

/** As read(2); waits for standard input too where another process that shares it has made it non-blocking. */
function readSome(descriptor: number, bytes: Uint8Array, at: number, length: number): number {
  for (;;) {
    try {
      return readSync(descriptor, bytes, at, length, null);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      Atomics.wait(NEVER, 0, 0, PAUSE_MS);
    }
  }
}
