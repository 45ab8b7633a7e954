/**
 * What packets between two addresses showed in a window, a line a pair, port and kind: first contacts, how they were answered,
 * sources that cannot be true, headers that no stack sends. Fixed in size: what finds no room is counted as refused.
 */
import { ANOMALIES } from './decodeResult.ts';
import { type AddressWords, isSameAddress } from './address.ts';

/**
 * Kinds of sightings. A contact's `initiator` is who speaks first and its port the responder's; outcomes have the same
 * initiator, responder and port as the contact that they are of.
 */
export const SIGHTINGS = [
  // First contacts: a packet to an address and port that this initiator has not spoken to for minutes.
  'syn',
  'udp',
  'echo',
  'fin',
  'null',
  'xmas',
  /** Other flags that no stack sends. */
  'odd',
  /** Any other IP protocol, whose number stands for the port. */
  'protocol',
  'arp',
  // Outcomes.
  'answered',
  /** A RST, or an ICMP error. */
  'refused',
  /** A bare RST to what was not seen as a contact: probes by ACK, or the prober's packets go another way. */
  'strayRefused',
  /** From a port of a service that amplifies, to an address that has not asked it: initiator, the service; port, its own. */
  'response',
  /** A SYN-ACK to an address that has not asked: initiator, who sends it; port, its own. */
  'straySynAck',
  /** The initiator, a stranger, has acknowledged what a tenant sent him: of some handshakes of a window. */
  'established',
  // Sources that cannot be true.
  /** At a tenant's own port: a packet from it with a source that is not the tenant's. */
  'foreignSource',
  /** Where the internet begins: a packet from there with a tenant's source. */
  'ownSource',
  /** An answer to ARP (`of` arp: it was asked for), or an announcement: the responder learns the initiator's hardware address. */
  'arpReply',
  ...ANOMALIES,
] as const;
export type Sighting = (typeof SIGHTINGS)[number];

const sightingNumber = (name: Sighting): number => SIGHTINGS.indexOf(name);
export const SYN_CONTACT = sightingNumber('syn');
export const UDP_CONTACT = sightingNumber('udp');
export const ECHO_CONTACT = sightingNumber('echo');
export const FIN_CONTACT = sightingNumber('fin');
export const NULL_CONTACT = sightingNumber('null');
export const XMAS_CONTACT = sightingNumber('xmas');
export const ODD_CONTACT = sightingNumber('odd');
export const PROTOCOL_CONTACT = sightingNumber('protocol');
export const ARP_CONTACT = sightingNumber('arp');
export const ANSWERED = sightingNumber('answered');
export const REFUSED = sightingNumber('refused');
export const STRAY_REFUSED = sightingNumber('strayRefused');
export const RESPONSE = sightingNumber('response');
export const STRAY_SYN_ACK = sightingNumber('straySynAck');
export const ESTABLISHED = sightingNumber('established');
export const FOREIGN_SOURCE = sightingNumber('foreignSource');
export const OWN_SOURCE = sightingNumber('ownSource');
export const ARP_REPLY = sightingNumber('arpReply');
/** The first of the anomalies, which are in the order of their bits. */
export const FIRST_ANOMALY = sightingNumber(ANOMALIES[0]);

/** Lanes of a line: the initiator's address, the responder's, and what follows. */
const RESPONDER = 4;
/** Epoch << 16 | sighting: a line of an older epoch is empty. */
const MARK = 8;
/** Port (-1: none) & 0xffff, then flags. */
const PORT_AND_FLAGS = 9;
const PACKETS = 10;
const BYTES = 11;
/** Milliseconds since the window's start << 8 | time to live. */
const OFFSET_AND_TTL = 12;
/** The initiator's tenant << 16 | the responder's. */
const TENANTS = 13;
/** The frame's source hardware address: the last four octets; the first two, before the other port. */
const MAC_LOW = 14;
const MAC_HIGH_AND_PORT = 15;
const LANES = 16;

const HAS_PORT = 1 << 16;
const IS_OUTGOING = 1 << 17;
/** The contact that an outcome is of. */
const OF_SHIFT = 20;

const WAYS = 4;
const LINE_SHIFT = 4;
const SET_SHIFT = 6;
const MAX_EPOCH = 0x7fff;
const MAX_COUNT = 0x7fff_ffff;
const MAX_OFFSET_MS = 0x7f_ffff;
const META_LANES = 16;
const USED = 0;
const EPOCH = 1;
const REFUSALS = 2;
/** Counts whatever changes lines. */
const ADDED = 3;

/** What a line is filled from; one object is used again and again. */
export class PairKey {
  sighting = 0;
  /** Addresses as four words each: initiator, then responder. */
  readonly words = new Int32Array(8);
  /** -1: none. */
  port = -1;
  otherPort = 0;
  /** Of an outcome. */
  of = 0;
  isOutgoing = false;
  ttl = 0;
  offsetMs = 0;
  initiatorTenant = 0;
  responderTenant = 0;
  macLow = 0;
  macHigh = 0;
}

