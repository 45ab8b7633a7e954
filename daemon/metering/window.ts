/**
 * The Window: everything that metering learnt in one tick, as one flat block of memory, so that a worker shares it with
 * the main thread without a copy. Bounded in size by its shape, mergeable, serialisable.
 */
import type { Milliseconds } from '../../probes/probe.ts';
import { CounterTable, type CounterTableShape, FIRST_FREE_LANE } from './counterTable.ts';
import { DECODE_REASONS, PACKET_KINDS } from './decodeResult.ts';
import { DetailTable } from './detailTable.ts';
import { PairTable } from './pairTable.ts';
import { SampleTable } from './sampleTable.ts';

/** The usual length of a tick, in packet time; windows start at multiples of it, so that they can be merged. */
export const WINDOW_MS = 250;

/**
 * Packets of one interface are given in order, but for the queues of a card: milliseconds. More than this is a clock that
 * was set back; until it has caught up, all packets would count for one window, and look like a flood.
 */
export const CLOCK_SET_BACK_MS = 1000;

/** Packets of a window from which on a target's sources and ports are looked at: 256 packets/s. */
export const DETAIL_PACKETS = 64;

export type Direction = 'outbound' | 'inbound';
export const OUTBOUND = 0;
export const INBOUND = 1;

/** Lanes of a line of `targets`: the detail slot + 1 (0: none yet, -1: refused), then packets by kind. */
export const TARGET_DETAIL = FIRST_FREE_LANE;
export const TARGET_KINDS = TARGET_DETAIL + 1;

/** Lanes of a line of `sources`, which has no bytes: packets that are SYNs, UDP, and others. */
export const SOURCE_SYN = 6;
export const SOURCE_UDP = 7;
export const SOURCE_OTHER = 8;
/** SYN-ACKs that came back to this source. */
export const SOURCE_ANSWERED = 9;
/** RSTs and ICMP errors that came back to this source. */
export const SOURCE_REFUSED = 10;
/** Linear-counting bitmaps of 64 bits each: the distinct targets, and the distinct target ports. */
export const SOURCE_TARGET_BITS = 12;
export const SOURCE_PORT_BITS = 14;

/** Columns of a row of `tenants` and of `totals`: packets by kind, then bytes by protocol. */
export const BYTES_TCP = PACKET_KINDS.length;
export const BYTES_UDP = BYTES_TCP + 1;
export const BYTES_ICMP = BYTES_TCP + 2;
export const BYTES_OTHER = BYTES_TCP + 3;
/** `totals` only: frames that are ARP, and frames that are neither IP nor ARP. */
export const ARP_FRAMES = BYTES_TCP + 4;
export const OTHER_FRAMES = BYTES_TCP + 5;
export const ROW = BYTES_TCP + 6;

const HEADER_DOUBLES = 16;
const START = 0;
const END = 1;
const RECEIVED = 2;
const DROPPED = 3;
const LAST_PACKET = 4;
const CAPTURED_BYTES = 5;
const SEGMENT_HEADER_BYTES = 6;
const SAMPLING_INTERVAL = 7;
const CLOCK_JUMP = 8;
const ONE_WAY = 9;
/** By the value of ONE_WAY. */
const WAYS = [null, 'outbound', 'inbound'] as const;

/** What a window was metered from: frames, exporters' flow records, or samples of CPU and memory. */
export type Observed = 'packets' | 'flows' | 'samples';

export interface WindowShape {
  /** 'packets' if left out. */
  readonly observed?: Observed;
  /** Number of tenants; tenant numbers are 1 … tenants, 0 is everybody else. */
  readonly tenants: number;
  readonly targetBits: number;
  readonly sourceBits: number;
  /** Busy targets whose sources and ports are looked at closely. */
  readonly details: number;
  /** 2^pairBits sightings of pairs of addresses. */
  readonly pairBits: number;
}

/** By what the interface faces: everybody, or one tenant. 5 MB and 1 MB a window. */
export const TABLES = {
  internet: { targetBits: 14, sourceBits: 15, details: 512, pairBits: 12 },
  tenant: { targetBits: 12, sourceBits: 13, details: 128, pairBits: 11 },
} as const;

/** Of a window of samples: it has no traffic, and only it has samples. */
const NO_TABLES = { targetBits: 2, sourceBits: 2, details: 0, pairBits: 2 } as const;

export const sampleShape = (tenants: number): WindowShape => ({ observed: 'samples', tenants, ...NO_TABLES });

const trafficRows = ({ observed, tenants }: WindowShape): number => (observed === 'samples' ? 0 : (tenants + 1) * 2);
const sampleRows = ({ observed, tenants }: WindowShape): number => (observed === 'samples' ? tenants + 1 : 0);

