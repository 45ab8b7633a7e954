/**
 * Who is heard: the exporters that have sent, by address, at most 256 of them; whoever is not configured is refused before
 * a byte of the datagram is read. Established ones keep their places, so that forged addresses push nobody out.
 */
import type { Milliseconds } from '../probe.ts';
import { Peer } from './inetSocket.ts';

export const MAX_EXPORTERS = 256;
/** Twice as many slots as exporters, for open addressing. */
const SLOTS = 512;
/** An exporter that has been silent for so long, and has no connection, gives its place to another. */
const IDLE_MS = 600_000;
/** Of the decoder's making; a reason that depends on the datagram must not fill the memory. */
const MAX_REASONS = 32;

/** One exporter since it was first heard. */
export class Exporter {
  readonly address: string;
  readonly words: readonly [number, number, number, number];
  datagrams = 0;
  octets = 0;
  lastMs: Milliseconds = 0;
  /** TCP connections that are open. */
  connections = 0;
  /** Messages that could not be read (further), by reason. */
  readonly malformed = new Map<string, number>();

  constructor(address: string, { w0, w1, w2, w3 }: Peer) {
    this.address = address;
    this.words = [w0, w1, w2, w3];
  }

  countMalformed(reason: string): void {
    const key = this.malformed.has(reason) || this.malformed.size < MAX_REASONS ? reason : 'other';
    this.malformed.set(key, (this.malformed.get(key) ?? 0) + 1);
  }
}

/** The address as text if it is a configured exporter's; null: it is not. */
export type Admit = (w0: number, w1: number, w2: number, w3: number) => string | null;

export class ExporterTable {
  /** Datagrams and connections of addresses that are not configured. */
  strangers = 0;
  /** Those of configured addresses for which there was no place. */
  crowdedOut = 0;
  /** The last of either; null: none. */
  lastRefused: Peer | null = null;
  readonly #admit: Admit;
  readonly #slots: (Exporter | undefined)[] = Array.from({ length: SLOTS });
  #exporters: Exporter[] = [];

  constructor(admit: Admit) {
    this.#admit = admit;
  }

  get exporters(): readonly Exporter[] {
    return this.#exporters;
  }

  /** The exporter at this address; null: it is refused, and counted. */
  find(peer: Peer, nowMs: Milliseconds): Exporter | null {
    const { w0, w1, w2, w3 } = peer;
    for (let slot = slotOf(w0, w1, w2, w3); ; slot = (slot + 1) % SLOTS) {
      const known = this.#slots[slot];
      if (known === undefined) return this.#welcome(peer, nowMs);
      const { words } = known;
      if (words[3] === w3 && words[2] === w2 && words[1] === w1 && words[0] === w0) return known;
    }
  }

  #welcome(peer: Peer, nowMs: Milliseconds): Exporter | null {
    const address = this.#admit(peer.w0, peer.w1, peer.w2, peer.w3);
    if (address === null) this.strangers += 1;
    else if (this.#exporters.length < MAX_EXPORTERS || this.#makeRoom(nowMs)) return this.#add(address, peer);
    else this.crowdedOut += 1;
    Object.assign((this.lastRefused ??= new Peer()), peer);
    return null;
  }

  #add(address: string, peer: Peer): Exporter {
    const exporter = new Exporter(address, peer);
    this.#exporters.push(exporter);
    this.#place(exporter);
    return exporter;
  }

  #place(exporter: Exporter): void {
    let slot = slotOf(...exporter.words);
    while (this.#slots[slot] !== undefined) slot = (slot + 1) % SLOTS;
    this.#slots[slot] = exporter;
  }

  #lookedForRoomMs = 0;

  /** At most once a second: crowds of forged addresses must not make it cost more. */
  #makeRoom(nowMs: Milliseconds): boolean {
    if (Math.abs(nowMs - this.#lookedForRoomMs) < 1000) return false;
    this.#lookedForRoomMs = nowMs;
    this.#exporters = this.#exporters.filter(
      ({ connections, lastMs }) => connections > 0 || Math.abs(nowMs - lastMs) < IDLE_MS,
    );
    this.#slots.fill(undefined);
    for (const exporter of this.#exporters) this.#place(exporter);
    return this.#exporters.length < MAX_EXPORTERS;
  }
}

function slotOf(w0: number, w1: number, w2: number, w3: number): number {
  const hash = Math.imul(w0 ^ Math.imul(w1, 31) ^ Math.imul(w2, 961) ^ w3, 0x9e3779b1);
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}