/** A line, as detectors read it. */
export interface PairLine {
  readonly sighting: number;
  /** Of an outcome and of an answer to ARP: the sighting that the contact was. */
  readonly of: number;
  readonly initiator: AddressWords;
  readonly responder: AddressWords;
  readonly initiatorTenant: number;
  readonly responderTenant: number;
  /** Where the contact goes to (-1: it has none); ICMP: type << 8 | code, other protocols: the number. */
  readonly port: number;
  readonly otherPort: number;
  /** Of all packets that were this pair's, port's and sighting's; of a contact only the first is. */
  readonly packets: number;
  readonly bytes: number;
  /** Of the first of them. */
  readonly offsetMs: number;
  readonly ttl: number;
  /** Sent by this host, as the probe says; false also where it cannot say. */
  readonly isOutgoing: boolean;
  /** The source of the frame, of ARP what it says to be its sender's; 0: the link has none. */
  readonly mac: number;
}

export class PairTable {
  readonly #lanes: Int32Array;
  readonly #used: Int32Array;
  readonly #meta: Int32Array;
  readonly #setMask: number;
  /** What `lines` gave, and of which state of the table. */
  #lines: readonly PairLine[] = [];
  #linesOf = -1;
  /** Of `#lines`, by the last word of the responder. */
  #byLastWord: ReadonlyMap<number, readonly PairLine[]> = new Map();
  #byLastWordOf: readonly PairLine[] = [];

  static byteLength(bits: number): number {
    return META_LANES * 4 + (4 << bits) + ((LANES * 4) << bits);
  }

