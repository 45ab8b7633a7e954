/** Reads the values of data records by their template's plan into slots, without allocation. */
import type { Milliseconds } from '../probe.ts';
import {
  AGO_MICROSECONDS,
  type Encoding,
  FLOAT,
  IPV4,
  IPV6,
  LOW_OCTET,
  MICROSECONDS,
  NTP,
  SECONDS,
  SLOTS,
} from './elements.ts';

/** Numbers of one step of a plan: slot, operation, offset of the value (from the field, if lengths vary), octets of the field. */
export const STEP = 4;
/** A field of variable length (RFC 7011 section 7). */
export const VARIABLE = 65_535;

const READ_8 = 0;
const READ_16 = 1;
const READ_32 = 2;
const READ_64 = 3;
const READ_ANY = 4;
const READ_IPV4 = 5;
const READ_IPV6 = 6;
const READ_SECONDS = 7;
const READ_NTP = 8;
const READ_AGO = 9;
const READ_MICROSECONDS = 10;
const READ_FLOAT = 11;
export const SKIP = 12;

const BY_OCTETS: ReadonlyMap<number, number> = new Map([
  [1, READ_8],
  [2, READ_16],
  [4, READ_32],
  [8, READ_64],
]);
const BY_ENCODING: ReadonlyMap<Encoding, number> = new Map([
  [IPV4, READ_IPV4],
  [IPV6, READ_IPV6],
  [SECONDS, READ_SECONDS],
  [NTP, READ_NTP],
  [AGO_MICROSECONDS, READ_AGO],
  [MICROSECONDS, READ_MICROSECONDS],
  [FLOAT, READ_FLOAT],
  [LOW_OCTET, READ_8],
]);

export function operationOf(encoding: Encoding, octets: number): number {
  return BY_ENCODING.get(encoding) ?? BY_OCTETS.get(octets) ?? READ_ANY;
}

const TWO_32 = 2 ** 32;
/** Seconds from 1900 to 1970. */
const NTP_EPOCH = 2_208_988_800;

/** Records that are read at once; their rows fit into the first-level cache. */
export const BATCH_RECORDS = 32;

export class RecordReader {
  readonly #values = new Float64Array(BATCH_RECORDS * SLOTS);
  /** Of the records read last: by SLOT; of a slot that the template has not: what was there before. */
  readonly rows: readonly Float64Array[] = Array.from({ length: BATCH_RECORDS }, (_, row) =>
    this.#values.subarray(row * SLOTS, (row + 1) * SLOTS),
  );
  /** Of the message that is read. */
  exportTimeMs: Milliseconds = 0;

  /**
   * At most BATCH_RECORDS records of `octets` each, which are whole. One field of all of them is read before the next, so that
   * how it is written is asked once: that halves the cost of a record.
   */
  read(plan: Int32Array, view: DataView, start: number, octets: number, count: number): void {
    const values = this.#values;
    for (let step = 0; step < plan.length; step += STEP) {
      const operation = plan[step + 1]!;
      let slot = plan[step]!;
      let at = start + plan[step + 2]!;
      const end = at + count * octets;
      switch (operation) {
        case READ_8:
          for (; at < end; at += octets, slot += SLOTS) values[slot] = view.getUint8(at);
          break;
        case READ_16:
          for (; at < end; at += octets, slot += SLOTS) values[slot] = view.getUint16(at);
          break;
        case READ_32:
          for (; at < end; at += octets, slot += SLOTS) values[slot] = view.getUint32(at);
          break;
        case READ_64:
          for (; at < end; at += octets, slot += SLOTS) values[slot] = readUint64(view, at);
          break;
        case READ_IPV4:
          for (; at < end; at += octets, slot += SLOTS) values[slot] = view.getInt32(at);
          break;
        default:
          for (; at < end; at += octets, slot += SLOTS) this.#take(slot, operation, view, at, plan[step + 3]!);
      }
    }
  }

  /** A record with fields of variable length, into the first row; where the next one starts, or -1: it is cut short. */
  walk(plan: Int32Array, view: DataView, start: number, end: number): number {
    let at = start;
    for (let step = 0; step < plan.length; step += STEP) {
      let octets = plan[step + 3]!;
      if (octets === VARIABLE) {
        if (at + 1 > end) return -1;
        octets = view.getUint8(at);
        at += 1;
        if (octets === 255) {
          if (at + 2 > end) return -1;
          octets = view.getUint16(at);
          at += 2;
        }
      }
      if (at + octets > end) return -1;
      if (plan[step + 1] !== SKIP) this.#take(plan[step]!, plan[step + 1]!, view, at + plan[step + 2]!, octets);
      at += octets;
    }
    return at;
  }

  #take(slot: number, operation: number, view: DataView, at: number, octets: number): void {
    const values = this.#values;
    switch (operation) {
      case READ_8:
        values[slot] = view.getUint8(at);
        return;
      case READ_16:
        values[slot] = view.getUint16(at);
        return;
      case READ_32:
        values[slot] = view.getUint32(at);
        return;
      case READ_64:
        values[slot] = readUint64(view, at);
        return;
      case READ_IPV4:
        values[slot] = view.getInt32(at);
        return;
      case READ_IPV6:
        for (let word = 0; word < 4; word++) values[slot + word] = view.getInt32(at + word * 4);
        return;
      case READ_NTP:
        values[slot] = (view.getUint32(at) - NTP_EPOCH + view.getUint32(at + 4) / TWO_32) * 1000;
        return;
      case READ_FLOAT:
        values[slot] = octets === 8 ? view.getFloat64(at) : view.getFloat32(at);
        return;
      case READ_SECONDS:
        values[slot] = readUint(view, at, octets) * 1000;
        return;
      case READ_AGO:
        values[slot] = this.exportTimeMs - readUint(view, at, octets) / 1000;
        return;
      case READ_MICROSECONDS:
        values[slot] = readUint(view, at, octets) / 1000;
        return;
      default:
        values[slot] = readUint(view, at, octets);
    }
  }
}

/** Beyond 2^53 to the nearest that a number can hold. */
const readUint64 = (view: DataView, at: number): number => view.getUint32(at) * TWO_32 + view.getUint32(at + 4);

/** Of 1 … 8 octets; beyond 2^53 to the nearest that a number can hold. */
function readUint(view: DataView, at: number, octets: number): number {
  let value = 0;
  for (let i = 0; i < octets; i++) value = value * 256 + view.getUint8(at + i);
  return value;
}
