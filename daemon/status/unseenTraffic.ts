/**
 * What passed an interface by the kernel's own counters and was neither captured nor counted as lost. Bytes are compared, for
 * packets cannot be: a card counts them before GRO, a veth super-packets as one. Whatever can be explained is not shown.
 */
import type { Milliseconds } from '../../probes/probe.ts';
import { ARP_FRAMES, OTHER_FRAMES, rowPackets, type Window } from '../metering/window.ts';

/** How far the time at which counters were read may lie beside the time that is said. */
const READING_MS = 500;
/** What no count agrees on: tags taken out, encapsulations that a super-packet repeats. */
const TOLERANCE = 0.02;
/** FCS, and what a card pads a short frame with. */
const FRAME_TOLERANCE_BYTES = 10;
/** A lost frame may be larger than those that were captured; beyond that, its size is not known. */
const LOST_FRAME_SIZE = 2;
/** Windows kept to find the one that ended before counters were read. */
const KEPT_WINDOWS = 12;

/** Of the kernel, since the interface was made. */
export interface InterfaceBytes {
  readonly received: number;
  readonly sent: number;
}

/** Sums since the start. */
interface Captured {
  readonly endMs: Milliseconds;
  readonly bytes: number;
  readonly segmentHeaderBytes: number;
  readonly frames: number;
  readonly packets: number;
  readonly dropped: number;
}

/** The counters, and what was captured certainly before and certainly after they were read. */
interface Reading {
  readonly atMs: Milliseconds;
  readonly counters: InterfaceBytes;
  readonly before: Captured;
  readonly after: Captured;
}

const NOTHING: Captured = {
  endMs: -Infinity,
  bytes: 0,
  segmentHeaderBytes: 0,
  frames: 0,
  packets: 0,
  dropped: 0,
};

export class UnseenTraffic {
  /** The newest last. */
  #captured: Captured[] = [];
  #pending: Omit<Reading, 'after'> | null = null;
  /** At most two that were compared, the older first. */
  #readings: Reading[] = [];
  #reattached = 0;
  #bytes: number | null = null;

  /** null: not known yet. */
  get bytes(): number | null {
    return this.#bytes;
  }

  /** About so many packets, by the mean size of those that were captured. */
  get packets(): number | null {
    const { bytes, packets } = this.#captured.at(-1) ?? NOTHING;
    if (this.#bytes === null || (this.#bytes > 0 && packets === 0)) return null;
    return this.#bytes === 0 ? 0 : Math.round((this.#bytes / bytes) * packets);
  }

  /** `reattached` as in ProbeStatistics: an interface that was made anew counts anew. */
  observeWindow(window: Window, reattached: number): void {
    const last = this.#captured.at(-1) ?? NOTHING;
    if (reattached !== this.#reattached || window.endMs < last.endMs) this.#beginAnew();
    this.#reattached = reattached;
    const now = add(last, window);
    this.#captured = [...this.#captured, now].slice(-KEPT_WINDOWS);
    if (this.#pending !== null && now.endMs >= this.#pending.atMs + READING_MS) {
      this.#compare({ ...this.#pending, after: now });
      this.#pending = null;
    }
  }

  /** Read at `atMs` by the clock of the packets. */
  observeCounters(atMs: Milliseconds, counters: InterfaceBytes): void {
    const before = this.#captured.findLast(({ endMs }) => endMs <= atMs - READING_MS);
    if (before !== undefined) this.#pending = { atMs, counters, before };
  }

  /** Only what the reading after confirms is taken for unseen: a reading at a wrong time is made up for by the next. */
  #compare(reading: Reading): void {
    const [first, second] = this.#readings;
    if (second !== undefined && !goesOn(second.counters, reading.counters)) this.#readings = [reading];
    else this.#readings = [...this.#readings, reading].slice(-2);
    if (first === undefined || second === undefined || this.#readings.length === 1) return;
    const confirmed = Math.min(unexplained(first, second), unexplained(first, reading));
    this.#bytes = (this.#bytes ?? 0) + Math.max(0, Math.round(confirmed));
  }

  #beginAnew(): void {
    this.#pending = null;
    this.#readings = [];
    this.#captured = this.#captured.slice(-1).map((last) => ({ ...last, endMs: -Infinity }));
  }
}

const goesOn = (a: InterfaceBytes, b: InterfaceBytes): boolean => b.received >= a.received && b.sent >= a.sent;

function add(sum: Captured, window: Window): Captured {
  const { totals } = window;
  const others = (totals[ARP_FRAMES] ?? 0) + (totals[OTHER_FRAMES] ?? 0);
  return {
    endMs: window.endMs,
    bytes: sum.bytes + window.capturedBytes,
    segmentHeaderBytes: sum.segmentHeaderBytes + window.segmentHeaderBytes,
    frames: sum.frames + window.received,
    packets: sum.packets + rowPackets(totals, 0) + others,
    dropped: sum.dropped + (window.dropped ?? 0),
  };
}

/** Bytes between two readings beyond what can have been captured, or is counted as lost. */
function unexplained(from: Reading, to: Reading): number {
  const counted = to.counters.received - from.counters.received + (to.counters.sent - from.counters.sent);
  const bytes = to.after.bytes - from.before.bytes;
  const frames = to.after.frames - from.before.frames;
  const segmentHeaderBytes = to.after.segmentHeaderBytes - from.before.segmentHeaderBytes;
  const dropped = to.after.dropped - from.before.dropped;
  const frameBytes = to.after.bytes / Math.max(to.after.frames, 1);
  const lost = dropped * Math.max(frameBytes, bytes / Math.max(frames, 1)) * LOST_FRAME_SIZE;
  return counted - (bytes * (1 + TOLERANCE) + segmentHeaderBytes + frames * FRAME_TOLERANCE_BYTES + lost);
}
