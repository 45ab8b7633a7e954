/** The child's end of the batches: frames are copied into one while the batch before waits to be read; bounded by these two. */
import {
  BATCH_BYTES,
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  CAPTURED_LENGTH,
  COUNT,
  DROPPED_BY_CHILD,
  DROPPED_BY_KERNEL,
  FLAGS,
  FRAME_HEADER_BYTES,
  LENGTH,
  LINK_TYPE,
  MAGIC,
  MOST_FRAMES,
  padded,
  WIRE_LENGTH,
} from './batch.ts';

export interface BatchOutlet {
  /** Writes what there is room for, without waiting; returns how many bytes that were. */
  write(bytes: Uint8Array): number;
  /** Frames lost by the kernel until now; null: not known. */
  droppedByKernel(): number | null;
}

/** Longer frames are copied by a call, which costs as much as a loop over so many words. */
const COPIED_IN_WORDS = 64;

class Batch {
  readonly bytes = new Uint8Array(BATCH_BYTES);
  readonly words = new Uint32Array(this.bytes.buffer);
  readonly halves = new Uint16Array(this.bytes.buffer);
  readonly doubles = new Float64Array(this.bytes.buffer);
  length = BATCH_HEADER_BYTES;
  count = 0;
}

export class BatchWriter {
  readonly #outlet: BatchOutlet;
  readonly #linkType: number;
  #filling = new Batch();
  #sending = new Batch();
  /** Bytes of `#sending` that are written; all of them: it is free. */
  #written = 0;
  #left = 0;
  #dropped = 0;

  constructor(linkType: number, outlet: BatchOutlet) {
    this.#linkType = linkType;
    this.#outlet = outlet;
  }

  /** Frames that wait to be sent. */
  get count(): number {
    return this.#filling.count;
  }

  /** Whether something waits for the reader. */
  get isPending(): boolean {
    return this.#filling.count > 0 || this.#left > 0;
  }

  /** `words` and `bytes` show the same memory, which starts with the frame. This is the hot loop of the child. */
  add(
    words: Uint32Array,
    bytes: Uint8Array,
    captured: number,
    wireLength: number,
    timeMs: number,
    flags: number,
  ): void {
    if (!this.#hasRoom(captured)) {
      this.flush();
      if (!this.#hasRoom(captured)) {
        this.#dropped++;
        return;
      }
    }
    const batch = this.#filling;
    const at = batch.length;
    batch.doubles[at >>> 3] = timeMs;
    batch.words[(at + WIRE_LENGTH) >>> 2] = wireLength;
    batch.halves[(at + CAPTURED_LENGTH) >>> 1] = captured;
    batch.halves[(at + FLAGS) >>> 1] = flags;
    const frame = at + FRAME_HEADER_BYTES;
    const count = (captured + 3) >>> 2;
    if (count <= COPIED_IN_WORDS) {
      const target = batch.words;
      const start = frame >>> 2;
      for (let i = 0; i < count; i++) target[start + i] = words[i]!;
    } else {
      batch.bytes.set(bytes.subarray(0, captured), frame);
    }
    batch.length = frame + padded(captured);
    batch.count++;
  }

  /** Sends what there is, as far as there is room. */
  flush(): void {
    if (this.#drain() && this.#filling.count > 0) this.#send();
  }

  /** The same; and tells the counters if there are no frames. */
  report(): void {
    if (this.#drain()) this.#send();
  }

  #hasRoom(captured: number): boolean {
    const { length, count } = this.#filling;
    return count < MOST_FRAMES && length + FRAME_HEADER_BYTES + padded(captured) <= BATCH_BYTES;
  }

  #send(): void {
    const batch = this.#filling;
    batch.words[MAGIC >>> 2] = BATCH_MAGIC;
    batch.words[LENGTH >>> 2] = batch.length;
    batch.words[COUNT >>> 2] = batch.count;
    batch.words[LINK_TYPE >>> 2] = this.#linkType;
    batch.doubles[DROPPED_BY_CHILD >>> 3] = this.#dropped;
    batch.doubles[DROPPED_BY_KERNEL >>> 3] = this.#outlet.droppedByKernel() ?? Number.NaN;
    this.#filling = this.#sending;
    this.#filling.length = BATCH_HEADER_BYTES;
    this.#filling.count = 0;
    this.#sending = batch;
    this.#written = 0;
    this.#left = batch.length;
    this.#drain();
  }

  /** Whether the last batch is all written. */
  #drain(): boolean {
    while (this.#left > 0) {
      const written = this.#outlet.write(this.#sending.bytes.subarray(this.#written, this.#written + this.#left));
      if (written <= 0) return false;
      this.#written += written;
      this.#left -= written;
    }
    return true;
  }
}
