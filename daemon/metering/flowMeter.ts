/**
 * Meters flows into the tables that packets are metered into (meter.ts), so that the same detectors can judge them: what the
 * packet loop does for one packet, this does for as many of a flow's packets as fall into a window.
 */
import { hashAddress, hashPort } from './address.ts';
import { BYTES, type CounterTable, MARK, PACKETS } from './counterTable.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import { ICMP, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN_ACK, UDP } from './decodeResult.ts';
import { endHash, flowHash, PairWatch } from './pairWatch.ts';
import { PROTOCOL_ICMP, PROTOCOL_TCP } from './decodeTransport.ts';
import { showsHandshake } from './flowKind.ts';
import type { Header } from './header.ts';
import { type AddressDirectory, BYTES_BY_PROTOCOL, DOOR_MASK, GOLDEN_RATIO, SOURCE_LANE_BY_KIND } from './meter.ts';
import {
  DETAIL_PACKETS,
  INBOUND,
  OUTBOUND,
  ROW,
  SOURCE_ANSWERED,
  SOURCE_PORT_BITS,
  SOURCE_REFUSED,
  SOURCE_TARGET_BITS,
  TARGET_DETAIL,
  TARGET_KINDS,
  type Window,
} from './window.ts';

/** Counters of a table are 32 bits wide, and compared with their sign; an exporter may claim more, and must not turn them over. */
const MAX_COUNT = 0x7fff_ffff;
/** How often a target that found no detail slot asks again: one flow in so many. */
const DETAIL_RETRY_MASK = 63;
/** One packet in 8 of a busy target goes into the sample behind its top sources and ports, as in meter.ts. */
const SAMPLED_SHARE = 1 / 8;

/** A window while it is metered into, with its doorkeepers: one bit an address that was seen once. */
export class OpenWindow {
  readonly window: Window;
  readonly sourceDoor: Int32Array;
  readonly targetDoor: Int32Array;
  /** Flow records that ended in it, and those that are known to have been lost while it was the newest. */
  records = 0;
  lost = 0;
  isLossKnown = true;
  octets = 0;

  constructor(window: Window, sourceDoor: Int32Array, targetDoor: Int32Array) {
    this.window = window;
    this.sourceDoor = sourceDoor;
    this.targetDoor = targetDoor;
  }
}

export class FlowMeter {
  readonly #directory: AddressDirectory;
  readonly #seed: number;
  /** The flow whose shares are being counted. */
  #header: Header;
  /** It has more than one packet, so that both its addresses are worth a line. */
  #isRepeated = false;
  #sourceHash = 0;
  #targetHash = 0;
  #sourceTenant = 0;
  #targetTenant = 0;
  readonly #watch: PairWatch;
  #sampler: number;
  #retries = 0;

  constructor(directory: AddressDirectory, seed: number, header: Header) {
    this.#directory = directory;
    this.#seed = seed;
    this.#sampler = seed >>> 0;
    this.#header = header;
    this.#watch = new PairWatch({ seed, portTenant: 0, directory });
  }

  /** Takes up the flow of the header; `packetsSeen` are those that the exporter saw, before any scaling. */
  begin(header: Header, packetsSeen: number): void {
    const { source0, source1, source2, source3, destination0, destination1, destination2, destination3 } = header;
    this.#header = header;
    this.#isRepeated = packetsSeen > 1;
    this.#sourceHash = hashAddress(this.#seed, source0, source1, source2, source3);
    this.#targetHash = hashAddress(this.#seed, destination0, destination1, destination2, destination3);
    this.#sourceTenant = this.#directory.lookup(source0, source1, source2, source3);
    this.#targetTenant = this.#directory.lookup(destination0, destination1, destination2, destination3);
  }