const targetShape = (shape: WindowShape): CounterTableShape => ({ bits: shape.targetBits, lanes: 32 });
const sourceShape = (shape: WindowShape): CounterTableShape => ({ bits: shape.sourceBits, lanes: 16 });

/** Cache lines, so that no two parts share one. */
const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;

function layout(shape: WindowShape) {
  const sizes = {
    header: HEADER_DOUBLES * 8,
    totals: ROW * 8,
    malformed: DECODE_REASONS.length * 8,
    tenants: trafficRows(shape) * ROW * 8,
    targets: CounterTable.byteLength(targetShape(shape)),
    sources: CounterTable.byteLength(sourceShape(shape)),
    details: DetailTable.byteLength(shape.details),
    pairs: PairTable.byteLength(shape.pairBits),
    samples: SampleTable.byteLength(sampleRows(shape)),
  };
  let end = 0;
  const at = (size: number): number => {
    const offset = end;
    end += align(size);
    return offset;
  };
  return {
    header: at(sizes.header),
    totals: at(sizes.totals),
    malformed: at(sizes.malformed),
    tenants: at(sizes.tenants),
    targets: at(sizes.targets),
    sources: at(sizes.sources),
    details: at(sizes.details),
    pairs: at(sizes.pairs),
    samples: at(sizes.samples),
    get byteLength() {
      return end;
    },
  };
}

export class Window {
  readonly shape: WindowShape;
  readonly memory: ArrayBufferLike;
  /** One row: the whole observation point; of packets once the window is closed. */
  readonly totals: Float64Array;
  /** Frames by decode reason. */
  readonly malformed: Float64Array;
  /** Rows by (tenant number * 2 + direction); those of number 0 are of all addresses that are nobody's. */
  readonly tenants: Float64Array;
  /** By destination address. */
  readonly targets: CounterTable;
  /** By source address. */
  readonly sources: CounterTable;
  readonly details: DetailTable;
  /** First contacts and how they were answered, impossible sources and headers. */
  readonly pairs: PairTable;
  /** Of a window of samples, else empty. */
  readonly samples: SampleTable;
  readonly #header: Float64Array;

  static byteLength(shape: WindowShape): number {
    return layout(shape).byteLength;
  }

  constructor(shape: WindowShape, memory: ArrayBufferLike = new ArrayBuffer(Window.byteLength(shape))) {
    const offsets = layout(shape);
    this.shape = shape;
    this.memory = memory;
    this.#header = new Float64Array(memory, offsets.header, HEADER_DOUBLES);
    this.totals = new Float64Array(memory, offsets.totals, ROW);
    this.malformed = new Float64Array(memory, offsets.malformed, DECODE_REASONS.length);
    this.tenants = new Float64Array(memory, offsets.tenants, trafficRows(shape) * ROW);
    this.targets = new CounterTable(memory, offsets.targets, targetShape(shape));
    this.sources = new CounterTable(memory, offsets.sources, sourceShape(shape));
    this.details = new DetailTable(memory, offsets.details, shape.details);
    this.pairs = new PairTable(memory, offsets.pairs, shape.pairBits);
    this.samples = new SampleTable(memory, offsets.samples, sampleRows(shape));
  }

