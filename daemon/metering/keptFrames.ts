/**
 * The last frames of an observation point in memory that a worker shares with the main thread: those that showed something of
 * their pair of addresses, and an even sample of all. The oldest are written over.
 */
import type { FrameBlock, Milliseconds } from '../../probes/probe.ts';

const FRAMES = 2048;
/** Of each at most: what a ring captures of an ordinary frame. */
const FRAME_BYTES = 128;
/** A slot: sequence, length on the wire, bytes kept, link type, then the time as a double, then the bytes. */
const SLOT_WORDS = 6;
const SLOT_BYTES = SLOT_WORDS * 4 + FRAME_BYTES;
const META_BYTES = 8;
/** In a window: of those that showed something, and of the sample. */
const TELLING = 256;
const SAMPLED = 128;

export interface KeptFrame {
  readonly timeMs: Milliseconds;
  readonly wireLength: number;
  readonly linkType: number;
  /** Its first bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export class KeptFrames {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #bytes: Uint8Array;
  #telling = 0;
  #seen = 0;
  #stride = 1;
  /** In this window: how many were kept, and which of all is the next. */
  #sampled = 0;
  #next = 0;
  /** Of the reader: how many it has read of all that were ever kept. */
  #read = 0;

  static readonly byteLength = META_BYTES + FRAMES * SLOT_BYTES;

  constructor(memory: ArrayBufferLike = new ArrayBuffer(KeptFrames.byteLength)) {
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory);
    this.#bytes = new Uint8Array(memory);
  }

  /** The writer's: a window begins. */
  open(): void {
    this.#stride = Math.max(1, Math.ceil(this.#seen / SAMPLED));
    this.#telling = 0;
    this.#seen = 0;
    this.#sampled = 0;
    this.#next = 0;
  }

  /** The writer's: a frame that showed something. */
  tell(block: FrameBlock, i: number): void {
    if (this.#telling >= TELLING) return;
    this.#telling += 1;
    this.#keep(block, i);
  }

  /**
   * The writer's: some of the frames `from` … `to` - 1, as many as the last window's number allows. Where that had fewer, the steps grow
   * once there is twice the sample: a flood of a million frames leaves some 700.
   */
  sample(block: FrameBlock, from: number, to: number): void {
    let i = from + this.#next - this.#seen;
    for (; i < to; i += this.#stride) {
      this.#keep(block, i);
      this.#sampled += 1;
      if (this.#sampled >= 2 * SAMPLED && this.#sampled % (SAMPLED / 2) === 0) this.#stride *= 4;
    }
    this.#next = this.#seen + i - from;
    this.#seen += to - from;
  }

  #keep({ bytes, offsets, capturedLengths, wireLengths, timesMs, linkType }: FrameBlock, i: number): void {
    const words = this.#words;
    const count = Atomics.load(words, 0);
    const word = META_BYTES / 4 + ((count >>> 0) % FRAMES) * (SLOT_BYTES / 4);
    const length = Math.min(capturedLengths[i]!, FRAME_BYTES);
    // A reader that finds -1, or another number after than before, has read a frame that was written over meanwhile.
    Atomics.store(words, word, -1);
    words[word + 1] = wireLengths[i]!;
    words[word + 2] = length;
    words[word + 3] = linkType;
    this.#doubles[(word + 4) >> 1] = timesMs[i]!;
    const at = (word + SLOT_WORDS) * 4;
    const start = offsets[i]!;
    for (let byte = 0; byte < length; byte++) this.#bytes[at + byte] = bytes[start + byte]!;
    Atomics.store(words, word, count);
    Atomics.store(words, 0, (count + 1) & 0x3fff_ffff);
  }

  /** The reader's: what was kept since it last read, the oldest first; what was written over meanwhile is left out. */
  read(): KeptFrame[] {
    const end = Atomics.load(this.#words, 0);
    // A count that is behind turned over, or is that of a worker that was started again: what is there is all new.
    const first = Math.max(end < this.#read ? 0 : this.#read, end - FRAMES);
    this.#read = end;
    const frames: KeptFrame[] = [];
    for (let count = first; count < end; count++) {
      const frame = this.#at(count);
      if (frame !== null) frames.push(frame);
    }
    return frames;
  }

  #at(count: number): KeptFrame | null {
    const words = this.#words;
    const word = META_BYTES / 4 + (count % FRAMES) * (SLOT_BYTES / 4);
    if (Atomics.load(words, word) !== count) return null;
    const at = (word + SLOT_WORDS) * 4;
    const frame: KeptFrame = {
      timeMs: this.#doubles[(word + 4) >> 1]!,
      wireLength: words[word + 1]!,
      linkType: words[word + 3]!,
      bytes: Uint8Array.from(this.#bytes.subarray(at, at + Math.min(words[word + 2]!, FRAME_BYTES))),
    };
    return Atomics.load(words, word) === count ? frame : null;
  }
}
