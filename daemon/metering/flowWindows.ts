/**
 * The windows of a flow collector: a record tells of packets that have passed up to an active timeout ago, so the last
 * dozen windows of packet time are open at once, and a window is closed when no record can be about it any more.
 */
import type { Milliseconds } from '../../probes/probe.ts';
import { FlowMeter, OpenWindow } from './flowMeter.ts';
import { Header } from './header.ts';
import { type AddressDirectory, DOOR_MASK, GOLDEN_RATIO } from './meter.ts';
import { type Window, WINDOW_MS } from './window.ts';

/** Windows in an active timeout, and those that are open: two more, for the way and the exporter's own delay. */
const WINDOWS_IN_TIMEOUT = 12;
export const OPEN_WINDOWS = 14;

/** The length of a window for exporters with this active timeout. */
export const flowWindowMs = (activeTimeoutMs: Milliseconds): Milliseconds =>
  Math.max(1, Math.ceil(activeTimeoutMs / WINDOWS_IN_TIMEOUT / WINDOW_MS)) * WINDOW_MS;

/** How long after a window's end it is closed. */
export const flowLagMs = (windowMs: Milliseconds): Milliseconds => (OPEN_WINDOWS - 1) * windowMs;

/** What became of flow records that were not (wholly) metered: of an exporter, or of all. */
export class UnmeteredFlows {
  /** About times whose window is closed; a record can be late in part. */
  lateRecords = 0;
  lateOctets = 0;
  /** About times for which no window could be opened, because those before were not taken over yet. */
  crowdedOutRecords = 0;
  crowdedOutOctets = 0;
}

export interface FlowWindowsOptions {
  readonly directory: AddressDirectory;
  readonly hashSeed: number;
  readonly windowMs: Milliseconds;
  /** A window to fill next; null when none is free. */
  nextWindow(): Window | null;
  /** In the order of their times. */
  onWindow(window: Window): void;
}

/** The flow to be metered; one object is filled again and again. Counts are scaled up from samples. */
export class Flow {
  readonly header = new Header();
  packets = 0;
  octets = 0;
  /** Before scaling. */
  packetsSeen = 0;
  startMs: Milliseconds = 0;
  endMs: Milliseconds = 0;
  /** One packet in so many was looked at; null: not known. */
  samplingInterval: number | null = 1;
}

export class FlowWindows {
  readonly #options: FlowWindowsOptions;
  readonly #meter: FlowMeter;
  readonly #doors = Array.from({ length: OPEN_WINDOWS * 2 }, () => new Int32Array(DOOR_MASK + 1));
  /** Window k, from k to k + 1 times `windowMs`, lies at k modulo their number. */
  readonly #open: (OpenWindow | null)[] = Array.from({ length: OPEN_WINDOWS }, () => null);
  /** The number of the newest window. */
  #newest = Number.NaN;
  /** All windows are open up to the newest. */
  #isComplete = false;
  #phase = 0;
  /** Of the flow that is being metered: some of it was. */
  #isLate = false;
  #isCrowdedOut = false;

  constructor(options: FlowWindowsOptions) {
    this.#options = options;
    this.#meter = new FlowMeter(options.directory, options.hashSeed, new Header());
  }

