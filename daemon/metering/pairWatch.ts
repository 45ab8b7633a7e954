/**
 * Notices what only a pair of addresses can show: who speaks to whom for the first time, whether it is answered, refused or
 * unasked for, headers that contradict themselves. Most packets end at the first memory that they are looked up in.
 */
import type { FrameBlock, Milliseconds } from '../../probes/probe.ts';
import { FRAME_OUTGOING, LINKTYPE_ETHERNET } from '../../probes/probe.ts';
import { hashAddress } from './address.ts';
import { AMPLIFIERS } from './amplifiers.ts';
import { ANSWERED_ONCE, ASKED, ContactMemory, REFUSED_ONCE, UNKNOWN } from './contactMemory.ts';
import { FRAGMENT, ICMP, OTHER, TCP_ODD, TCP_RST, TCP_SYN, TCP_SYN_ACK } from './decodeResult.ts';
import { ACK, FIN, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, PSH, URG } from './decodeTransport.ts';
import { FragmentMemory, REASSEMBLY_MS } from './fragmentMemory.ts';
import type { KeptFrames } from './keptFrames.ts';
import { Handshakes } from './handshakes.ts';
import { anomalyBit, type Header, SNAPPED } from './header.ts';
import { MissedTargets } from './missedTargets.ts';
import {
  ANSWERED,
  ARP_CONTACT,
  ARP_REPLY,
  ECHO_CONTACT,
  ESTABLISHED,
  FIN_CONTACT,
  FIRST_ANOMALY,
  FOREIGN_SOURCE,
  NULL_CONTACT,
  ODD_CONTACT,
  OWN_SOURCE,
  pairHash,
  PairKey,
  type PairTable,
  PROTOCOL_CONTACT,
  REFUSED,
  RESPONSE,
  STRAY_REFUSED,
  STRAY_SYN_ACK,
  SYN_CONTACT,
  UDP_CONTACT,
  XMAS_CONTACT,
} from './pairTable.ts';
import type { Window } from './window.ts';

/** 2^17 words are half a megabyte; a tenant's own port has fewer contacts. */
const MEMORY_BITS = { large: 17, small: 14 } as const;
/** What one address (by 8 bits of its hash) may take of a window's lines: 1,000 first contacts a second and more. */
const BUDGETS = 256;
const TARGET_BUDGET = 256;
const SOURCE_BUDGET = 512;
/** Packets of a window that are looked at, and those to one target: 4,000 a second at it are enough to know it by. */
const MAX_LOOKS = 16_384;
const MAX_TARGET_LOOKS = 1024;

/** A host says a few frames by itself, also at a mirror port: ARP, discovery. */
const LEAST_FORWARDED = 16;

/** Handshakes of a window that are told: enough to learn by. */
const MAX_ESTABLISHED = 32;

const LAND = anomalyBit('land');
const TCP_FLAGS = anomalyBit('tcpFlags');
const OVERLAPPING_FRAGMENT = anomalyBit('overlappingFragment');
const BAD_LENGTH = anomalyBit('badLength');

const IS_AMPLIFIER = Uint8Array.from({ length: 65_536 }, (_, port) => Number(AMPLIFIERS.has(port)));

const SIP_PORT = 5060;
/** `SIP/`, as a response begins and no request does (RFC 3261 section 7). */
const SIP_RESPONSE = 0x5349502f;

/** In the order in which a refusal's contact is looked for. */
const TCP_CONTACTS = [SYN_CONTACT, FIN_CONTACT, NULL_CONTACT, XMAS_CONTACT, ODD_CONTACT];

/** ICMP requests (echo, time stamp, information, address mask; ICMPv6 echo) and what answers them. */
const ICMP_REQUESTS = new Set([8, 13, 15, 17]);
const ICMP_REPLIES = new Set([0, 14, 16, 18]);

export interface PairWatchOptions {
  readonly seed: number;
  /** The tenant whose own port it is; 0: it faces the internet. */
  readonly portTenant: number;
  readonly directory: { lookup(w0: number, w1: number, w2: number, w3: number): number };
  readonly memory?: keyof typeof MEMORY_BITS;
  /** Where the frames of sightings are kept; left out: nowhere. */
  readonly kept?: KeptFrames;
}