  get observed(): Observed {
    return this.shape.observed ?? 'packets';
  }
  get startMs(): Milliseconds {
    return this.#header[START]!;
  }
  get endMs(): Milliseconds {
    return this.#header[END]!;
  }
  /** Seconds of packet time that the window spans. */
  get seconds(): number {
    return (this.endMs - this.startMs) / 1000;
  }
  /** Frames that the probe handed over in this window. */
  get received(): number {
    return this.#header[RECEIVED]!;
  }
  /** Frames that the probe is known to have lost in this window; null: unknown. */
  get dropped(): number | null {
    const dropped = this.#header[DROPPED]!;
    return Number.isNaN(dropped) ? null : dropped;
  }
  /** The time of the packet that came last; null: none came. */
  get lastPacketMs(): Milliseconds | null {
    return this.#header[LAST_PACKET] === 0 ? null : this.#header[LAST_PACKET]!;
  }
  /** Bytes of the frames that the probe handed over, super-packets whole, cut or not, IP or not. */
  get capturedBytes(): number {
    return this.#header[CAPTURED_BYTES]!;
  }
  /** Bytes, at most, of the headers that super-packets have more of on the wire, one a segment. */
  get segmentHeaderBytes(): number {
    return this.#header[SEGMENT_HEADER_BYTES]!;
  }
  /** The window rests on one packet in so many at the sparsest, all of them as a rule; null: not known. */
  get samplingInterval(): number | null {
    const interval = this.#header[SAMPLING_INTERVAL]!;
    return Number.isNaN(interval) ? null : Math.max(interval, 1);
  }
  /** By how much the clock of its packets was set forward, or back (negative), while it was open; 0: it was not. */
  get clockJumpMs(): Milliseconds {
    return this.#header[CLOCK_JUMP]!;
  }
  /** The one direction that the observation point sees of what goes both ways; null: it sees both, or cannot know. */
  get onlySees(): Direction | null {
    return WAYS[this.#header[ONE_WAY]!] ?? null;
  }

  /** Empties the window for a new tick. */
  open(startMs: Milliseconds): void {
    this.#header.fill(0);
    this.#header[START] = startMs;
    this.totals.fill(0);
    this.malformed.fill(0);
    this.tenants.fill(0);
    this.targets.clear();
    this.sources.clear();
    this.details.clear();
    this.pairs.clear();
    this.samples.clear();
  }

  close(endMs: Milliseconds, received: number, dropped: number | null): void {
    this.#header[END] = endMs;
    this.#header[RECEIVED] = received;
    this.#header[DROPPED] = dropped ?? Number.NaN;
  }

  captured(bytes: number, segmentHeaderBytes: number, lastPacketMs: Milliseconds | null): void {
    this.#header[CAPTURED_BYTES] = bytes;
    this.#header[SEGMENT_HEADER_BYTES] = segmentHeaderBytes;
    this.#header[LAST_PACKET] = lastPacketMs ?? 0;
  }

  /** Something in it was sampled, one packet in so many (null: not known): the sparsest counts, and the unknown most of all. */
  sampled(interval: number | null): void {
    this.#header[SAMPLING_INTERVAL] = Math.max(this.#header[SAMPLING_INTERVAL]!, interval ?? Number.NaN);
  }

  /** The clock was set forward, or back (negative): packets may stand in the wrong window, and more of them in this one. */
  clockJumped(jumpMs: Milliseconds): void {
    this.#header[CLOCK_JUMP]! += jumpMs;
  }

  /** Suspects that the observation point is shown one direction alone. */
  suspectOneWay(seen: Direction | null): void {
    this.#header[ONE_WAY] = WAYS.indexOf(seen);
  }

  /** Every packet stands in the outbound row of whoever its source is. */
  sumTotals(): void {
    for (let tenant = 0; tenant <= this.shape.tenants; tenant++) {
      const row = (tenant * 2 + OUTBOUND) * ROW;
      for (let column = 0; column < ARP_FRAMES; column++) this.totals[column]! += this.tenants[row + column]!;
    }
  }

  /** Packets of one kind of a tenant and direction. */
  tenantPackets(tenant: number, direction: number, kind: number): number {
    return this.tenants[(tenant * 2 + direction) * ROW + kind]!;
  }

  /** Bytes of layer 2 of a tenant and direction, all protocols. */
  tenantBytes(tenant: number, direction: number): number {
    return rowBytes(this.tenants, (tenant * 2 + direction) * ROW);
  }

  targetPackets(line: number, kind: number): number {
    return this.targets.lanes[line + TARGET_KINDS + kind]! >>> 0;
  }

  /** The slot of `details` of a busy target, or -1. */
  targetDetail(line: number): number {
    return Math.max(this.targets.lanes[line + TARGET_DETAIL]! - 1, -1);
  }

  /**
   * A slot of `details` for the target at `line`: a free one, or that of the first among the next `candidates` slots whose
   * target is gone, or not half as busy; -1: there is none.
   */
  claimDetail(line: number, candidates: number): number {
    const { details, targets } = this;
    const { lanes } = targets;
    let slot = details.claim(line);
    for (let tried = 0; slot < 0 && tried < candidates; tried++) {
      const candidate = details.nextCandidate();
      const owner = details.owner(candidate);
      const isOwned = lanes[owner + TARGET_DETAIL] === candidate + 1;
      if (isOwned && targets.packets(owner) >= targets.packets(line) / 2) continue;
      if (isOwned) lanes[owner + TARGET_DETAIL] = -1;
      details.assign(candidate, line);
      slot = candidate;
    }
    lanes[line + TARGET_DETAIL] = slot < 0 ? -1 : slot + 1;
    return slot;
  }
}

export function rowPackets(rows: Float64Array, row: number): number {
  let packets = 0;
  for (let kind = 0; kind < PACKET_KINDS.length; kind++) packets += rows[row + kind]!;
  return packets;
}

export function rowBytes(rows: Float64Array, row: number): number {
  return rows[row + BYTES_TCP]! + rows[row + BYTES_UDP]! + rows[row + BYTES_ICMP]! + rows[row + BYTES_OTHER]!;
}