  constructor(memory: ArrayBufferLike, byteOffset: number, bits: number) {
    const lines = 1 << bits;
    this.#setMask = lines / WAYS - 1;
    this.#meta = new Int32Array(memory, byteOffset, META_LANES);
    this.#used = new Int32Array(memory, byteOffset + META_LANES * 4, lines);
    this.#lanes = new Int32Array(memory, byteOffset + META_LANES * 4 + lines * 4, lines * LANES);
    if (this.#meta[EPOCH] === 0) this.#meta[EPOCH] = 1;
  }

  clear(): void {
    const epoch = this.#meta[EPOCH]! + 1;
    if (epoch > MAX_EPOCH) this.#lanes.fill(0);
    this.#meta[EPOCH] = epoch > MAX_EPOCH ? 1 : epoch;
    this.#meta[USED] = 0;
    this.#meta[REFUSALS] = 0;
    this.#meta[ADDED] = 0;
  }

  /** Sightings that found no room, or were beyond what one address may take of it. */
  get refused(): number {
    return this.#meta[REFUSALS]!;
  }

  refuse(count = 1): void {
    this.#meta[REFUSALS]! += count;
  }

  get size(): number {
    return this.#meta[USED]!;
  }

  /** Counts packets of a sighting that has a line; false: it has none. `hash` is of the pair. */
  count(hash: number, key: PairKey, packets: number, bytes: number): boolean {
    const line = this.#find(hash, key);
    if (line < 0 || this.#isFree(line)) return false;
    this.#add(line, packets, bytes);
    return true;
  }

  /** As `count`, but it gets a line if it has none and there is room. */
  add(hash: number, key: PairKey, packets: number, bytes: number): void {
    const line = this.#find(hash, key);
    if (line < 0) return this.refuse();
    if (this.#isFree(line)) this.#take(line, key);
    this.#add(line, packets, bytes);
  }

  #add(line: number, packets: number, bytes: number): void {
    const lanes = this.#lanes;
    lanes[line + PACKETS] = Math.min(lanes[line + PACKETS]! + packets, MAX_COUNT);
    lanes[line + BYTES] = Math.min(lanes[line + BYTES]! + bytes, MAX_COUNT);
    this.#meta[ADDED]! += 1;
  }

  #isFree(line: number): boolean {
    return this.#lanes[line + MARK]! >>> 16 !== this.#meta[EPOCH]!;
  }

  /** Its line, else a free one, else -1. */
  #find(hash: number, key: PairKey): number {
    const lanes = this.#lanes;
    const { words } = key;
    const mark = (this.#meta[EPOCH]! << 16) | key.sighting;
    const portAndFlags = flagsOf(key);
    const first = (mixed(hash, key) & this.#setMask) << SET_SHIFT;
    for (let line = first; line < first + WAYS * LANES; line += LANES) {
      if (this.#isFree(line)) return line;
      if (
        lanes[line + MARK] === mark &&
        lanes[line + PORT_AND_FLAGS] === portAndFlags &&
        lanes[line + 3] === words[3] &&
        lanes[line + RESPONDER + 3] === words[7] &&
        lanes[line + 2] === words[2] &&
        lanes[line + RESPONDER + 2] === words[6] &&
        lanes[line + 1] === words[1] &&
        lanes[line + RESPONDER + 1] === words[5] &&
        lanes[line] === words[0] &&
        lanes[line + RESPONDER] === words[4]
      )
        return line;
    }
    return -1;
  }

  #take(line: number, key: PairKey): void {
    const lanes = this.#lanes;
    const { words } = key;
    for (let word = 0; word < 8; word++) lanes[line + word] = words[word]!;
    lanes[line + MARK] = (this.#meta[EPOCH]! << 16) | key.sighting;
    lanes[line + PORT_AND_FLAGS] = flagsOf(key);
    lanes[line + PACKETS] = 0;
    lanes[line + BYTES] = 0;
    lanes[line + OFFSET_AND_TTL] = (Math.min(Math.max(key.offsetMs | 0, 0), MAX_OFFSET_MS) << 8) | (key.ttl & 255);
    lanes[line + TENANTS] = (key.initiatorTenant << 16) | key.responderTenant;
    lanes[line + MAC_LOW] = key.macLow;
    lanes[line + MAC_HIGH_AND_PORT] = (key.macHigh << 16) | (key.otherPort & 0xffff);
    this.#used[this.#meta[USED]!] = line >>> LINE_SHIFT;
    this.#meta[USED]! += 1;
  }

  /** The lines, in the order in which they were first seen; read once, however many ask for them. */
  lines(): readonly PairLine[] {
    const state = this.#meta[EPOCH]! * 2 ** 32 + this.#meta[ADDED]!;
    if (this.#linesOf !== state) this.#lines = Array.from({ length: this.size }, (_, i) => this.line(i));
    this.#linesOf = state;
    return this.#lines;
  }

  /** Those to one responder, in the same order. */
  linesTo(responder: AddressWords): readonly PairLine[] {
    const lines = this.lines();
    if (this.#byLastWordOf !== lines) this.#byLastWord = Map.groupBy(lines, (line) => line.responder[3]);
    this.#byLastWordOf = lines;
    return (this.#byLastWord.get(responder[3]) ?? []).filter((line) => isSameAddress(line.responder, responder));
  }

  /** The line that was seen as the `index`-th. */
  line(index: number): PairLine {
    const lanes = this.#lanes;
    const at = this.#used[index]! << LINE_SHIFT;
    const portAndFlags = lanes[at + PORT_AND_FLAGS]!;
    const tenants = lanes[at + TENANTS]!;
    const macAndPort = lanes[at + MAC_HIGH_AND_PORT]!;
    return {
      sighting: lanes[at + MARK]! & 0xffff,
      of: portAndFlags >>> OF_SHIFT,
      initiator: [lanes[at]!, lanes[at + 1]!, lanes[at + 2]!, lanes[at + 3]!],
      responder: [
        lanes[at + RESPONDER]!,
        lanes[at + RESPONDER + 1]!,
        lanes[at + RESPONDER + 2]!,
        lanes[at + RESPONDER + 3]!,
      ],
      initiatorTenant: tenants >>> 16,
      responderTenant: tenants & 0xffff,
      port: (portAndFlags & HAS_PORT) === 0 ? -1 : portAndFlags & 0xffff,
      otherPort: macAndPort & 0xffff,
      packets: lanes[at + PACKETS]!,
      bytes: lanes[at + BYTES]!,
      offsetMs: lanes[at + OFFSET_AND_TTL]! >>> 8,
      ttl: lanes[at + OFFSET_AND_TTL]! & 255,
      isOutgoing: (portAndFlags & IS_OUTGOING) !== 0,
      mac: (macAndPort >>> 16) * 2 ** 32 + (lanes[at + MAC_LOW]! >>> 0),
    };
  }

  /** Adds another window's lines; `hashOf` as they were added by. */
  merge(from: PairTable, hashOf: (line: PairLine) => number): void {
    this.refuse(from.refused);
    const key = new PairKey();
    for (const line of from.lines()) this.add(hashOf(line), keyOf(line, key), line.packets, line.bytes);
  }
}

/** The hash of a pair, whose two ends are not alike. */
export const pairHash = (initiatorHash: number, responderHash: number): number => initiatorHash ^ (responderHash << 1);

/** All four ways of a set are for sightings of different pairs, ports and kinds. */
function mixed(hash: number, { sighting, port }: PairKey): number {
  const all = Math.imul(hash ^ Math.imul(((sighting << 16) | (port & 0xffff)) + 1, 0x9e3779b1), 0x85ebca6b);
  return all ^ (all >>> 15);
}

function flagsOf({ port, isOutgoing, of }: PairKey): number {
  return (port & 0xffff) | (port < 0 ? 0 : HAS_PORT) | (isOutgoing ? IS_OUTGOING : 0) | (of << OF_SHIFT);
}

function keyOf(line: PairLine, key: PairKey): PairKey {
  key.words.set([...line.initiator, ...line.responder]);
  key.macLow = line.mac | 0;
  key.macHigh = Math.floor(line.mac / 2 ** 32);
  const { sighting, port, otherPort, of, isOutgoing, ttl, offsetMs, initiatorTenant, responderTenant } = line;
  return Object.assign(key, {
    sighting,
    port,
    otherPort,
    of,
    isOutgoing,
    ttl,
    offsetMs,
    initiatorTenant,
    responderTenant,
  });
}
