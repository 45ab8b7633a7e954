/** Cuts the stream of frames into windows by the packets' own time, whatever the size of the blocks that they come in. */
import type { FrameBlock, Milliseconds } from '../../probes/probe.ts';
import type { Meter } from './meter.ts';
import { CLOCK_SET_BACK_MS, type Window, WINDOW_MS } from './window.ts';

/** Ethernet, a VLAN tag, IPv6 and TCP with timestamps: what each segment of a super-packet has on the wire at most, as a rule. */
const SEGMENT_HEADER_BYTES = 14 + 4 + 40 + 32;

export interface TickOptions {
  readonly meter: Meter;
  /** A window to fill next; null when none is free: then the open one goes on, and nothing is lost. The first must be free. */
  nextWindow(): Window | null;
  onWindow(window: Window): void;
  /** Frames that the probe has lost since it was opened; null: it cannot know. */
  dropped(): number | null;
}

export class Tick {
  readonly #options: TickOptions;
  #open = false;
  #startMs = 0;
  #endMs = 0;
  #received = 0;
  #dropped = 0;
  #bytes = 0;
  #segmentHeaderBytes = 0;
  #lastPacketMs: Milliseconds | null = null;
  #clockJumpMs = 0;

  constructor(options: TickOptions) {
    this.#options = options;
  }

  /** Meters the block's frames; every window that ends before one of them is closed first. */
  observe(block: FrameBlock): void {
    const { count, timesMs } = block;
    let from = 0;
    while (from < count) {
      const timeMs = timesMs[from]!;
      if (!this.#covers(timeMs)) this.#turn(timeMs);
      const to = this.#endOfWindow(timesMs, from, count);
      this.#options.meter.observeFrames(block, from, to);
      this.#count(block, from, to);
      from = to;
    }
  }

  /** Live capture, when no frame came: `nowMs` is a time before which every frame has been delivered. */
  advance(nowMs: Milliseconds): void {
    if (!this.#covers(nowMs)) this.#turn(nowMs);
  }

  /** Live capture: the clock that the frames are stamped by was set, by so much. */
  clockJumped(jumpMs: Milliseconds): void {
    this.#clockJumpMs += jumpMs;
  }

  /** Closes the open window. */
  finish(): void {
    if (!this.#open) return;
    this.#open = false;
    const dropped = this.#options.dropped();
    const lost = dropped === null ? null : dropped - this.#dropped;
    const window = this.#options.meter.closeWindow(this.#endMs, this.#received, lost);
    window.captured(this.#bytes, this.#segmentHeaderBytes, this.#lastPacketMs);
    window.clockJumped(this.#clockJumpMs);
    this.#options.onWindow(window);
    this.#received = 0;
    this.#dropped = dropped ?? this.#dropped;
    this.#bytes = 0;
    this.#segmentHeaderBytes = 0;
    this.#lastPacketMs = null;
    this.#clockJumpMs = 0;
  }

  /** The capture is over: one empty window after the last, so that detectors which wait for the next can speak. */
  end(): void {
    if (!this.#open) return;
    const endMs = this.#endMs;
    this.finish();
    this.advance(endMs);
    this.finish();
  }

  /** What of a window is not in its packets' headers. */
  #count({ wireLengths, segmentSizes, timesMs }: FrameBlock, from: number, to: number): void {
    let bytes = 0;
    let segments = 0;
    for (let i = from; i < to; i++) {
      bytes += wireLengths[i]!;
      if (segmentSizes[i]! !== 0) segments += Math.floor(wireLengths[i]! / segmentSizes[i]!);
    }
    this.#received += to - from;
    this.#bytes += bytes;
    this.#segmentHeaderBytes += segments * SEGMENT_HEADER_BYTES;
    this.#lastPacketMs = timesMs[to - 1]!;
  }

  /** The first frame after `from` that belongs to another window. */
  #endOfWindow(timesMs: Float64Array, from: number, count: number): number {
    // As #covers, in one comparison: how far a time is from the middle.
    const reachMs = (this.#endMs - this.#startMs + CLOCK_SET_BACK_MS) / 2;
    const middleMs = this.#endMs - reachMs;
    let at = from + 1;
    while (at < count && Math.abs(timesMs[at]! - middleMs) < reachMs) at += 1;
    return at;
  }

  #covers(timeMs: Milliseconds): boolean {
    return this.#open && timeMs < this.#endMs && timeMs > this.#startMs - CLOCK_SET_BACK_MS;
  }

  #turn(timeMs: Milliseconds): void {
    const window = this.#options.nextWindow();
    if (window === null) return this.#extend(timeMs);
    this.finish();
    this.#open = true;
    this.#startMs = Math.floor(timeMs / WINDOW_MS) * WINDOW_MS;
    this.#endMs = this.#startMs + WINDOW_MS;
    this.#options.meter.open(window, this.#startMs);
  }

  /** Nobody has taken the earlier windows yet: this one lasts longer. */
  #extend(timeMs: Milliseconds): void {
    if (!this.#open) throw new RangeError('Cannot open a window: none is free');
    this.#endMs = Math.max(this.#endMs, (Math.floor(timeMs / WINDOW_MS) + 1) * WINDOW_MS);
  }
}
