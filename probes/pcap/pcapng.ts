/** The pcapng format (draft-ietf-opsawg-pcapng): sections, interfaces, and packets in blocks; other blocks are skipped. */
import { MAX_TIME_MS } from '../probe.ts';
import { BLOCK_FRAMES, type ChunkBlock, type CorruptRecord, type RecordFormat } from './recordFormat.ts';

/** Type and total length before the body, the total length again behind it. */
const BLOCK_HEADER_BYTES = 8;
const SMALLEST_BLOCK_BYTES = 12;
/** Of an enhanced packet: interface, two words of time, captured and wire length before the packet. */
const PACKET_AT = BLOCK_HEADER_BYTES + 20;
const SMALLEST_PACKET_BYTES = PACKET_AT + 4;

const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const INTERFACE_DESCRIPTION = 1;
/** Obsolete, but still written by some. */
const PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
const OPTION_END = 0;
const OPTION_TIME_RESOLUTION = 9;
const OPTION_TIME_OFFSET = 14;

/** More interfaces than this in one section are refused: each is remembered. */
const MAX_INTERFACES = 65_536;

interface Interface {
  readonly linkType: number;
  /** 0: no limit. */
  readonly snapLength: number;
  /** Units of a time stamp in a millisecond: to divide by it is exact to the last bit for decimal resolutions. */
  readonly unitsPerMs: number;
  readonly offsetMs: number;
}

export class PcapngFormat implements RecordFormat {
  #littleEndian = true;
  #interfaces: Interface[] = [];
  /** Simple packets have no time: they take that of the packet before. */
  #lastMs = 0;

  /** Whether the file starts with a section header. */
  static open(view: DataView): PcapngFormat | null {
    return view.getUint32(0) === SECTION_HEADER ? new PcapngFormat() : null;
  }

  parse(view: DataView, from: number, to: number, block: ChunkBlock): number | CorruptRecord {
    let at = from;
    block.count = 0;
    while (block.count < BLOCK_FRAMES && at + SMALLEST_BLOCK_BYTES <= to) {
      const type = view.getUint32(at, this.#littleEndian);
      if (type === SECTION_HEADER && !this.#openSection(view, at))
        return corrupt(at, 'section header without its magic', block);
      if (type === ENHANCED_PACKET) {
        const next = this.#takePackets(view, at, to, block);
        if (next > at) {
          at = next;
          continue;
        }
      }
      const length = view.getUint32(at + 4, this.#littleEndian);
      if (length < SMALLEST_BLOCK_BYTES) return corrupt(at, `block of ${length} bytes`, block);
      const next = at + Math.ceil(length / 4) * 4;
      if (next > to) {
        if (isNeeded(type) && next - at <= view.byteLength) break;
        if (isNeeded(type)) return corrupt(at, `block of ${length} bytes`, block);
        return next;
      }
      const lengthBehind = view.getUint32(next - 4, this.#littleEndian);
      if (lengthBehind !== length)
        return corrupt(at, `block of ${length} bytes that ends as one of ${lengthBehind}`, block);
      const taken = this.#takeBlock(view, type, at + BLOCK_HEADER_BYTES, at + length - 4, block);
      if (taken === 'full') break;
      if (taken !== 'taken') return corrupt(at, taken, block);
      at = next;
    }
    return at;
  }

  /**
   * The hot loop: enhanced packets of one interface that have nothing odd, one after the other; where it ends, which is where it began
   * when already the first needs a closer look.
   */
  #takePackets(view: DataView, from: number, to: number, block: ChunkBlock): number {
    const littleEndian = this.#littleEndian;
    const { offsets, capturedLengths, wireLengths, timesMs } = block;
    const last = to - SMALLEST_PACKET_BYTES;
    if (from > last) return from;
    const interfaceId = view.getUint32(from + 8, littleEndian);
    const on = this.#interfaces[interfaceId];
    if (on === undefined || (block.count > 0 && block.linkType !== on.linkType)) return from;
    const { unitsPerMs, offsetMs } = on;
    let at = from;
    let count = block.count;
    while (count < BLOCK_FRAMES && at <= last) {
      const length = view.getUint32(at + 4, littleEndian);
      const captured = view.getUint32(at + 20, littleEndian);
      const wireLength = view.getUint32(at + 24, littleEndian);
      if (view.getUint32(at, littleEndian) !== ENHANCED_PACKET || view.getUint32(at + 8, littleEndian) !== interfaceId)
        break;
      if ((length & 3) !== 0 || captured > length - SMALLEST_PACKET_BYTES || captured > wireLength || at + length > to)
        break;
      if (view.getUint32(at + length - 4, littleEndian) !== length) break;
      const units = view.getUint32(at + 12, littleEndian) * 2 ** 32 + view.getUint32(at + 16, littleEndian);
      const timeMs = units / unitsPerMs + offsetMs;
      if (Math.abs(timeMs) > MAX_TIME_MS) break;
      offsets[count] = at + PACKET_AT;
      capturedLengths[count] = captured;
      wireLengths[count] = wireLength;
      timesMs[count] = timeMs;
      count += 1;
      at += length;
    }
    if (at === from) return from;
    block.linkType = on.linkType;
    block.count = count;
    this.#lastMs = timesMs[count - 1] ?? 0;
    return at;
  }

  /** A section has its own byte order and interfaces. */
  #openSection(view: DataView, at: number): boolean {
    for (const littleEndian of [true, false]) {
      if (view.getUint32(at + 8, littleEndian) !== BYTE_ORDER_MAGIC) continue;
      this.#littleEndian = littleEndian;
      this.#interfaces = [];
      return true;
    }
    return false;
  }

  /** Takes one whole block; `full`: its packet belongs into another FrameBlock; else why it is corrupt. */
  #takeBlock(view: DataView, type: number, body: number, end: number, block: ChunkBlock): string {
    const size = end - body;
    switch (type) {
      case INTERFACE_DESCRIPTION:
        return size < 8 ? 'interface description truncated' : this.#addInterface(view, body, end);
      case ENHANCED_PACKET:
        if (size < 20) return 'packet truncated';
        return this.#addPacket(view, view.getUint32(body, this.#littleEndian), body + 4, end, block);
      case PACKET:
        if (size < 20) return 'packet truncated';
        return this.#addPacket(view, view.getUint16(body, this.#littleEndian), body + 4, end, block);
      case SIMPLE_PACKET:
        return size < 4 ? 'packet truncated' : this.#addSimplePacket(view, body, end, block);
      default:
        return 'taken';
    }
  }

  #addInterface(view: DataView, body: number, end: number): string {
    if (this.#interfaces.length === MAX_INTERFACES) return 'too many interfaces';
    const littleEndian = this.#littleEndian;
    let unitsPerMs = 1000;
    let offsetMs = 0;
    for (let at = body + 8; at + 4 <= end;) {
      const code = view.getUint16(at, littleEndian);
      const length = view.getUint16(at + 2, littleEndian);
      if (code === OPTION_END || at + 4 + length > end) break;
      if (code === OPTION_TIME_RESOLUTION && length === 1) unitsPerMs = unitsPerMsOf(view.getUint8(at + 4));
      if (code === OPTION_TIME_OFFSET && length === 8) offsetMs = Number(view.getBigInt64(at + 4, littleEndian)) * 1000;
      at += 4 + Math.ceil(length / 4) * 4;
    }
    const linkType = view.getUint16(body, littleEndian);
    const snapLength = view.getUint32(body + 4, littleEndian);
    this.#interfaces.push({ linkType, snapLength, unitsPerMs, offsetMs });
    return 'taken';
  }

  /** The enhanced and the obsolete packet are alike from the time stamp on. */
  #addPacket(view: DataView, interfaceId: number, at: number, end: number, block: ChunkBlock): string {
    const littleEndian = this.#littleEndian;
    const on = this.#interfaces[interfaceId];
    if (on === undefined) return `packet of interface ${interfaceId}, which is not described`;
    const captured = view.getUint32(at + 8, littleEndian);
    if (captured > end - at - 16) return `packet of ${captured} bytes`;
    const units = view.getUint32(at, littleEndian) * 2 ** 32 + view.getUint32(at + 4, littleEndian);
    const timeMs = units / on.unitsPerMs + on.offsetMs;
    if (Math.abs(timeMs) > MAX_TIME_MS) return `packet of second ${timeMs / 1000}`;
    return this.#describe(block, on, at + 16, captured, view.getUint32(at + 12, littleEndian), timeMs);
  }

