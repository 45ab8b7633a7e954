/**
 * Follows first contacts until they are answered, refused, or were met with silence: what a scan is known by is that hardly
 * anybody answers it.
 */
import type { Milliseconds } from '../../../probes/probe.ts';
import { type AddressWords, hashAddress, isGroup, isIpv4 } from '../../metering/address.ts';
import {
  ANSWERED,
  ARP_CONTACT,
  ECHO_CONTACT,
  type PairLine,
  REFUSED,
  STRAY_REFUSED,
  UDP_CONTACT,
} from '../../metering/pairTable.ts';
import { SOURCE_ANSWERED, SOURCE_OTHER, SOURCE_SYN, SOURCE_UDP, type Window } from '../../metering/window.ts';
import { UDP } from '../../metering/decodeResult.ts';
import { keepLatest } from './keepLatest.ts';
import type { DetectorContext } from '../detector.ts';
import { isTcp, probeType, type ProbeType } from './probeType.ts';
import { Routers } from './routers.ts';

/** Unknown: an answer would not be seen. */
export const OUTCOMES = ['answered', 'refused', 'silent', 'unknown'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** One address spoke to another and port for the first time in minutes; what came of it. */
export interface Attempt {
  readonly initiator: AddressWords;
  readonly responder: AddressWords;
  readonly initiatorHash: number;
  readonly responderHash: number;
  /** Tenants by number; 0: nobody's. */
  readonly initiatorTenant: number;
  readonly responderTenant: number;
  readonly type: ProbeType;
  /** -1: it has none. */
  readonly port: number;
  readonly bytes: number;
  readonly atMs: Milliseconds;
  readonly outcome: Outcome;
  /** What it tells, 1 of a plain failure. */
  readonly weight: number;
}

/** RFC 6298: a SYN is sent again after 1 s; whoever answers at all has done so after three of them. */
const PATIENCE_MS = 3000;
/**
 * Where so many of one initiator wait at once, a second must do: a sweep of all hosts of a prefix lasts no longer. And where as
 * many have been answered meanwhile, twenty times as long as the slowest of these.
 */
const HASTE = 32;
const HASTE_MS = 1000;
const LEAST_HASTE_MS = 200;
const ROUND_TRIPS = 20;
/** Of what an address asks. */
const ANSWERED_SHARE = 0.5;
const MAX_PENDING = 16_384;
/** What a server sends to its clients, seen for the first time after a pause: from a port below to one above, which NAT gave. */
const FIRST_CLIENT_PORT = 10_000;
/** `traceroute` counts its steps by the port. */
const TRACEROUTE = [33_434, 33_534] as const;
/** RFC 8305: both families are tried at once, and some networks have but one. */
const HAPPY_EYEBALLS_MS = 1000;
const MAX_REMEMBERED = 4096;
/** So many tenants' hosts, none of whom anybody answers for so long: the way to the internet is down. */
const OUTAGE_HOSTS = 3;
const OUTAGE_MS = 1000;
/** A bare RST for a segment of no connection: a probe by ACK, or the end of a connection that one side has forgotten. */
const STRAY_WEIGHT = 0.5;
/** Where an address' own packets are too few to be counted. */
const UNPROVEN_STRAYS = 2;

/** What one initiator has waiting, and how the others were answered. */
interface Burst {
  waiting: number;
  answered: number;
  slowestMs: Milliseconds;
}

interface Pending extends Omit<Attempt, 'outcome' | 'weight'> {
  readonly mac: number;
  readonly key: number;
}

/** Of the hashes of addresses that are remembered over a restart, for which those of the windows have another. */
export interface MemorySeed {
  value: number;
}

export class FirstContacts {
  readonly #context: DetectorContext;
  readonly #seed: MemorySeed;
  /** By key, the one that was made longest ago first. */
  readonly #pending = new Map<number, Pending>();
  /** The same ones, until their second is over. */
  #young: Pending[] = [];
  /** By initiator's hash, the one that was at it longest ago first. */
  readonly #bursts = new Map<number, Burst>();
  readonly #routers = new Routers();
  /** When a tenant's contact over IPv4 was last answered, by tenant, protocol and port. */
  readonly #answeredOverIpv4 = new Map<number, Milliseconds>();
  /** Hosts of tenants that have spoken to somebody new since one was last answered. */
  readonly #sinceAnswer = new Set<number>();
  #lastAnswerMs: Milliseconds = -Infinity;

  constructor(context: DetectorContext, seed: MemorySeed) {
    this.#context = context;
    this.#seed = seed;
  }

  /** What has come of first contacts by the end of this window. */
  observe(window: Window): Attempt[] {
    const attempts: Attempt[] = [];
    const strays = new Map<number, number>();
    for (const line of window.pairs.lines()) {
      if (line.sighting <= ARP_CONTACT) attempts.push(...this.#begin(line, window));
      else if (window.onlySees !== null) continue;
      else if (line.sighting === ANSWERED || line.sighting === REFUSED) attempts.push(...this.#settle(line, window));
      else if (line.sighting === STRAY_REFUSED) attempts.push(...this.#stray(line, window, strays));
    }
    if (window.pairs.refused > 0) this.#forgetAnswered(window);
    attempts.push(...this.#giveUp(window.endMs));
    return attempts;
  }

  /** Where a window had no room for all answers, whoever receives half as many as it asks is answered: which ones nobody knows. */
  #forgetAnswered(window: Window): void {
    const crowded = new Map<string, boolean>();
    for (const pending of this.#pending.values()) {
      const { initiatorHash, type } = pending;
      if ((this.#bursts.get(initiatorHash)?.waiting ?? 0) < HASTE) continue;
      const key = `${initiatorHash} ${type}`;
      const isAnswered = crowded.get(key) ?? isMostlyAnswered(window, pending, this.#context.hashSeed);
      crowded.set(key, isAnswered);
      if (isAnswered) this.#forget(pending);
    }
  }

  /** What is known of it at once. */
  #begin(line: PairLine, window: Window): Attempt[] {
    this.#routers.learn(line);
    if (!this.#concerns(line)) return [];
    const pending = this.#pendingOf(line, line.sighting, window);
    if (window.onlySees !== null) return isUsual(pending) ? [] : [{ ...pending, outcome: 'unknown', weight: 1 }];
    if (this.#pending.size >= MAX_PENDING) return [];
    this.#pending.set(pending.key, pending);
    this.#young.push(pending);
    const burst = this.#bursts.get(pending.initiatorHash) ?? { waiting: 0, answered: 0, slowestMs: 0 };
    burst.waiting += 1;
    keepLatest(this.#bursts, pending.initiatorHash, burst, MAX_REMEMBERED);
    if (line.initiatorTenant !== 0 && line.sighting !== ARP_CONTACT) this.#sinceAnswer.add(pending.initiatorHash);
    return [];
  }

  #pendingOf(line: PairLine, contact: number, window: Window): Pending {
    const { initiator, responder, initiatorTenant, responderTenant, port } = line;
    const initiatorHash = hashAddress(this.#seed.value, ...initiator);
    const responderHash = hashAddress(this.#seed.value, ...responder);
    return {
      initiator,
      responder,
      initiatorHash,
      responderHash,
      initiatorTenant,
      responderTenant,
      type: probeType(line, contact),
      port: contact === ECHO_CONTACT || contact === ARP_CONTACT ? -1 : port,
      bytes: line.bytes,
      atMs: window.startMs + line.offsetMs,
      mac: line.mac,
      key: mix(mix(initiatorHash, responderHash), (contact << 17) | (port & 0x1ffff)),
    };
  }

  #settle(line: PairLine, window: Window): Attempt[] {
    if (!this.#concerns(line)) return [];
    const answer = this.#pendingOf(line, line.of, window);
    const pending = this.#pending.get(answer.key);
    const isAnswer = line.sighting === ANSWERED;
    if (pending !== undefined) this.#forget(pending, answer.atMs - pending.atMs);
    if (isAnswer) this.#noteAnswer(answer);
    // What comes too late to be waited for: an answer is one all the same.
    if (isAnswer) return [{ ...(pending ?? answer), outcome: 'answered', weight: 1 }];
    if (pending === undefined || (!isTcp(pending.type) && this.#isExcused(pending, window.endMs))) return [];
    return [{ ...pending, outcome: 'refused', weight: 1 }];
  }

  #noteAnswer({ initiator, initiatorTenant, type, port, atMs }: Pending): void {
    if (initiatorTenant === 0 || type === 'arp') return;
    this.#sinceAnswer.clear();
    this.#lastAnswerMs = atMs;
    if (!isIpv4(initiator)) return;
    keepLatest(this.#answeredOverIpv4, serviceKey(initiatorTenant, type, port), atMs, MAX_REMEMBERED);
  }

  /**
   * A refusal of what was not seen as a contact. It counts where the address is seen to send something: else somebody may use
   * it for a forged source.
   */
  #stray(line: PairLine, window: Window, strays: Map<number, number>): Attempt[] {
    if (!this.#concerns(line)) return [];
    const stray = this.#pendingOf(line, line.of, window);
    const { initiator, initiatorHash } = stray;
    const count = (strays.get(initiatorHash) ?? 0) + 1;
    strays.set(initiatorHash, count);
    const source = window.sources.find(hashAddress(this.#context.hashSeed, ...initiator), ...initiator);
    const sent = source < 0 ? UNPROVEN_STRAYS : (window.sources.lanes[source + SOURCE_OTHER] ?? 0) + UNPROVEN_STRAYS;
    return count > sent ? [] : [{ ...stray, type: 'ack', outcome: 'refused', weight: STRAY_WEIGHT }];
  }

  /** Those that nobody has answered in time. */
  #giveUp(nowMs: Milliseconds): Attempt[] {
    const attempts: Attempt[] = [];
    const giveUp = (pending: Pending): void => {
      this.#forget(pending);
      if (this.#isExcused(pending, nowMs)) return;
      // A switch shows the questions of ARP to everybody, and the answers to whoever asked.
      attempts.push({ ...pending, outcome: pending.type === 'arp' ? 'unknown' : 'silent', weight: 1 });
    };
    this.#young = this.#young.filter((pending) => {
      if (this.#pending.get(pending.key) !== pending) return false;
      const ageMs = Math.abs(nowMs - pending.atMs);
      if (ageMs < this.#patienceMs(pending)) return ageMs < HASTE_MS;
      giveUp(pending);
      return false;
    });
    for (const pending of this.#pending.values()) {
      if (Math.abs(nowMs - pending.atMs) < PATIENCE_MS) break;
      giveUp(pending);
    }
    return attempts;
  }

  #patienceMs({ initiatorHash }: Pending): Milliseconds {
    const burst = this.#bursts.get(initiatorHash);
    if (burst === undefined || burst.waiting < HASTE) return PATIENCE_MS;
    if (burst.answered < HASTE) return HASTE_MS;
    return Math.min(Math.max(burst.slowestMs * ROUND_TRIPS, LEAST_HASTE_MS), HASTE_MS);
  }

  /** `afterMs`: when something came back; left out: nothing has. */
  #forget({ key, initiatorHash }: Pending, afterMs?: Milliseconds): void {
    this.#pending.delete(key);
    const burst = this.#bursts.get(initiatorHash);
    if (burst === undefined) return;
    burst.waiting = Math.max(burst.waiting - 1, 0);
    if (afterMs === undefined) return;
    burst.answered += 1;
    burst.slowestMs = Math.max(burst.slowestMs, afterMs);
  }

  /** That it failed tells nothing of who made it. */
  #isExcused({ initiator, initiatorTenant, type, port, atMs, mac }: Pending, nowMs: Milliseconds): boolean {
    if (type === 'arp') return this.#routers.has(mac);
    if (initiatorTenant === 0) return false;
    // Those who have only just begun may be answered yet.
    if (this.#sinceAnswer.size >= OUTAGE_HOSTS && Math.abs(nowMs - this.#lastAnswerMs) >= OUTAGE_MS) return true;
    if (isIpv4(initiator)) return false;
    const answeredMs = this.#answeredOverIpv4.get(serviceKey(initiatorTenant, type, port));
    return answeredMs !== undefined && answeredMs >= atMs - HAPPY_EYEBALLS_MS && answeredMs <= nowMs;
  }

  /** Whether a tenant has to do with it, and it is what a scanner may do. */
  #concerns(line: PairLine): boolean {
    const { initiatorTenant, responderTenant, responder } = line;
    if (initiatorTenant === 0 && responderTenant === 0) return false;
    if (isGroup(responder)) return false;
    const contact = line.sighting <= ARP_CONTACT ? line.sighting : line.of;
    // What this host asks on a tenant's link, it asks for whoever sends to there.
    if (contact === ARP_CONTACT) return !(line.isOutgoing && this.#context.portTenant !== 0);
    if (contact === UDP_CONTACT) return !isTraceroute(line.port) && !isToClient(line);
    return line.sighting !== STRAY_REFUSED || !isToClient(line);
  }
}

/** By the counters of the initiator's address, which everything has room in. */
function isMostlyAnswered(window: Window, { initiator, type }: Pending, hashSeed: number): boolean {
  const hash = hashAddress(hashSeed, ...initiator);
  const { sources, targets } = window;
  const source = sources.find(hash, ...initiator);
  if (source < 0) return false;
  const lane = (at: number): number => (sources.lanes[source + at] ?? 0) >>> 0;
  if (isTcp(type)) return lane(SOURCE_ANSWERED) >= Math.max(lane(SOURCE_SYN) * ANSWERED_SHARE, HASTE);
  const target = targets.find(hash, ...initiator);
  if (type !== 'udp' || target < 0) return false;
  return window.targetPackets(target, UDP) >= Math.max(lane(SOURCE_UDP) * ANSWERED_SHARE, HASTE);
}

/** Mail, DNS with and without TLS, the web, NTP: a tenant speaks to any number of hosts there. */
const USUAL_PORTS: ReadonlySet<number> = new Set([25, 53, 80, 123, 443, 853]);
const isUsual = ({ initiatorTenant, port }: Pending): boolean => initiatorTenant !== 0 && USUAL_PORTS.has(port);

const isToClient = ({ port, otherPort }: PairLine): boolean =>
  otherPort < FIRST_CLIENT_PORT && port >= FIRST_CLIENT_PORT;
const isTraceroute = (port: number): boolean => port >= TRACEROUTE[0] && port <= TRACEROUTE[1];

const serviceKey = (tenant: number, type: ProbeType, port: number): number =>
  (tenant * 2 + Number(type === 'udp')) * 65_536 + (port & 0xffff);

/** Of two hashes, in order, well mixed in all bits (the finaliser of MurmurHash3). */
export function mix(a: number, b: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ b;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