export class PairWatch {
  readonly #seed: number;
  readonly #portTenant: number;
  readonly #directory: PairWatchOptions['directory'];
  readonly contacts: ContactMemory;
  readonly #fragments = new FragmentMemory();
  readonly #missed = new MissedTargets();
  readonly handshakes = new Handshakes();
  #established = 0;
  readonly #sourceBudgets = new Uint16Array(BUDGETS);
  readonly #targetBudgets = new Uint16Array(BUDGETS);
  readonly #key = new PairKey();
  #pairs: PairTable | null = null;
  #looks = 0;
  readonly #targetLooks = new Uint16Array(BUDGETS);
  #startMs: Milliseconds = 0;
  #newestMs: Milliseconds = -1;
  #seesDirection = false;
  #forwarded = 0;
  #cameIn = 0;

  readonly #kept: KeptFrames | null;

  // What is being looked at.
  #block: FrameBlock | null = null;
  #frame = 0;
  #view: DataView = EMPTY;
  #start = 0;
  #end = 0;
  #timeMs: Milliseconds = 0;
  #flags = 0;
  #linkType = LINKTYPE_ETHERNET;

  constructor({ seed, portTenant, directory, memory = 'large', kept }: PairWatchOptions) {
    this.#kept = kept ?? null;
    this.#seed = seed;
    this.#portTenant = portTenant;
    this.#directory = directory;
    this.contacts = new ContactMemory(MEMORY_BITS[memory]);
  }

  /** Everything goes into the window's lines until the next one begins. */
  open({ pairs }: Window, startMs: Milliseconds): void {
    this.#pairs = pairs;
    this.#startMs = startMs;
    this.contacts.turnTo(startMs);
    this.#missed.turnTo(startMs);
    this.handshakes.turnTo(startMs);
    this.#established = 0;
    this.#seesDirection ||= this.#forwarded >= LEAST_FORWARDED && this.#forwarded > this.#cameIn;
    this.#sourceBudgets.fill(0);
    this.#targetBudgets.fill(0);
    this.#looks = 0;
    this.#targetLooks.fill(0);
  }

