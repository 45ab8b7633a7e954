/**
 * How many routers lie between here and a prefix, by the TTL of those who proved that they are there; and who tries to connect from there
 * over another number of them, and does not: Jin, Wang, Shin, "Hop-Count Filtering" (2003).
 */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';
import { type AddressWords, formatAddress, isIpv4 } from '../../metering/address.ts';
import { ANSWERED, ESTABLISHED, type PairLine, SYN_CONTACT } from '../../metering/pairTable.ts';
import type { Window } from '../../metering/window.ts';
import type { Json } from '../detector.ts';
import { evictLeast } from './evictLeast.ts';
import { keepLatest } from './keepLatest.ts';

/** What stacks begin with: Linux and BSD, Windows, routers; the first of some old ones. */
const INITIAL_TTLS = [32, 64, 128, 255];
/** A prefix speaks for itself once so many handshakes, over so long, have told of it. */
const LEAST_HANDSHAKES = 5;
const TRAINING_MS = 60 * 60_000;
/** More say no more. */
const ENOUGH_HANDSHAKES = 100;
/** What load balancing and a change of one router's path make. */
const TOLERANCE = 1;
/** Prefixes that are remembered, and of these over a restart. */
const MAX_PREFIXES = 4096;
const MAX_SAVED = 1024;
const EVICTION_CANDIDATES = 16;
/** So long a contact may take to prove that it is meant: the retransmissions of a SYN (RFC 6298). */
const PATIENCE_MS = 3000;
const MAX_WAITING = 1024;
/** Addresses whose tools put random numbers there, as nmap does. */
const MAX_ADDRESSES = 1024;

const savedPrefix = z.object({
  least: z.int(),
  most: z.int(),
  handshakes: z.number().positive(),
  sinceMs: z.number(),
  lastMs: z.number(),
});
const savedPrefixes = z.array(z.tuple([z.int(), savedPrefix])).max(MAX_SAVED);

type Prefix = z.output<typeof savedPrefix>;

interface Waiting {
  readonly line: PairLine;
  readonly atMs: Milliseconds;
}

export class HopCounts {
  /** By number of the prefix, the one that a handshake told of longest ago first. */
  readonly #prefixes = new Map<number, Prefix>();
  /** In the order in which they came; by initiator, responder and port. */
  readonly #waiting = new Map<string, Waiting>();
  /** By address: the one wrong number of hops that it had; null: it had several. */
  readonly #wrong = new Map<string, number | null>();
  #shifted: ReadonlySet<PairLine> = new Set();
  /** Handshakes behind what was told last. */
  #evidence = 0;

  /** Contacts of late that came over another number of hops than their prefix does, and came to nothing. */
  observe(window: Window): PairLine[] {
    const nowMs = window.startMs;
    const lines = window.pairs.lines();
    for (const line of lines) this.#learn(line, nowMs);
    for (const line of lines) if (line.sighting === SYN_CONTACT) this.#await(line, nowMs);
    const shifted: PairLine[] = [];
    for (const [key, { line, atMs }] of this.#waiting) {
      if (Math.abs(nowMs - atMs) < PATIENCE_MS) break;
      this.#waiting.delete(key);
      if (this.#isShifted(line)) shifted.push(line);
    }
    this.#shifted = new Set(shifted);
    return shifted;
  }

  isShifted(line: PairLine): boolean {
    return this.#shifted.has(line);
  }

  /** By how many handshakes speak for the prefix. */
  get confidence(): number {
    return Math.round((0.4 + (0.4 * this.#evidence) / ENOUGH_HANDSHAKES) * 100) / 100;
  }

  #learn(line: PairLine, nowMs: Milliseconds): void {
    const { sighting, of, initiator, responder, initiatorTenant, responderTenant, ttl, port } = line;
    const isClient = sighting === ESTABLISHED;
    const isServer = sighting === ANSWERED && of === SYN_CONTACT && initiatorTenant !== 0 && responderTenant === 0;
    if (ttl === 0 || (!isClient && !isServer)) return;
    if (isClient) this.#waiting.delete(keyOf(initiator, responder, port));
    const key = prefixOf(isClient ? initiator : responder);
    const hops = hopsOf(ttl);
    const known = this.#prefixes.get(key) ?? { least: hops, most: hops, handshakes: 0, sinceMs: nowMs, lastMs: nowMs };
    known.least = Math.min(known.least, hops);
    known.most = Math.max(known.most, hops);
    known.handshakes = Math.min(known.handshakes + 1, ENOUGH_HANDSHAKES);
    known.lastMs = nowMs;
    this.#prefixes.delete(key);
    this.#prefixes.set(key, known);
    // Of those that were told of longest ago the one that is known worst.
    if (this.#prefixes.size > MAX_PREFIXES)
      evictLeast(this.#prefixes, EVICTION_CANDIDATES, ({ handshakes }) => handshakes);
  }

  #await(line: PairLine, nowMs: Milliseconds): void {
    const { initiator, responder, initiatorTenant, responderTenant, port, ttl } = line;
    if (initiatorTenant !== 0 || responderTenant === 0 || ttl === 0 || !this.#isWrong(line)) return;
    const address = formatAddress(...initiator);
    const before = this.#wrong.get(address);
    const hops = before === undefined || before === hopsOf(ttl) ? hopsOf(ttl) : null;
    keepLatest(this.#wrong, address, hops, MAX_ADDRESSES);
    if (this.#waiting.size < MAX_WAITING) this.#waiting.set(keyOf(initiator, responder, port), { line, atMs: nowMs });
  }

  /** After all that is known by now. */
  #isShifted(line: PairLine): boolean {
    if (this.#wrong.get(formatAddress(...line.initiator)) === null || !this.#isWrong(line)) return false;
    this.#evidence = this.#prefixes.get(prefixOf(line.initiator))?.handshakes ?? 0;
    return true;
  }

  #isWrong({ initiator, ttl }: PairLine): boolean {
    const known = this.#prefixes.get(prefixOf(initiator));
    if (known === undefined || known.handshakes < LEAST_HANDSHAKES) return false;
    if (known.lastMs - known.sinceMs < TRAINING_MS) return false;
    const hops = hopsOf(ttl);
    return hops < known.least - TOLERANCE || hops > known.most + TOLERANCE;
  }

  save(): Json {
    return this.#best().map(([key, prefix]) => [key, { ...prefix }]);
  }

  #best(): [number, Prefix][] {
    const all = [...this.#prefixes];
    if (all.length <= MAX_SAVED) return all;
    return all.toSorted(([, a], [, b]) => b.handshakes - a.handshakes).slice(0, MAX_SAVED);
  }

  restore(state: Json): void {
    for (const [key, prefix] of savedPrefixes.safeParse(state).data ?? []) this.#prefixes.set(key, prefix);
  }
}

/** /24 of IPv4, /48 of IPv6: what is routed as one, as a rule. */
function prefixOf(address: AddressWords): number {
  const [w0, w1, , w3] = address;
  if (isIpv4(address)) return -1 - (w3 >>> 8);
  return (w0 >>> 0) * 2 ** 16 + (w1 >>> 16);
}

function hopsOf(ttl: number): number {
  const initial = INITIAL_TTLS.find((each) => each >= ttl) ?? 255;
  return initial - ttl;
}

const keyOf = (initiator: AddressWords, responder: AddressWords, port: number): string =>
  `${initiator.join()} ${responder.join()} ${port}`;
