/** Names packets whose source cannot be true: not the port's, of the wrong card, impossible, or from where it cannot come. */
import { z } from 'zod';
import { keepLatest } from './shared/keepLatest.ts';
import { bogonFile } from '../config/bogonFile.ts';
import { count } from '../config/units.ts';
import { type AddressWords, formatAddress, hashAddress, isGroup } from '../metering/address.ts';
import {
  ANSWERED,
  ARP_CONTACT,
  ARP_REPLY,
  ESTABLISHED,
  FOREIGN_SOURCE,
  OWN_SOURCE,
  type PairLine,
  REFUSED,
  STRAY_REFUSED,
} from '../metering/pairTable.ts';
import type { Window } from '../metering/window.ts';
import type { DetectorContext, DetectorDefinition, Signature } from './detector.ts';
import { Bogons } from './shared/bogons.ts';
import { HopCounts } from './shared/hopCounts.ts';
import { trafficOptions } from './shared/options.ts';
import { type PacketsByType, PairDetector } from './shared/pairDetector.ts';

const signature: Signature = {
  id: 'spoofedSource',
  detector: 'spoofedSource',
  clause: 'network.spoofing',
  title: 'Packets have a source that cannot be theirs.',
  unit: 'packets',
  // What begins as a few packets from impossible sources may be a flood from random ones in the next window.
  entry: { windows: 2, of: 2, atOnce: 10 },
  leaveBelow: 0.3,
};

/** What is seen at the tenant's own port is certain; what comes from the internet may be a misled router's. */
const TYPES = {
  /** From a tenant's own port, with a source that is not the tenant's. */
  foreign: { weight: 1, confidence: 0.95 },
  /** From the internet, with a tenant's source. */
  own: { weight: 1, confidence: 0.85 },
  /** From a card that none of the tenant's addresses is bound to. */
  mac: { weight: 1, confidence: 0.9 },
  /** No source of any packet, anywhere: one is enough. */
  martian: { weight: 10, confidence: 0.8 },
  /** Not on the internet: errors of routers and leaks are usual, many of them are not. */
  bogon: { weight: 0.5, confidence: 0.6 },
  /** Two cards in turn say that they have an address, or one that is not the tenant's. A host that takes over from another says it once. */
  arp: { weight: 5, confidence: 0.7 },
  /** Somebody tells others that he has an address, and was not asked. */
  arpReply: { weight: 1, confidence: 0.7 },
  /** Its prefix is further away, or nearer: routes change, so that it rests on those who proved where they are. */
  hopCount: { weight: 1, confidence: null },
} as const;
type Type = keyof typeof TYPES;

/** Addresses on the link whose cards are remembered. */
const MAX_CARDS = 1024;
/** So many at one address in a window are a flood, or a scan by decoys: named as that, with forged sources. */
const FLOOD_CONTACTS = 32;
/** So long after it what comes from impossible sources is the flood's. */
const FLOOD_KEPT_MS = 60_000;
const MAX_FLOODED = 256;
/** Of these the packet goes to the initiator. */
const OUTCOMES: ReadonlySet<number> = new Set([ANSWERED, REFUSED, STRAY_REFUSED]);
/** Impossible sources that are followed, and for how long. */
const MAX_IMPOSSIBLE = 64;
const FORGET_MS = 600_000;
const DHCP_PORTS: ReadonlySet<number> = new Set([67, 68]);

const config = z
  .strictObject({
    ...trafficOptions('reports'),
    packets: count(1)
      .default(10)
      .describe('packets in a minute, of one tenant or to one address, whose source cannot be true; bogons count half'),
    bogons: bogonFile()
      .optional()
      .describe('a file of prefixes that are not on the internet, one a line, in place of the built-in list'),
  })
  .prefault({});

export const spoofedSource: DetectorDefinition<z.output<typeof config>> = {
  id: signature.id,
  observes: ['packets'],
  config,
  thresholds: [{ signature, option: 'packets', least: 10 }],
  create({ packets, bogons = null }, context) {
    const sources = new Sources(context, new Bogons(context.tenants, bogons));
    const typeOf = (line: PairLine, window: Window): Type | null => sources.typeOf(line, window);
    const more = (window: Window): readonly PairLine[] => [...sources.again(window), ...sources.hops.observe(window)];
    const confidence = (type: string): number | null =>
      isType(type) ? (TYPES[type].confidence ?? sources.hops.confidence) : null;
    const excused = (window: Window): readonly string[] => sources.floodedIn(window);
    const memory = sources.hops;
    const evidence = { typeOf, value, confidence, more, excused, excusedTypes: EXCUSED, memory };
    return new PairDetector({ signature, threshold: packets, ...evidence }, context);
  },
};

/** What random sources bring. */
const EXCUSED: readonly Type[] = ['martian', 'bogon', 'hopCount'];

const isType = (type: string): type is Type => Object.hasOwn(TYPES, type);

const value = (packets: PacketsByType): number =>
  [...packets].reduce((sum, [type, seen]) => sum + (isType(type) ? seen * TYPES[type].weight : 0), 0);

class Sources {
  readonly #context: DetectorContext;
  readonly #bogons: Bogons;
  /** By tenant's number: its cards; those that are bound to none are left out. */
  readonly #cards: ReadonlyMap<number, ReadonlySet<number>>;
  /** By address, the first contact of sources that cannot be. */
  readonly #impossible = new Map<string, PairLine>();
  #forgottenMs = 0;
  /** By address, the last window in which it was flooded. */
  readonly #flooded = new Map<string, number>();
  /** By address on the link: the card that said last that it has it. */
  readonly #cardOf = new Map<string, number>();
  readonly hops = new HopCounts();