  #addSimplePacket(view: DataView, body: number, end: number, block: ChunkBlock): string {
    const [on] = this.#interfaces;
    if (on === undefined) return 'packet of interface 0, which is not described';
    const wireLength = view.getUint32(body, this.#littleEndian);
    const limit = on.snapLength === 0 ? wireLength : Math.min(on.snapLength, wireLength);
    return this.#describe(block, on, body + 4, Math.min(limit, end - body - 4), wireLength, this.#lastMs);
  }

  /** A FrameBlock has one link type: a packet of another one waits for the next. */
  #describe(
    block: ChunkBlock,
    { linkType }: Interface,
    offset: number,
    captured: number,
    wireLength: number,
    timeMs: number,
  ): string {
    const { count } = block;
    if (count > 0 && block.linkType !== linkType) return 'full';
    block.linkType = linkType;
    block.offsets[count] = offset;
    block.capturedLengths[count] = captured;
    block.wireLengths[count] = Math.max(captured, wireLength);
    block.timesMs[count] = timeMs;
    block.count = count + 1;
    this.#lastMs = timeMs;
    return 'taken';
  }
}

/** Frames before the corrupt block are given first; it is found again by the next call. */
const corrupt = (at: number, reason: string, { count }: ChunkBlock): number | CorruptRecord =>
  count > 0 ? at : { at, reason };

const isNeeded = (type: number): boolean =>
  type === SECTION_HEADER ||
  type === INTERFACE_DESCRIPTION ||
  type === ENHANCED_PACKET ||
  type === PACKET ||
  type === SIMPLE_PACKET;

/** if_tsresol: a negative power of 10, or of 2 with the top bit set. */
const unitsPerMsOf = (value: number): number => ((value & 0x80) === 0 ? 10 ** (value - 3) : 2 ** (value & 0x7f) / 1000);
