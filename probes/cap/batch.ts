/**
 * How frames go from the child that captures to the thread that meters: in batches, each a header and then frame after
 * frame, every one of them behind a header of its own. Both ends are this machine, so the numbers are little-endian.
 */
import { ProbeError } from '../probeError.ts';
import { type FrameBlock, MAX_TIME_MS } from '../probe.ts';

/** `WCAP` */
export const BATCH_MAGIC = 0x50_41_43_57;
/** Largest of a batch, with its header: room for a frame of 64 KiB in any case. */
export const BATCH_BYTES = 1 << 18;
export const MOST_FRAMES = 1 << 13;

/** The batch's header: three 32-bit words and the link type, then doubles. */
export const BATCH_HEADER_BYTES = 64;
export const MAGIC = 0;
/** With the header, a multiple of 8. */
export const LENGTH = 4;
export const COUNT = 8;
export const LINK_TYPE = 12;
/** Frames that the child had no room for, since it began: the reader was too slow. */
export const DROPPED_BY_CHILD = 16;
/** Frames that the kernel had no room for; NaN: not known. */
export const DROPPED_BY_KERNEL = 24;

/** A frame's header: time in milliseconds (double), length on the wire, captured length and FRAME_* bits (16 bits each). */
export const FRAME_HEADER_BYTES = 16;
export const WIRE_LENGTH = 8;
export const CAPTURED_LENGTH = 12;
export const FLAGS = 14;

/** Frames start at multiples of 8, so that times and words can be read as such. */
export const padded = (bytes: number): number => (bytes + 7) & ~7;

/** What a batch says beside its frames. */
export interface BatchHeader {
  readonly length: number;
  readonly count: number;
  readonly linkType: number;
  readonly droppedByChild: number;
  /** null: not known. */
  readonly droppedByKernel: number | null;
}

/** The child reads what strangers send, with code that is not ours: nothing that it says is taken on trust. */
export function readBatchHeader(view: DataView): BatchHeader {
  const length = view.getUint32(LENGTH, true);
  const count = view.getUint32(COUNT, true);
  const droppedByChild = view.getFloat64(DROPPED_BY_CHILD, true);
  const droppedByKernel = view.getFloat64(DROPPED_BY_KERNEL, true);
  const isSound =
    view.getUint32(MAGIC, true) === BATCH_MAGIC &&
    length >= BATCH_HEADER_BYTES + count * FRAME_HEADER_BYTES &&
    length <= BATCH_BYTES &&
    length % 8 === 0 &&
    count <= MOST_FRAMES &&
    Number.isSafeInteger(droppedByChild) &&
    droppedByChild >= 0 &&
    (Number.isNaN(droppedByKernel) || (Number.isSafeInteger(droppedByKernel) && droppedByKernel >= 0));
  if (!isSound) throw new ProbeError(`Cannot read a batch of frames: its header says ${length} bytes, ${count} frames`);
  return {
    length,
    count,
    linkType: view.getUint32(LINK_TYPE, true),
    droppedByChild,
    droppedByKernel: Number.isNaN(droppedByKernel) ? null : droppedByKernel,
  };
}

/** A FrameBlock over the memory of one batch; its arrays are made once and filled again for each. */
export interface BatchBlock extends FrameBlock {
  linkType: number;
  count: number;
}

export const makeBatchBlock = (memory: ArrayBuffer): BatchBlock => ({
  bytes: new Uint8Array(memory),
  linkType: 0,
  count: 0,
  offsets: new Uint32Array(MOST_FRAMES),
  capturedLengths: new Uint32Array(MOST_FRAMES),
  wireLengths: new Uint32Array(MOST_FRAMES),
  timesMs: new Float64Array(MOST_FRAMES),
  // libpcap puts a VLAN tag back into the frame, and cap does not tell that a packet is a super-packet.
  segmentSizes: new Uint16Array(MOST_FRAMES),
  vlanTags: new Uint32Array(MOST_FRAMES),
  flags: new Uint8Array(MOST_FRAMES),
});

/** Fills `block` from its own memory, which `view` shows too. */
export function readFrames(view: DataView, { count, length, linkType }: BatchHeader, block: BatchBlock): void {
  const { offsets, capturedLengths, wireLengths, timesMs, flags } = block;
  let at = BATCH_HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    const frame = at + FRAME_HEADER_BYTES;
    const captured = frame <= length ? view.getUint16(at + CAPTURED_LENGTH, true) : Infinity;
    if (frame + captured > length) throw new ProbeError(`Cannot read a batch of frames: frame ${i} is beyond its end`);
    const timeMs = view.getFloat64(at, true);
    if (!(Math.abs(timeMs) <= MAX_TIME_MS))
      throw new ProbeError(`Cannot read a batch of frames: frame ${i} is of ${timeMs} ms`);
    timesMs[i] = timeMs;
    wireLengths[i] = view.getUint32(at + WIRE_LENGTH, true);
    flags[i] = view.getUint16(at + FLAGS, true);
    capturedLengths[i] = captured;
    offsets[i] = frame;
    at = frame + padded(captured);
  }
  block.linkType = linkType;
  block.count = count;
}