  /** What the flow shows of its pair of addresses: a first contact, an answer, a refusal. */
  showPair(window: Window, endMs: Milliseconds): void {
    if (!this.#watch.admits(this.#targetHash)) return;
    this.#watch.flow(window, endMs);
    const header = this.#header;
    const { kind, flags, protocol, sourcePort, destinationPort } = header;
    const [source, target] = [this.#sourceHash, this.#targetHash];
    header.anomalies = 0;
    if (kind === UDP) {
      const [sourceEnd, targetEnd] = [endHash(source, sourcePort), endHash(target, destinationPort)];
      this.#watch.observeUdp(
        header,
        flowHash(sourceEnd, targetEnd),
        sourceEnd > targetEnd,
        source,
        target,
        1,
        0,
        this.#sourceTenant,
        this.#targetTenant,
      );
    } else if (protocol === PROTOCOL_TCP && showsHandshake(flags)) {
      this.#watch.observeHandshake(header, source, target, this.#sourceTenant, this.#targetTenant);
    } else if (kind !== TCP_ACK && kind !== TCP_FIN) {
      this.#watch.observe(header, source, target, 1, 0, this.#sourceTenant, this.#targetTenant);
    }
  }

  /** Counts so many of its packets and octets in the window. */
  count(open: OpenWindow, packets: number, octets: number): void {
    const { tenants } = open.window;
    const { kind, protocol } = this.#header;
    const octetsColumn = BYTES_BY_PROTOCOL[protocol & 255]!;
    const outbound = (this.#sourceTenant * 2 + OUTBOUND) * ROW;
    tenants[outbound + kind]! += packets;
    tenants[outbound + octetsColumn]! += octets;
    const inbound = (this.#targetTenant * 2 + INBOUND) * ROW;
    tenants[inbound + kind]! += packets;
    tenants[inbound + octetsColumn]! += octets;
    if (packets === 0) return;
    this.#countSource(open, kind, packets);
    this.#countAnswer(open.window);
    this.#countTarget(open, kind, packets, octets);
  }

  #countSource({ window, sourceDoor }: OpenWindow, kind: number, packets: number): void {
    const hash = this.#sourceHash;
    if (!passes(sourceDoor, hash) && !this.#isRepeated) return;
    const { source0, source1, source2, source3, destinationPort } = this.#header;
    const { sources } = window;
    const { lanes } = sources;
    const line = lineOf(sources, hash, source0, source1, source2, source3, this.#sourceTenant);
    add(lanes, line + PACKETS, packets);
    add(lanes, line + SOURCE_LANE_BY_KIND[kind]!, packets);
    const targetBit = this.#targetHash >>> 26;
    lanes[line + SOURCE_TARGET_BITS + (targetBit >>> 5)]! |= 1 << (targetBit & 31);
    const portBit = hashPort(this.#seed, destinationPort) >>> 26;
    lanes[line + SOURCE_PORT_BITS + (portBit >>> 5)]! |= (1 << (portBit & 31)) & ~(destinationPort >> 31);
  }

  #countTarget({ window, targetDoor }: OpenWindow, kind: number, packets: number, octets: number): void {
    const hash = this.#targetHash;
    if (!passes(targetDoor, hash) && !this.#isRepeated) return;
    const { destination0, destination1, destination2, destination3 } = this.#header;
    const { targets } = window;
    const line = lineOf(targets, hash, destination0, destination1, destination2, destination3, this.#targetTenant);
    const soFar = add(targets.lanes, line + PACKETS, packets);
    targets.doubles[(line + BYTES) >> 1]! += octets;
    add(targets.lanes, line + TARGET_KINDS + kind, packets);
    if (soFar >= DETAIL_PACKETS) this.#lookCloser(window, line, packets);
  }

  /** What comes back to a source: the other half of a connection answers it, a RST or an ICMP "unreachable" refuses it. */
  #countAnswer({ sources }: Window): void {
    const { kind, protocol, flags, destination0, destination1, destination2, destination3 } = this.#header;
    const answers = kind === TCP_SYN_ACK || (protocol === PROTOCOL_TCP && showsHandshake(flags));
    // Type 3 of ICMP (RFC 792) and type 1 of ICMPv6 (RFC 4443) are "destination unreachable".
    const isUnreachable = kind === ICMP && flags >> 8 === (protocol === PROTOCOL_ICMP ? 3 : 1);
    if (!answers && kind !== TCP_RST && !isUnreachable) return;
    const line = sources.find(this.#targetHash, destination0, destination1, destination2, destination3);
    if (line >= 0) sources.lanes[line + (answers ? SOURCE_ANSWERED : SOURCE_REFUSED)]! += 1;
  }

  /** Sources and ports of a busy target. */
  #lookCloser(window: Window, line: number, packets: number): void {
    const { targets, details } = window;
    const { source0, source1, source2, source3, sourcePort: sourceTransportPort, destinationPort } = this.#header;
    let slot = targets.lanes[line + TARGET_DETAIL]! - 1;
    if (slot < 0) {
      if (slot < -1 && (++this.#retries & DETAIL_RETRY_MASK) !== 0) return;
      slot = window.claimDetail(line, 1);
      if (slot < 0) return;
    }
    details.observe(slot, this.#sourceHash, destinationPort);
    // As in meter.ts. Flows of a connection's two directions come in turn: to count to eight would miss one of them for ever.
    this.#sampler = (this.#sampler + GOLDEN_RATIO) >>> 0;
    const sampled = Math.floor(packets * SAMPLED_SHARE + this.#sampler / 2 ** 32);
    if (sampled > 0)
      details.sample(slot, source0, source1, source2, source3, sourceTransportPort, destinationPort, sampled);
  }
}

/** Whether the address was seen before in this window; from now on it was. */
function passes(door: Int32Array, hash: number): boolean {
  const word = (hash >>> 12) & DOOR_MASK;
  const bit = 1 << (hash >>> 27);
  const before = door[word]!;
  door[word] = before | bit;
  return (before & bit) !== 0;
}

function lineOf(
  table: CounterTable,
  hash: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
  tenant: number,
): number {
  const { lanes, epoch } = table;
  const line = (hash & table.setMask) << table.shift;
  // The usual case first: the address has the line that its hash names.
  if (
    lanes[line + 3] === w3 &&
    lanes[line + MARK]! >>> 16 === epoch &&
    lanes[line + 2] === w2 &&
    lanes[line + 1] === w1 &&
    lanes[line] === w0
  )
    return line;
  const known = table.find(hash, w0, w1, w2, w3);
  return known < 0 ? table.insert(hash, w0, w1, w2, w3, tenant) : known;
}

/** The sum, as it stands there. */
function add(lanes: Int32Array, lane: number, packets: number): number {
  const sum = Math.min(lanes[lane]! + packets, MAX_COUNT);
  lanes[lane] = sum;
  return sum;
}
