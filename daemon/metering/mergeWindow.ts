/** Adds one window to another: two workers' views of one observation point, or two hosts'. */
import { hashAddress } from './address.ts';
import { BYTES, type CounterTable, PACKETS } from './counterTable.ts';
import { PACKET_KINDS } from './decodeResult.ts';
import { pairHash } from './pairTable.ts';
import {
  SOURCE_ANSWERED,
  SOURCE_OTHER,
  SOURCE_PORT_BITS,
  SOURCE_REFUSED,
  SOURCE_SYN,
  SOURCE_TARGET_BITS,
  SOURCE_UDP,
  TARGET_KINDS,
  type Window,
} from './window.ts';

const TARGET_SUMS = [PACKETS, ...PACKET_KINDS.map((_, kind) => TARGET_KINDS + kind)];
const SOURCE_SUMS = [PACKETS, SOURCE_SYN, SOURCE_UDP, SOURCE_OTHER, SOURCE_ANSWERED, SOURCE_REFUSED];
const SOURCE_UNIONS = [SOURCE_TARGET_BITS, SOURCE_TARGET_BITS + 1, SOURCE_PORT_BITS, SOURCE_PORT_BITS + 1];

/**
 * Adds `from` to `into`, which must have the same shape, time span and hash seed. Commutative as long as nothing has to be
 * evicted; then the busiest stay, and what is evicted is counted.
 */
export function mergeWindow(into: Window, from: Window, hashSeed: number): void {
  addRows(into.totals, from.totals);
  addRows(into.malformed, from.malformed);
  addRows(into.tenants, from.tenants);
  into.close(
    Math.max(into.endMs, from.endMs),
    into.received + from.received,
    into.dropped === null || from.dropped === null ? null : into.dropped + from.dropped,
  );
  mergeDoubts(into, from);
  mergeTable(into.sources, from.sources, hashSeed, SOURCE_SUMS, SOURCE_UNIONS, false);
  mergeTable(into.targets, from.targets, hashSeed, TARGET_SUMS, [], true);
  mergeDetails(into, from, hashSeed);
  into.pairs.merge(from.pairs, ({ initiator, responder }) =>
    pairHash(hashAddress(hashSeed, ...initiator), hashAddress(hashSeed, ...responder)),
  );
  into.samples.merge(from.samples);
}

/** What was seen beside the packets; two halves of one view share a clock and a mirror, and the worse of each stands. */
function mergeDoubts(into: Window, from: Window): void {
  const lastPacketMs = Math.max(into.lastPacketMs ?? 0, from.lastPacketMs ?? 0);
  into.captured(
    into.capturedBytes + from.capturedBytes,
    into.segmentHeaderBytes + from.segmentHeaderBytes,
    lastPacketMs === 0 ? null : lastPacketMs,
  );
  into.sampled(from.samplingInterval);
  if (Math.abs(from.clockJumpMs) > Math.abs(into.clockJumpMs)) into.clockJumped(from.clockJumpMs - into.clockJumpMs);
  if (from.onlySees !== into.onlySees) into.suspectOneWay(null);
}

function addRows(into: Float64Array, from: Float64Array): void {
  from.forEach((value, i) => (into[i]! += value));
}

/** A line's address: its hash and words, as the tables take them. */
function keyOf(table: CounterTable, line: number, seed: number): [number, number, number, number, number] {
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = table.lanes.subarray(line, line + 4);
  return [hashAddress(seed, w0, w1, w2, w3), w0, w1, w2, w3];
}

function mergeTable(
  into: CounterTable,
  from: CounterTable,
  seed: number,
  sums: readonly number[],
  unions: readonly number[],
  hasBytes: boolean,
): void {
  const addLine = (at: number, line: number): void => {
    for (const lane of sums) into.lanes[at + lane]! += from.lanes[line + lane]!;
    for (const lane of unions) into.lanes[at + lane]! |= from.lanes[line + lane]!;
    if (hasBytes) into.doubles[(at + BYTES) >> 1]! += from.bytes(line);
  };
  into.addEvictions(from.evictions);
  const others: number[] = [];
  for (const line of from.used()) {
    const at = into.find(...keyOf(from, line, seed));
    if (at < 0) others.push(line);
    else addLine(at, line);
  }
  // Once the sums stand, the busiest of both stay.
  for (const line of others) {
    const key = keyOf(from, line, seed);
    if (into.packetsToEvict(key[0]) < from.packets(line)) addLine(into.insert(...key, from.tenant(line)), line);
    else into.addEvictions(1);
  }
}

function mergeDetails(into: Window, from: Window, seed: number): void {
  into.details.addRefused(from.details.refused);
  for (const line of from.targets.used()) {
    const fromSlot = from.targetDetail(line);
    if (fromSlot < 0) continue;
    const at = into.targets.find(...keyOf(from.targets, line, seed));
    if (at < 0) continue; // it found no room
    const known = into.targetDetail(at);
    const slot = known < 0 ? into.claimDetail(at, into.shape.details) : known;
    if (slot >= 0) into.details.merge(slot, from.details, fromSlot);
  }
}