  /** The next call is about a flow, of which there is no frame; windows of flows come by turns. */
  flow(window: Window, endMs: Milliseconds): void {
    if (window.pairs !== this.#pairs || window.startMs !== this.#startMs) {
      // What one window has spent is another's as well, but for newer ones.
      if (window.startMs > this.#newestMs) this.open(window, window.startMs);
      this.#newestMs = Math.max(this.#newestMs, window.startMs);
      this.#pairs = window.pairs;
      this.#startMs = window.startMs;
    }
    this.#block = null;
    this.#view = EMPTY;
    this.#start = 0;
    this.#end = 0;
    this.#timeMs = endMs;
  }

  /** A flow of TCP with a SYN and ACKs: who is on the higher port began it. */
  observeHandshake(
    header: Header,
    sourceHash: number,
    targetHash: number,
    sourceTenant: number,
    targetTenant: number,
  ): void {
    if (header.sourcePort > header.destinationPort) {
      this.#contact(header, SYN_CONTACT, sourceHash, targetHash, 1, 0, sourceTenant, targetTenant);
      const asked = contactHash(sourceHash, targetHash, header.destinationPort, SYN_CONTACT);
      if (this.contacts.look(asked) !== ASKED) return;
      this.contacts.remember(asked, ANSWERED_ONCE);
      this.#forward(header, ANSWERED, header.destinationPort, sourceTenant, targetTenant);
      this.#key.of = SYN_CONTACT;
      this.#add(sourceHash, targetHash, 1, 0);
      return;
    }
    const asked = contactHash(targetHash, sourceHash, header.sourcePort, SYN_CONTACT);
    if (this.contacts.look(asked) !== ASKED) return;
    this.contacts.remember(asked, ANSWERED_ONCE);
    this.#reversed(header, ANSWERED, SYN_CONTACT, targetTenant, sourceTenant);
    this.#add(targetHash, sourceHash, 1, 0);
  }

  /** The frame that the next calls are about. */
  frame(view: DataView, block: FrameBlock, i: number): void {
    this.#view = view;
    this.#start = block.offsets[i]!;
    this.#end = this.#start + block.capturedLengths[i]!;
    this.#timeMs = block.timesMs[i]!;
    this.#flags = block.flags[i]!;
    this.#linkType = block.linkType;
    this.#block = block;
    this.#frame = i;
  }

  /**
   * Whether this host forwards what it shows, and the probe tells so: true once more of what should be going out of the interface was
   * sent by this host than came in. At a mirror port and in a file all of it comes in, but for what the host says itself.
   */
  get seesDirection(): boolean {
    return this.#seesDirection;
  }

  /** Frames that only go out of the interface, where it is no mirror port: how many did, and how many came in. */
  countForwarded(outgoing: number, incoming: number): void {
    this.#forwarded += outgoing;
    this.#cameIn += incoming;
  }

  /**
   * Whether there is time to look at one more packet: of a flood only the first of a window are looked at. The others are
   * counted as refused, for they may have shown something.
   */
  admits(targetHash: number): boolean {
    const target = targetHash >>> 24;
    if (this.#looks < MAX_LOOKS && this.#targetLooks[target]! < MAX_TARGET_LOOKS) {
      this.#looks += 1;
      this.#targetLooks[target]! += 1;
      return true;
    }
    this.#missed.note(targetHash);
    this.#pairs?.refuse();
    return false;
  }

  /** A datagram of a flow that is not settled. */
  observeUdp(
    header: Header,
    flow: number,
    sourceIsFirst: boolean,
    sourceHash: number,
    targetHash: number,
    packets: number,
    length: number,
    sourceTenant: number,
    targetTenant: number,
  ): void {
    if (header.sourcePort < 0) return;
    const contacts = this.contacts;
    const state = contacts.look(flow);
    // An unanswered flow remembers which of its ends spoke first.
    const mine = sourceIsFirst ? ASKED : REFUSED_ONCE;
    if (state === mine) return;
    const reverse = contactHash(targetHash, sourceHash, header.sourcePort, UDP_CONTACT);
    const asked = contacts.look(reverse);
    if (asked !== UNKNOWN) {
      contacts.remember(flow, ANSWERED_ONCE);
      if (asked !== ASKED) return;
      contacts.remember(reverse, ANSWERED_ONCE);
      this.#reversed(header, ANSWERED, UDP_CONTACT, targetTenant, sourceTenant);
      this.#add(targetHash, sourceHash, packets, length);
      return;
    }
    if (state !== UNKNOWN) {
      contacts.remember(flow, ANSWERED_ONCE);
      return;
    }
    if (this.#mayBeReflected(header)) {
      if (this.#missed.has(sourceHash)) return;
      this.#forward(header, RESPONSE, header.sourcePort, sourceTenant, targetTenant);
      this.#add(sourceHash, targetHash, packets, length);
      return;
    }
    contacts.remember(flow, mine);
    this.#contact(header, UDP_CONTACT, sourceHash, targetHash, packets, length, sourceTenant, targetTenant);
  }

  /** From the port of a service that amplifies. A phone asks from SIP's own, and be it a PBX at another. */
  #mayBeReflected({ sourcePort, destinationPort, headerLength }: Header): boolean {
    if (IS_AMPLIFIER[sourcePort] !== 1 || destinationPort === sourcePort) return false;
    const at = this.#start + headerLength;
    return sourcePort !== SIP_PORT || at + 4 > this.#end || this.#view.getUint32(at) === SIP_RESPONSE;
  }

  /** Any packet but datagrams and TCP segments in the middle of a connection, unless its header has something odd. */
  observe(
    header: Header,
    sourceHash: number,
    targetHash: number,
    packets: number,
    length: number,
    sourceTenant: number,
    targetTenant: number,
  ): void {
    const { kind } = header;
    switch (kind) {
      case TCP_SYN_ACK:
        this.#answer(header, sourceHash, targetHash, packets, length, sourceTenant, targetTenant);
        break;
      case TCP_RST:
        this.#refuse(header, sourceHash, targetHash, packets, length, sourceTenant, targetTenant);
        break;
      case ICMP:
        this.#icmp(header, sourceHash, targetHash, packets, length, sourceTenant, targetTenant);
        break;
      case OTHER:
        this.#protocol(header, sourceHash, targetHash, packets, length, sourceTenant, targetTenant);
        break;
      case FRAGMENT:
        if (this.#isOverlapping(header, sourceHash, targetHash)) header.anomalies |= OVERLAPPING_FRAGMENT;
        if (header.protocol !== PROTOCOL_TCP || header.fragmentOffset !== 0) break;
        header.destinationPort = this.#portOf(header);
        this.#contact(header, SYN_CONTACT, sourceHash, targetHash, packets, length, sourceTenant, targetTenant);
        break;
      case TCP_SYN:
        this.#contact(header, SYN_CONTACT, sourceHash, targetHash, packets, length, sourceTenant, targetTenant);
        break;
      case TCP_ODD: {
        header.anomalies |= TCP_FLAGS;
        const sighting = oddContact(header.flags);
        this.#contact(header, sighting, sourceHash, targetHash, packets, length, sourceTenant, targetTenant);
        break;
      }
      default: // usual, but for something in its header
    }
    if (header.reason !== 0 && header.reason !== SNAPPED && kind !== FRAGMENT) header.anomalies |= BAD_LENGTH;
    if (sourceHash === targetHash && isLand(header)) header.anomalies |= LAND;
    if (header.anomalies !== 0)
      this.#anomalies(header, sourceHash, targetHash, packets, length, sourceTenant, targetTenant);
  }

  /** A packet that this host did not send, whose source is not of where it came from. */
  observeSource(
    header: Header,
    sourceHash: number,
    targetHash: number,
    packets: number,
    length: number,
    sourceTenant: number,
    targetTenant: number,
  ): void {
    if (isUnspecified(header)) return;
    this.#forward(header, this.#portTenant === 0 ? OWN_SOURCE : FOREIGN_SOURCE, -1, sourceTenant, targetTenant);
    this.#add(sourceHash, targetHash, packets, length);
  }

  /** RFC 826: who asks for whom, and who says that an address is at which hardware address. */
  observeArp(header: Header): void {
    const { source0, source1, source2, source3, destination0, destination1, destination2, destination3 } = header;
    // A probe (RFC 5227 section 2.1.1) comes from whoever has no address yet, and claims none.
    if (source3 === 0) return;
    const sourceHash = hashAddress(this.#seed, source0, source1, source2, source3);
    const targetHash = hashAddress(this.#seed, destination0, destination1, destination2, destination3);
    const sourceTenant = this.#directory.lookup(source0, source1, source2, source3);
    const targetTenant = this.#directory.lookup(destination0, destination1, destination2, destination3);
    const isRequest = header.flags === ARP_REQUEST;
    if (isRequest && sourceHash !== targetHash) {
      this.#askArp(header, sourceHash, targetHash, sourceTenant, targetTenant);
      return;
    }
    const asked = contactHash(targetHash, sourceHash, -1, ARP_CONTACT);
    const state = isRequest ? UNKNOWN : this.contacts.look(asked);
    const isAsked = state === ASKED || state === ASKED_AGAIN || this.#missed.has(sourceHash);
    if (state === ASKED || state === ASKED_AGAIN) this.contacts.remember(asked, ANSWERED_ONCE);
    if (state === ASKED) {
      this.#reversed(header, ANSWERED, ARP_CONTACT, targetTenant, sourceTenant);
      this.#sender(header);
      this.#add(targetHash, sourceHash, 1, 0);
    }
    this.#forward(header, ARP_REPLY, -1, sourceTenant, targetTenant);
    this.#sender(header);
    if (isAsked) this.#key.of = ARP_CONTACT;
    this.#add(sourceHash, targetHash, 1, 0);
  }

  /** Who asks again, as hosts do every minute, is no new contact, but may be answered. */
  #askArp(header: Header, sourceHash: number, targetHash: number, sourceTenant: number, targetTenant: number): void {
    const hash = contactHash(sourceHash, targetHash, -1, ARP_CONTACT);
    const state = this.contacts.look(hash);
    if (state === ANSWERED_ONCE) this.contacts.remember(hash, ASKED_AGAIN);
    if (state !== UNKNOWN) return;
    this.#contact(header, ARP_CONTACT, sourceHash, targetHash, 1, 0, sourceTenant, targetTenant);
  }

  /** RFC 826: the sender's hardware address, which is what others learn, whatever the frame's is. */
  #sender({ headerLength }: Header): void {
    const at = this.#start + headerLength - ARP_SENDER;
    if (at < this.#start || at + 6 > this.#end) return;
    this.#key.macHigh = this.#view.getUint16(at);
    this.#key.macLow = this.#view.getInt32(at + 2);
  }

  /** A packet to somebody new. Beyond the budgets it is not remembered either, so that it shows once a flood is over. */
  #contact(
    header: Header,
    sighting: number,
    sourceHash: number,
    targetHash: number,
    packets: number,
    length: number,
    sourceTenant: number,
    targetTenant: number,
  ): void {
    const port = contactPort(header, sighting);
    const hash = contactHash(sourceHash, targetHash, port, sighting);
    if (this.contacts.look(hash) !== UNKNOWN) return;
    if (!this.#spend(sourceHash, targetHash)) {
      this.#missed.note(targetHash);
      return;
    }
    this.contacts.remember(hash, ASKED);
    this.#forward(header, sighting, port, sourceTenant, targetTenant);
    this.#pairs?.add(pairHash(sourceHash, targetHash), this.#key, packets, length);
  }

  /** A SYN-ACK: to a SYN, or to nobody's, unless the SYN may have been one of those that there was no room for. */
  #answer(
    header: Header,
    sourceHash: number,
    targetHash: number,
    packets: number,
    length: number,
    sourceTenant: number,
    targetTenant: number,
  ): void {
    const asked = contactHash(targetHash, sourceHash, header.sourcePort, SYN_CONTACT);
    const state = this.contacts.look(asked);
    if (state !== UNKNOWN && sourceTenant !== 0 && targetTenant === 0) this.#expect(header, targetHash, asked);
    if (state === ASKED) {
      this.contacts.remember(asked, ANSWERED_ONCE);
      this.#reversed(header, ANSWERED, SYN_CONTACT, targetTenant, sourceTenant);
      this.#add(targetHash, sourceHash, packets, length);
    } else if (state === UNKNOWN && !this.#missed.has(sourceHash)) {
      this.#forward(header, STRAY_SYN_ACK, header.sourcePort, sourceTenant, targetTenant);
      this.#add(sourceHash, targetHash, packets, length);
    }
  }

  #expect(header: Header, clientHash: number, contact: number): void {
    const at = this.#tcpAt(header);
    if (at + 8 <= this.#end) this.handshakes.expect(clientHash, contact, (this.#view.getInt32(at + 4) + 1) | 0);
  }

  /** An ACK of a stranger to whom a tenant has sent a SYN-ACK of late. */
  observeAck(
    header: Header,
    sourceHash: number,
    targetHash: number,
    packets: number,
    length: number,
    sourceTenant: number,
    targetTenant: number,
  ): void {
    const at = this.#tcpAt(header);
    if (sourceTenant !== 0 || this.#established >= MAX_ESTABLISHED || at + 12 > this.#end) return;
    const { destinationPort } = header;
    const contact = contactHash(sourceHash, targetHash, destinationPort, SYN_CONTACT);
    if (!this.handshakes.complete(contact, this.#view.getInt32(at + 8))) return;
    this.#established += 1;
    this.#forward(header, ESTABLISHED, destinationPort, sourceTenant, targetTenant);
    this.#add(sourceHash, targetHash, packets, length);
  }

  /** Where TCP's header starts; behind extension headers it is not looked for. */
  #tcpAt({ networkAt, protocol }: Header): number {
    const at = this.#start + networkAt;
    if (at + 40 > this.#end || protocol !== PROTOCOL_TCP) return this.#end;
    const first = this.#view.getUint8(at);
    if (first >> 4 === 4) return at + ((first & 15) << 2);
    return this.#view.getUint8(at + 6) === PROTOCOL_TCP ? at + 40 : this.#end;
  }

  /** A RST: of a closed port to a contact, of an end to its own connection, or to a segment of no connection. */
  #refuse(
    header: Header,
    sourceHash: number,
    targetHash: number,
    packets: number,
    length: number,
    sourceTenant: number,
    targetTenant: number,
  ): void {
    const contacts = this.contacts;
    for (const sighting of TCP_CONTACTS) {
      const asked = contactHash(targetHash, sourceHash, header.sourcePort, sighting);
      const state = contacts.look(asked);
      if (state === UNKNOWN) continue;
      if (state === ASKED) {
        contacts.remember(asked, REFUSED_ONCE);
        this.#reversed(header, REFUSED, sighting, targetTenant, sourceTenant);
        this.#add(targetHash, sourceHash, packets, length);
      }
      return;
    }
    // RFC 9293 section 3.10.7.1: what answers an ACK of no connection has none itself.
    if ((header.flags & ACK) !== 0) return;
    if (contacts.look(contactHash(sourceHash, targetHash, header.destinationPort, SYN_CONTACT)) !== UNKNOWN) return;
    this.#reversed(header, STRAY_REFUSED, SYN_CONTACT, targetTenant, sourceTenant);
    this.#add(targetHash, sourceHash, packets, length);
  }

  #icmp(
    header: Header,
    sourceHash: number,
    targetHash: number,
    packets: number,
    length: number,
    sourceTenant: number,
    targetTenant: number,
  ): void {
    const type = header.flags >> 8;
    const isV6 = header.protocol === PROTOCOL_ICMPV6;
    if (isV6 ? type === 128 : ICMP_REQUESTS.has(type)) {
      this.#contact(header, ECHO_CONTACT, sourceHash, targetHash, packets, length, sourceTenant, targetTenant);
    } else if (isV6 ? type === 129 : ICMP_REPLIES.has(type)) {
      const asked = contactHash(targetHash, sourceHash, -1, ECHO_CONTACT);
      if (this.contacts.look(asked) !== ASKED) return;
      this.contacts.remember(asked, ANSWERED_ONCE);
      this.#reversed(header, ANSWERED, ECHO_CONTACT, targetTenant, sourceTenant);
      this.#add(targetHash, sourceHash, packets, length);
    } else if (type === (isV6 ? 1 : 3)) this.#unreachable(header, targetHash, packets, length, targetTenant);
  }

  /**
   * An ICMP "destination unreachable" holds the packet that it is about (RFC 792, RFC 4443): whose contact is refused. It must
   * be sent to that packet's source; the router that sends it is nobody in particular.
   */
  #unreachable(header: Header, targetHash: number, packets: number, length: number, targetTenant: number): void {
    const view = this.#view;
    const isV6 = header.protocol === PROTOCOL_ICMPV6;
    const at = this.#start + header.headerLength;
    const ipLength = isV6 ? 40 : 20;
    if (at + ipLength + 4 > this.#end) return;
    const { words } = this.#key;
    const version = view.getUint8(at) >> 4;
    if (version !== (isV6 ? 6 : 4)) return;
    if (isV6) for (let word = 0; word < 8; word++) words[word] = view.getInt32(at + 8 + word * 4);
    else {
      words.set(MAPPED);
      words[3] = view.getInt32(at + 12);
      words[7] = view.getInt32(at + 16);
    }
    const [w0, w1, w2, w3] = [words[4]!, words[5]!, words[6]!, words[7]!];
    if (hashAddress(this.#seed, words[0]!, words[1]!, words[2]!, words[3]!) !== targetHash) return;
    const protocol = view.getUint8(isV6 ? at + 6 : at + 9);
    const transport = at + (isV6 ? 40 : (view.getUint8(at) & 15) << 2);
    const hasPorts = protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP;
    if (hasPorts && transport + 4 > this.#end) return;
    let port = protocol;
    if (hasPorts) port = view.getUint16(transport + 2);
    else if (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) port = -1;
    const responderHash = hashAddress(this.#seed, w0, w1, w2, w3);
    const contact = this.#refusedContact(targetHash, responderHash, protocol, port);
    // Anybody can write an error about a packet that was never sent.
    if (contact === null) return;
    const key = this.#key;
    key.sighting = REFUSED;
    key.of = contact;
    key.port = port;
    key.otherPort = hasPorts ? view.getUint16(transport) : 0;
    this.#fill(header, targetTenant, this.#directory.lookup(w0, w1, w2, w3));
    this.#add(targetHash, responderHash, packets, length);
  }

  /** The sighting of the contact that waits for an answer and is refused now; null: none does. */
  #refusedContact(initiatorHash: number, responderHash: number, protocol: number, port: number): number | null {
    const candidates = protocol === PROTOCOL_TCP ? TCP_CONTACTS : [CONTACT_BY_PROTOCOL[protocol] ?? PROTOCOL_CONTACT];
    for (const sighting of candidates) {
      const asked = contactHash(initiatorHash, responderHash, port, sighting);
      if (this.contacts.look(asked) !== ASKED) continue;
      this.contacts.remember(asked, REFUSED_ONCE);
      return sighting;
    }
    return null;
  }

  #protocol(
    header: Header,
    sourceHash: number,
    targetHash: number,
    packets: number,
    length: number,
    sourceTenant: number,
    targetTenant: number,
  ): void {
    const { protocol } = header;
    if (protocol === PROTOCOL_TCP) return; // cut short
    const asked = contactHash(targetHash, sourceHash, protocol, PROTOCOL_CONTACT);
    const state = this.contacts.look(asked);
    if (state === ASKED) {
      this.contacts.remember(asked, ANSWERED_ONCE);
      this.#reversed(header, ANSWERED, PROTOCOL_CONTACT, targetTenant, sourceTenant);
      this.#key.port = protocol;
      this.#add(targetHash, sourceHash, packets, length);
    }
    if (state === UNKNOWN)
      this.#contact(header, PROTOCOL_CONTACT, sourceHash, targetHash, packets, length, sourceTenant, targetTenant);
  }

  #anomalies(
    header: Header,
    sourceHash: number,
    targetHash: number,
    packets: number,
    length: number,
    sourceTenant: number,
    targetTenant: number,
  ): void {
    for (let bits = header.anomalies; bits !== 0; bits &= bits - 1) {
      this.#forward(header, FIRST_ANOMALY + 31 - Math.clz32(bits & -bits), -1, sourceTenant, targetTenant);
      this.#add(sourceHash, targetHash, packets, length);
    }
  }

  /** Adds to the line of the key; a new line costs both addresses of their budgets. */
  #add(initiatorHash: number, responderHash: number, packets: number, length: number): void {
    const hash = pairHash(initiatorHash, responderHash);
    if (this.#pairs?.count(hash, this.#key, packets, length) !== false) return;
    if (this.#spend(initiatorHash, responderHash)) this.#pairs.add(hash, this.#key, packets, length);
  }

  #spend(initiatorHash: number, responderHash: number): boolean {
    const initiator = initiatorHash >>> 24;
    const responder = responderHash >>> 24;
    if (this.#sourceBudgets[initiator]! >= SOURCE_BUDGET || this.#targetBudgets[responder]! >= TARGET_BUDGET) {
      this.#pairs?.refuse();
      return false;
    }
    this.#sourceBudgets[initiator]! += 1;
    this.#targetBudgets[responder]! += 1;
    if (this.#block !== null) this.#kept?.tell(this.#block, this.#frame);
    return true;
  }

  /** The key of a sighting whose initiator is the packet's source. */
  #forward(header: Header, sighting: number, port: number, sourceTenant: number, targetTenant: number): void {
    const key = this.#key;
    const { words } = key;
    words[0] = header.source0;
    words[1] = header.source1;
    words[2] = header.source2;
    words[3] = header.source3;
    words[4] = header.destination0;
    words[5] = header.destination1;
    words[6] = header.destination2;
    words[7] = header.destination3;
    key.sighting = sighting;
    key.of = 0;
    key.port = port;
    key.otherPort = port === header.sourcePort ? header.destinationPort : header.sourcePort;
    this.#fill(header, sourceTenant, targetTenant);
  }

  /** The key of an outcome: the packet goes back to the initiator. */
  #reversed(header: Header, sighting: number, of: number, initiatorTenant: number, responderTenant: number): void {
    const key = this.#key;
    const { words } = key;
    words[0] = header.destination0;
    words[1] = header.destination1;
    words[2] = header.destination2;
    words[3] = header.destination3;
    words[4] = header.source0;
    words[5] = header.source1;
    words[6] = header.source2;
    words[7] = header.source3;
    key.sighting = sighting;
    key.of = of;
    key.port = of === ECHO_CONTACT || of === ARP_CONTACT ? -1 : header.sourcePort;
    key.otherPort = header.destinationPort;
    this.#fill(header, initiatorTenant, responderTenant);
  }

  /** What of the key is the frame's. */
  #fill(header: Header, initiatorTenant: number, responderTenant: number): void {
    const key = this.#key;
    const view = this.#view;
    const at = this.#start + header.networkAt;
    key.isOutgoing = (this.#flags & FRAME_OUTGOING) !== 0;
    key.offsetMs = this.#timeMs - this.#startMs;
    key.initiatorTenant = initiatorTenant;
    key.responderTenant = responderTenant;
    key.ttl = at + 9 <= this.#end ? view.getUint8(view.getUint8(at) >> 4 === 6 ? at + 7 : at + 8) : 0;
    const hasMac = this.#linkType === LINKTYPE_ETHERNET && this.#start + 12 <= this.#end;
    key.macHigh = hasMac ? view.getUint16(this.#start + 6) : 0;
    key.macLow = hasMac ? view.getInt32(this.#start + 8) : 0;
  }

  #isOverlapping(header: Header, a: number, b: number): boolean {
    const { protocol, fragmentId, fragmentOffset, fragmentLength, hasMoreFragments, source2 } = header;
    const key = contactHash(a, b, fragmentId, protocol);
    // IPv4's are copied by networks now and then; of IPv6 only hosts make fragments.
    const isV4 = source2 === 0xffff;
    const keptMs = isV4 ? REASSEMBLY_MS.ipv4 : REASSEMBLY_MS.ipv6;
    const isLast = !hasMoreFragments && !isV4;
    return this.#fragments.overlaps(key, fragmentOffset, fragmentLength, isLast, this.#timeMs, keptMs);
  }

  /** The destination port of a first fragment, however short; -1: it has none. */
  #portOf(header: Header): number {
    if (header.destinationPort >= 0) return header.destinationPort;
    const at = this.#start + header.headerLength;
    return at + 4 <= this.#end && header.fragmentLength >= 4 ? this.#view.getUint16(at + 2) : -1;
  }
}

/** The hash of one end of a flow. */
export const endHash = (addressHash: number, port: number): number =>
  Math.imul(addressHash ^ Math.imul(port, 0x9e3779b1), 0x85ebca6b);

/** The hash of a flow, the same in both directions; the packet loop has its own copy of both. */
export function flowHash(sourceEnd: number, targetEnd: number): number {
  const sum = sourceEnd + targetEnd;
  return Math.imul(sum ^ (sum >>> 15), 0x85ebca6b);
}

const EMPTY = new DataView(new ArrayBuffer(64));
const ARP_REQUEST = 1;
/** From the end of an ARP message back to its sender's hardware address. */
const ARP_SENDER = 20;
/** A question of ARP is refused by nobody: the state is free for one that was answered before. */
const ASKED_AGAIN = REFUSED_ONCE;
/** Two IPv4 addresses' words but for the last. */
const MAPPED = [0, 0, 0xffff, 0, 0, 0, 0xffff, 0];

const CONTACT_BY_PROTOCOL: Readonly<Record<number, number>> = {
  [PROTOCOL_TCP]: SYN_CONTACT,
  [PROTOCOL_UDP]: UDP_CONTACT,
  [PROTOCOL_ICMP]: ECHO_CONTACT,
  [PROTOCOL_ICMPV6]: ECHO_CONTACT,
};

/** A hash of a contact, which the other direction does not share. */
function contactHash(initiatorHash: number, responderHash: number, port: number, sighting: number): number {
  let hash = Math.imul(initiatorHash, 0x9e3779b1) ^ responderHash;
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ ((sighting << 17) | (port & 0x1ffff));
  hash = Math.imul(hash ^ (hash >>> 13), 0x85ebca6b);
  return hash ^ (hash >>> 16);
}

/** What a contact's port is by its sighting: of ICMP and ARP none, of other protocols their number. */
function contactPort({ protocol, destinationPort }: Header, sighting: number): number {
  if (sighting === ECHO_CONTACT || sighting === ARP_CONTACT) return -1;
  return sighting === PROTOCOL_CONTACT ? protocol : destinationPort;
}

/** How nmap calls the probe; ECE and CWR say nothing. */
function oddContact(flags: number): number {
  switch (flags & 0x3f) {
    case 0:
      return NULL_CONTACT;
    case FIN:
      return FIN_CONTACT;
    case FIN | PSH | URG:
      return XMAS_CONTACT;
    default:
      return ODD_CONTACT;
  }
}

/** CERT CA-1997-28: both ends are one, so that it answers itself. What a host sends itself has two ports. */
const isLand = ({ sourcePort, destinationPort, protocol }: Header): boolean =>
  (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP) && sourcePort === destinationPort && sourcePort >= 0;

/** 0.0.0.0, ::, and link-local addresses on the link: a host that has no other yet. */
const isUnspecified = ({ source0, source1, source2, source3, destination2, destination3 }: Header): boolean =>
  (source0 === 0 && source1 === 0 && (source2 === 0 || source2 === 0xffff) && source3 === 0) ||
  source0 >>> 22 === 0xfe80 >>> 6 ||
  (isLinkLocal(source2, source3) && (isLinkLocal(destination2, destination3) || destination3 >>> 28 >= 14));

/** 169.254.0.0/16 (RFC 3927); of the other words IPv6 has others. */
const isLinkLocal = (word2: number, word3: number): boolean => word2 === 0xffff && word3 >>> 16 === 0xa9fe;