  constructor(context: DetectorContext, bogons: Bogons) {
    this.#context = context;
    this.#bogons = bogons;
    const bound = context.tenants.flatMap(({ macs }, i) =>
      macs.length === 0 ? [] : [[i + 1, new Set(macs.map(cardNumber))] as const],
    );
    this.#cards = new Map(bound);
  }

  /** `floodedIn` is asked before. */
  typeOf(line: PairLine, window: Window): Type | null {
    const { sighting } = line;
    if (sighting === FOREIGN_SOURCE) return 'foreign';
    if (this.hops.isShifted(line)) return this.#isFlooded(line, window) ? null : 'hopCount';
    // He has proved that he is there.
    if (sighting === ESTABLISHED) return null;
    // A tenant that has its own port here comes through it; others may be beyond this interface.
    if (sighting === OWN_SOURCE) return this.#context.accountsFor?.(line.initiatorTenant) === false ? 'own' : null;
    if (this.#isOfOtherCard(line)) return 'mac';
    if (sighting === ARP_REPLY || sighting === ARP_CONTACT) return this.#arpType(line, window);
    // At a tenant's own port the others are foreign.
    if (line.initiatorTenant !== 0 || line.isOutgoing || OUTCOMES.has(sighting)) return null;
    const type = this.#classify(line);
    if (this.#context.portTenant !== 0) return type === 'martian' ? type : null;
    return this.#isFlooded(line, window) ? null : type;
  }

  #isFlooded({ responder }: PairLine, { startMs }: Window): boolean {
    return startMs - (this.#flooded.get(formatAddress(...responder)) ?? -Infinity) < FLOOD_KEPT_MS;
  }

  /** Addresses that many speak to for the first time in this window: from random sources, some of which cannot be. */
  floodedIn({ startMs, pairs }: Window): string[] {
    if (pairs.size < FLOOD_CONTACTS) return [];
    const contacts = new Map<string, number>();
    for (const { responder, sighting } of pairs.lines()) {
      if (sighting === ESTABLISHED) continue;
      const to = formatAddress(...responder);
      contacts.set(to, (contacts.get(to) ?? 0) + 1);
    }
    const flooded = [...contacts].filter(([, seen]) => seen >= FLOOD_CONTACTS).map(([to]) => to);
    for (const to of flooded) keepLatest(this.#flooded, to, startMs, MAX_FLOODED);
    return flooded;
  }

  /** What impossible sources of the windows before send now, of which nothing is new: a line each. */
  again(window: Window): PairLine[] {
    const { hashSeed } = this.#context;
    const lines = [...this.#impossible.values()].flatMap((line) => {
      const at = window.sources.find(hashAddress(hashSeed, ...line.initiator), ...line.initiator);
      // One address alone is known to be spoken to: the others' packets would be counted as its.
      return at < 0 ? [] : [{ ...line, packets: window.sources.packets(at) }];
    });
    for (const line of window.pairs.lines()) {
      if (
        line.initiatorTenant !== 0 ||
        line.sighting === ESTABLISHED ||
        this.#impossible.size >= MAX_IMPOSSIBLE ||
        this.#classify(line) === null
      )
        continue;
      this.#impossible.set(formatAddress(...line.initiator), line);
    }
    if (window.startMs - this.#forgottenMs > FORGET_MS) {
      this.#impossible.clear();
      this.#forgottenMs = window.startMs;
    }
    return lines;
  }

  #classify({ initiator, responder, port }: PairLine): Type | null {
    const kind = this.#bogons.classify(initiator);
    return kind === 'martian' && isUnspecified(initiator) && (DHCP_PORTS.has(port) || isGroup(responder)) ? null : kind;
  }

  #isOfOtherCard({ initiatorTenant, isOutgoing, mac }: PairLine): boolean {
    if (initiatorTenant === 0 || initiatorTenant !== this.#context.portTenant || isOutgoing || mac === 0) return false;
    return this.#cards.get(initiatorTenant)?.has(mac) === false;
  }

  #arpType(line: PairLine, { onlySees }: Window): Type | null {
    const { sighting, of, initiator, responder, initiatorTenant, isOutgoing, mac } = line;
    const changes = this.#changesCard(line);
    // Nobody forwards ARP: on the tenant's link the card is the tenant's own.
    const isBound = isOutgoing || mac === 0 || this.#cards.get(initiatorTenant)?.has(mac) !== false;
    if (changes || !isBound) return 'arp';
    if (sighting !== ARP_REPLY || of === ARP_CONTACT || isOutgoing || onlySees !== null) return null;
    // Whoever announces himself says it to himself (RFC 5227).
    return initiator.every((word, i) => word === responder[i]) ? null : 'arpReply';
  }

  #changesCard({ initiator, mac }: PairLine): boolean {
    const address = formatAddress(...initiator);
    const before = this.#cardOf.get(address);
    keepLatest(this.#cardOf, address, mac, MAX_CARDS);
    return before !== undefined && before !== mac;
  }
}

const cardNumber = (mac: string): number => Number.parseInt(mac.replaceAll(':', ''), 16);

const isUnspecified = ([, , w2, w3]: AddressWords): boolean => w3 === 0 && w2 === 0xffff;