  /** Meters the flow's packets and octets into the windows that it spans, in proportion; what cannot be is counted. */
  observe(flow: Flow, unmetered: UnmeteredFlows): void {
    const { windowMs } = this.#options;
    const { startMs, endMs } = flow;
    const last = Math.floor(endMs / windowMs);
    this.#meter.begin(flow.header, flow.packetsSeen);
    this.#isLate = false;
    this.#isCrowdedOut = false;
    if (startMs < last * windowMs) this.#spread(flow, last, unmetered);
    else this.#put(last, flow.packets, flow.octets, flow, unmetered);
    if (this.#isLate) unmetered.lateRecords += 1;
    if (this.#isCrowdedOut) unmetered.crowdedOutRecords += 1;
    const open = this.#at(last);
    if (open === null) return;
    open.records += 1;
    this.#meter.showPair(open.window, endMs);
  }

  /** Closes the windows that are over, and opens those that have begun. */
  advance(nowMs: Milliseconds): void {
    const now = Math.floor(nowMs / this.#options.windowMs);
    if (now === this.#newest && this.#isComplete) return;
    // Also before the first window; and when the clock was set by more than the windows reach.
    if (!(Math.abs(now - this.#newest) < OPEN_WINDOWS)) this.#beginAt(now);
    while (this.#newest < now) {
      this.#close(this.#newest + 1 - OPEN_WINDOWS);
      this.#newest += 1;
    }
    for (let k = this.#newest; k > this.#newest - OPEN_WINDOWS; k--) this.#openAt(k);
    this.#isComplete = !this.#open.includes(null);
  }

  /** So many flow records have not arrived; null: nobody can know. */
  lose(records: number | null): void {
    const open = this.#at(this.#newest);
    if (open === null) return;
    if (records === null) open.isLossKnown = false;
    else open.lost += records;
  }

  #spread(flow: Flow, last: number, unmetered: UnmeteredFlows): void {
    const { windowMs } = this.#options;
    const { packets, octets, startMs, endMs } = flow;
    const oldest = this.#newest - OPEN_WINDOWS + 1;
    // Everything before the oldest open window is one share, however long that is.
    const first = Math.max(Math.floor(startMs / windowMs), Math.min(oldest, last) - 1);
    const phase = this.#nextPhase();
    let packetsBefore = 0;
    let octetsBefore = 0;
    for (let k = first; k <= last; k++) {
      const share = k === last ? 1 : ((k + 1) * windowMs - startMs) / (endMs - startMs);
      // Rounded with a phase of each flow's own: no packet is lost or invented, and flows alike do not pile up in one window.
      // A flow has no whole number of packets where a probability tells how many were looked at.
      const packetsUpTo = k === last ? packets : Math.min(packets, Math.floor(packets * share + phase));
      const octetsUpTo = packets === 0 ? octetsAt(octets, share) : octetsAt(octets, packetsUpTo / packets);
      if (octetsUpTo > octetsBefore || packetsUpTo > packetsBefore)
        this.#put(k, packetsUpTo - packetsBefore, octetsUpTo - octetsBefore, flow, unmetered);
      packetsBefore = packetsUpTo;
      octetsBefore = octetsUpTo;
    }
  }

  #put(k: number, packets: number, octets: number, { samplingInterval }: Flow, unmetered: UnmeteredFlows): void {
    const open = this.#at(k);
    if (open !== null) {
      this.#meter.count(open, packets, octets);
      open.window.sampled(samplingInterval);
      open.octets += octets;
    } else if (k <= this.#newest - OPEN_WINDOWS) {
      this.#isLate = true;
      unmetered.lateOctets += octets;
    } else {
      this.#isCrowdedOut = true;
      unmetered.crowdedOutOctets += octets;
    }
  }

  #at(k: number): OpenWindow | null {
    if (!(k <= this.#newest && k > this.#newest - OPEN_WINDOWS)) return null;
    return this.#open[k % OPEN_WINDOWS] ?? null;
  }

  /** 0 … 1, spread evenly. */
  #nextPhase(): number {
    this.#phase = (this.#phase + GOLDEN_RATIO) >>> 0;
    return this.#phase / 2 ** 32;
  }

  #beginAt(now: number): void {
    for (let k = this.#newest - OPEN_WINDOWS + 1; k <= this.#newest; k++) this.#close(k);
    this.#newest = now;
  }

  #openAt(k: number): void {
    const slot = k % OPEN_WINDOWS;
    if (this.#open[slot] !== null) return;
    const window = this.#options.nextWindow();
    if (window === null) return;
    const sourceDoor = this.#doors[slot * 2]!.fill(0);
    const targetDoor = this.#doors[slot * 2 + 1]!.fill(0);
    window.open(k * this.#options.windowMs);
    this.#open[slot] = new OpenWindow(window, sourceDoor, targetDoor);
  }

  #close(k: number): void {
    const slot = k % OPEN_WINDOWS;
    const open = this.#open[slot];
    if (open === null || open === undefined) return;
    this.#open[slot] = null;
    this.#isComplete = false;
    const { window, records, octets, lost, isLossKnown } = open;
    const endMs = (k + 1) * this.#options.windowMs;
    window.sumTotals();
    window.captured(octets, 0, records === 0 ? null : endMs);
    window.close(endMs, records, isLossKnown ? lost : null);
    this.#options.onWindow(window);
  }
}

const octetsAt = (octets: number, share: number): number => (share === 1 ? octets : Math.floor(octets * share));
