/**
 * The metering process (RFC 7011 section 2): frames in, counters of the open window up. This is the product's hot loop: it
 * allocates nothing, and touches one cache line a table for a usual packet.
 */
import { FRAME_OUTGOING, type FrameBlock, type Milliseconds } from '../../probes/probe.ts';
import { hashAddress, hashPort } from './address.ts';
import { BYTES, type CounterTable, MARK, PACKETS } from './counterTable.ts';
import { decodeFrame } from './decode.ts';
import { FRAME_ARP, FRAME_IP, FRAME_OTHER, Header, SNAPPED } from './header.ts';
import { ICMP, PACKET_KINDS, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, TCP_SYN_ACK, UDP } from './decodeResult.ts';
import { ANSWERED_ONCE, FINGERPRINT_SHIFT } from './contactMemory.ts';
import { DOOR_BIT_SHIFT, DOOR_WORD_SHIFT } from './handshakes.ts';
import type { KeptFrames } from './keptFrames.ts';
import { PairWatch } from './pairWatch.ts';
import {
  ARP_FRAMES,
  BYTES_ICMP,
  BYTES_OTHER,
  BYTES_TCP,
  BYTES_UDP,
  DETAIL_PACKETS,
  INBOUND,
  OTHER_FRAMES,
  OUTBOUND,
  ROW,
  SOURCE_ANSWERED,
  SOURCE_OTHER,
  SOURCE_PORT_BITS,
  SOURCE_REFUSED,
  SOURCE_SYN,
  SOURCE_TARGET_BITS,
  SOURCE_UDP,
  TARGET_DETAIL,
  TARGET_KINDS,
  type Window,
} from './window.ts';

/** How often a target that found no detail slot asks again, in its packets. */
const DETAIL_RETRY = 256;
/** One packet in 8 of a busy target goes into the sample behind its top sources and ports. */
const SAMPLE_SHIFT = 29;
/** No frame is longer than this (BIG TCP ends at 512 KiB): a lying length field must not blow up the counters. */
export const MAX_WIRE_LENGTH = 1 << 19;
const VLAN_TAG_BYTES = 4;
export const DOOR_MASK = 0x7fff;
/** 2^32 divided by the golden ratio: its multiples lie evenly among all numbers (Knuth, TAOCP 6.4). */
export const GOLDEN_RATIO = 0x9e3779b1;
/** A multiplier of MurmurHash3's finaliser. */
const MIX = 0x85ebca6b;
/** Kinds of which every packet may tell something of its pair of addresses, as bits. */
const UNUSUAL = ~((1 << UDP) | (1 << TCP_ACK) | (1 << TCP_FIN));

/** By kind: an index instead of a branch that a mix of traffic would mispredict. */
export const SOURCE_LANE_BY_KIND = Uint8Array.from(PACKET_KINDS, (_, kind) => {
  if (kind === TCP_SYN) return SOURCE_SYN;
  return kind === UDP ? SOURCE_UDP : SOURCE_OTHER;
});

export const BYTES_BY_PROTOCOL = Uint8Array.from({ length: 256 }, (_, protocol) => {
  if (protocol === 6) return BYTES_TCP;
  if (protocol === 17) return BYTES_UDP;
  return protocol === 1 || protocol === 58 ? BYTES_ICMP : BYTES_OTHER;
});

export interface AddressDirectory {
  /** The number of the tenant that an address belongs to; 0: nobody's. */
  lookup(w0: number, w1: number, w2: number, w3: number): number;
}

export interface MeterOptions {
  readonly seed?: number;
  /** The tenant whose own port the frames are of; 0: of everybody's. */
  readonly portTenant?: number;
  /** Where some of the frames are kept; left out: nowhere. */
  readonly kept?: KeptFrames;
}

export class Meter {
  readonly #directory: AddressDirectory;
  readonly #seed: number;
  readonly #portTenant: number;
  readonly #header = new Header();
  readonly #watch: PairWatch;
  readonly #kept: KeptFrames | null;
  /**
   * One bit an address: a table's line is for those seen at least twice in a window, so that random ones do not flush it.
   * 2^20 bits: 125,000 random addresses a window (500,000 packets/s) leave 94 % of the next ones outside.
   */
  readonly #sourceDoor = new Int32Array(DOOR_MASK + 1);
  readonly #targetDoor = new Int32Array(DOOR_MASK + 1);
  #window: Window;
  #sampler = 0;

  constructor(directory: AddressDirectory, window: Window, { seed = 0, portTenant = 0, kept }: MeterOptions = {}) {
    this.#directory = directory;
    this.#window = window;
    this.#seed = seed;
    this.#portTenant = portTenant;
    const memory = portTenant === 0 ? 'large' : 'small';
    this.#watch = new PairWatch({ seed, portTenant, directory, memory, ...(kept && { kept }) });
    this.#kept = kept ?? null;
  }

  /** Starts a tick: everything goes into `window` until it is closed. */
  open(window: Window, startMs: Milliseconds): void {
    window.open(startMs);
    this.#window = window;
    this.#targetDoor.fill(0);
    this.#sourceDoor.fill(0);
    this.#watch.open(window, startMs);
    this.#kept?.open();
  }

  /** Ends the tick; the window is no longer written to. `received` and `dropped` are the probe's, of this tick. */
  closeWindow(endMs: Milliseconds, received: number, dropped: number | null): Window {
    this.#window.sumTotals();
    this.#window.close(endMs, received, dropped);
    return this.#window;
  }

  /**
   * Counts the block's frames `from` … `to` - 1. One long function on purpose: with the tables' arrays in local constants
   * V8 keeps them in registers, which halves the cost of the same code in a method a table (measured, test/bench).
   */
  observeFrames(block: FrameBlock, from: number, to: number): void {
    const { bytes, offsets, capturedLengths, wireLengths, segmentSizes, vlanTags, timesMs, flags, linkType } = block;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const header = this.#header;
    const directory = this.#directory;
    const seed = this.#seed;
    const watch = this.#watch;
    const portTenant = this.#portTenant;
    const { words: flows, shift: flowShift } = watch.contacts;
    const settled = watch.contacts.freshBits(ANSWERED_ONCE);
    const seesDirection = watch.seesDirection;
    const { door: handshakeDoor } = watch.handshakes;
    let forwarded = 0;
    let cameIn = 0;
    const window = this.#window;
    const { totals, tenants, malformed, sources, targets } = window;
    const sourceLanes = sources.lanes;
    const { setMask: sourceSets, shift: sourceShift, epoch: sourceEpoch } = sources;
    const { setMask: targetSets, shift: targetShift, epoch: targetEpoch } = targets;
    const targetLanes = targets.lanes;
    const targetDoubles = targets.doubles;
    const sourceDoor = this.#sourceDoor;
    const targetDoor = this.#targetDoor;
    this.#kept?.sample(block, from, to);
    for (let i = from; i < to; i++) {
      let wireLength = wireLengths[i]!;
      if (wireLength > MAX_WIRE_LENGTH) wireLength = MAX_WIRE_LENGTH;
      const frame = decodeFrame(view, offsets[i]!, capturedLengths[i]!, wireLength, linkType, header);
      if (header.reason !== 0) malformed[header.reason]! += 1;
      if (frame !== FRAME_IP) {
        if (frame === FRAME_ARP) {
          totals[ARP_FRAMES]! += 1;
          watch.frame(view, block, i);
          watch.observeArp(header);
        } else if (frame === FRAME_OTHER) totals[OTHER_FRAMES]! += 1;
        continue;
      }

      // What the frame was on the wire: a super-packet's segments each with the headers, a tag taken out put back.
      let packets = 1;
      let length = vlanTags[i] === 0 ? wireLength : wireLength + VLAN_TAG_BYTES;
      const segmentSize = segmentSizes[i]!;
      if (segmentSize !== 0) {
        packets = segmentsOf(wireLength, header.headerLength, segmentSize);
        length += (packets - 1) * (header.headerLength + length - wireLength);
      }
      const kind = header.kind;
      const bytesColumn = BYTES_BY_PROTOCOL[header.protocol & 255]!;
      const s0 = header.source0;
      const s1 = header.source1;
      const s2 = header.source2;
      const s3 = header.source3;
      const d0 = header.destination0;
      const d1 = header.destination1;
      const d2 = header.destination2;
      const d3 = header.destination3;
      const port = header.destinationPort;
      const sourceHash = hashAddress(seed, s0, s1, s2, s3);
      const targetHash = hashAddress(seed, d0, d1, d2, d3);

      // By source address. The doorkeeper is asked first: a random source then costs one bit and no table.
      let tenant: number;
      const sourceWord = (sourceHash >>> 12) & DOOR_MASK;
      const sourceBit = 1 << (sourceHash >>> 27);
      const sourceDoorWord = sourceDoor[sourceWord]!;
      if ((sourceDoorWord & sourceBit) === 0) {
        sourceDoor[sourceWord] = sourceDoorWord | sourceBit;
        tenant = directory.lookup(s0, s1, s2, s3);
      } else {
        let line = (sourceHash & sourceSets) << sourceShift;
        if (
          sourceLanes[line + 3] !== s3 ||
          sourceLanes[line + MARK]! >>> 16 !== sourceEpoch ||
          sourceLanes[line + 2] !== s2 ||
          sourceLanes[line + 1] !== s1 ||
          sourceLanes[line] !== s0
        )
          line = this.#findLine(sources, sourceHash, s0, s1, s2, s3);
        tenant = sourceLanes[line + MARK]! & 0xffff;
        sourceLanes[line + PACKETS]! += packets;
        sourceLanes[line + SOURCE_LANE_BY_KIND[kind]!]! += packets;
        const targetBit = targetHash >>> 26;
        sourceLanes[line + SOURCE_TARGET_BITS + (targetBit >>> 5)]! |= 1 << (targetBit & 31);
        const portBit = hashPort(seed, port) >>> 26;
        sourceLanes[line + SOURCE_PORT_BITS + (portBit >>> 5)]! |= (1 << (portBit & 31)) & ~(port >> 31);
      }
      const sourceTenant = tenant;
      // Row 0 takes what has nobody's address: adding to it costs less than asking.
      let row = (tenant * 2 + OUTBOUND) * ROW;
      tenants[row + kind]! += packets;
      tenants[row + bytesColumn]! += length;

      // By destination address.
      if (kind === TCP_SYN_ACK || kind === TCP_RST || kind === ICMP) this.#countAnswer(targetHash);
      const targetWord = (targetHash >>> 12) & DOOR_MASK;
      const targetBit = 1 << (targetHash >>> 27);
      const targetDoorWord = targetDoor[targetWord]!;
      if ((targetDoorWord & targetBit) === 0) {
        targetDoor[targetWord] = targetDoorWord | targetBit;
        tenant = directory.lookup(d0, d1, d2, d3);
      } else {
        let line = (targetHash & targetSets) << targetShift;
        if (
          targetLanes[line + 3] !== d3 ||
          targetLanes[line + MARK]! >>> 16 !== targetEpoch ||
          targetLanes[line + 2] !== d2 ||
          targetLanes[line + 1] !== d1 ||
          targetLanes[line] !== d0
        )
          line = this.#findLine(targets, targetHash, d0, d1, d2, d3);
        tenant = targetLanes[line + MARK]! & 0xffff;
        const soFar = targetLanes[line + PACKETS]! + packets;
        targetLanes[line + PACKETS] = soFar;
        targetDoubles[(line + BYTES) >> 1]! += length;
        targetLanes[line + TARGET_KINDS + kind]! += packets;
        if (soFar >= DETAIL_PACKETS)
          this.#lookCloser(line, soFar, packets, sourceHash, port, timesMs[i]! - window.startMs);
      }
      row = (tenant * 2 + INBOUND) * ROW;
      tenants[row + kind]! += packets;
      tenants[row + bytesColumn]! += length;

      // By pair of addresses: what is usual is passed by at once.
      if (kind === UDP) {
        // The hash of the flow is the same in both directions.
        const sourceEnd = Math.imul(sourceHash ^ Math.imul(header.sourcePort, GOLDEN_RATIO), MIX);
        const targetEnd = Math.imul(targetHash ^ Math.imul(port, GOLDEN_RATIO), MIX);
        const sum = sourceEnd + targetEnd;
        const flow = Math.imul(sum ^ (sum >>> 15), MIX);
        if (flows[flow >>> flowShift] !== ((flow << FINGERPRINT_SHIFT) | settled) && watch.admits(targetHash)) {
          watch.frame(view, block, i);
          watch.observeUdp(
            header,
            flow,
            sourceEnd > targetEnd,
            sourceHash,
            targetHash,
            packets,
            length,
            sourceTenant,
            tenant,
          );
        }
      }
      const isOdd = ((UNUSUAL >>> kind) & 1) | header.anomalies | (header.reason & ~SNAPPED);
      if ((isOdd !== 0 || sourceHash === targetHash) && watch.admits(targetHash)) {
        watch.frame(view, block, i);
        watch.observe(header, sourceHash, targetHash, packets, length, sourceTenant, tenant);
      }
      if (
        kind === TCP_ACK &&
        ((handshakeDoor[sourceHash >>> DOOR_WORD_SHIFT]! >>> (sourceHash >>> DOOR_BIT_SHIFT)) & 1) !== 0
      ) {
        watch.frame(view, block, i);
        watch.observeAck(header, sourceHash, targetHash, packets, length, sourceTenant, tenant);
      }
      if (sourceTenant !== portTenant) {
        if ((flags[i]! & FRAME_OUTGOING) !== 0) forwarded += 1;
        else {
          cameIn += 1;
          if (seesDirection) {
            watch.frame(view, block, i);
            watch.observeSource(header, sourceHash, targetHash, packets, length, sourceTenant, tenant);
          }
        }
      }
    }
    watch.countForwarded(forwarded, cameIn);
  }

  #findLine(table: CounterTable, hash: number, w0: number, w1: number, w2: number, w3: number): number {
    const line = table.find(hash, w0, w1, w2, w3);
    return line < 0 ? table.insert(hash, w0, w1, w2, w3, this.#directory.lookup(w0, w1, w2, w3)) : line;
  }

  /** What comes back to a source: a SYN-ACK answers it, a RST or an ICMP "unreachable" refuses it. */
  #countAnswer(hash: number): void {
    const header = this.#header;
    const { kind, protocol, flags } = header;
    // Type 3 of ICMP (RFC 792) and type 1 of ICMPv6 (RFC 4443) are "destination unreachable".
    if (kind === ICMP && flags >> 8 !== (protocol === 1 ? 3 : 1)) return;
    const { sources } = this.#window;
    const { destination0, destination1, destination2, destination3 } = header;
    const line = sources.find(hash, destination0, destination1, destination2, destination3);
    if (line >= 0) sources.lanes[line + (kind === TCP_SYN_ACK ? SOURCE_ANSWERED : SOURCE_REFUSED)]! += 1;
  }

  /** Sources and ports of a busy target. */
  #lookCloser(line: number, soFar: number, packets: number, sourceHash: number, port: number, offsetMs: number): void {
    const { targets, details } = this.#window;
    let slot = targets.lanes[line + TARGET_DETAIL]! - 1;
    if (slot < 0) {
      if (slot < -1 && soFar % DETAIL_RETRY >= packets) return;
      slot = this.#window.claimDetail(line, 1);
      if (slot < 0) return;
    }
    details.observe(slot, sourceHash, port);
    details.time(slot, offsetMs);
    // A multiplicative sequence picks evenly, but nobody outside can tell which packets.
    this.#sampler = (this.#sampler + GOLDEN_RATIO) | 0;
    if (this.#sampler >>> SAMPLE_SHIFT !== 0) return;
    const { source0, source1, source2, source3, sourcePort } = this.#header;
    details.sample(slot, source0, source1, source2, source3, sourcePort, port);
  }
}

/** How many packets the wire carries for a super-packet; at least one, whatever its lengths claim. */
function segmentsOf(length: number, headerLength: number, segmentSize: number): number {
  return Math.max(1, Math.ceil((length - headerLength) / segmentSize));
}
