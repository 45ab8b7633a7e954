/** One address that fails to be answered: whom it has tried, what that looks like, and for how long. */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';
import { type AddressWords, isIpv4 } from '../../metering/address.ts';
import { ContactGroup, heavier, savedGroup, type Weight } from './contactGroup.ts';
import { type Attempt, mix, type Outcome, OUTCOMES } from './firstContacts.ts';
import { isTcp, PROBE_TYPES, type ProbeType } from './probeType.ts';
import { MEMORY_MS, Reach, savedReach } from './reach.ts';

/** Ports and hosts of one scanner whose failures are followed. */
const MAX_GROUPS = 16;
/** Tenants that a stranger tries. */
export const MAX_TENANTS = 16;
/** A scan goes on over so many of the pauses that it makes, over this at least and at most. */
const PAUSES = 5;
const LEAST_PAUSE_MS = 30_000;
const MOST_PAUSE_MS = 20 * 60_000;
/** Of the newest pause, in their mean. */
const PAUSE_WEIGHT = 0.25;
/** So many at the same host or port are no accident. */
const COMPANIONS = 2;
/** So many hosts and ports, most of them together, are a block. */
const BLOCK = 5;
const BLOCK_CONTACTS = 2;
/** Of the failures at one host, to be a scan of that host. */
const ONE_HOST_SHARE = 0.75;

export type Shape = 'vertical' | 'horizontal';

/** What an incident is called by stays, whatever else the scanner does. */
export interface Name {
  readonly shape: Shape;
  /** By number. */
  readonly tenant: number;
  /** Whom the incident is about: the host that was scanned, else the scanner. */
  readonly subject: string;
}

export interface Verdict {
  readonly shape: Shape;
  /** Contacts that speak for it. */
  readonly weight: Weight;
  readonly isBlock: boolean;
  /** The one host that is scanned; null: several. */
  readonly host: AddressWords | null;
}

interface KeyedGroup {
  readonly key: number;
  /** Of a host: its address; null: it is of a port. */
  readonly host: AddressWords | null;
  /** Of a port; -1: it is of a host, or of what has no ports. */
  readonly port: number;
  readonly contacts: ContactGroup;
}

const NOTHING = { atMs: Number.NaN, contacts: 0, bytes: 0 };

const words = z.tuple([z.int(), z.int(), z.int(), z.int()]);
const counts = <Key extends string>(keys: readonly [Key, ...Key[]]) =>
  z.partialRecord(z.enum(keys), z.number().nonnegative());

export const savedName = z.object({
  shape: z.enum(['vertical', 'horizontal']),
  tenant: z.int(),
  subject: z.string(),
});

export const savedScanner = z.object({
  address: words,
  tenant: z.int(),
  all: savedGroup,
  hosts: savedReach,
  ports: savedReach,
  groups: z
    .array(z.object({ key: z.int(), host: words.nullable(), port: z.int(), contacts: savedGroup }))
    .max(MAX_GROUPS),
  types: counts(PROBE_TYPES),
  outcomes: counts(OUTCOMES),
  tenants: z.array(z.tuple([z.int(), z.number()])).max(MAX_TENANTS),
  pauseMs: z.number().nullable(),
  lastMs: z.number(),
  named: savedName.nullable(),
});
export type SavedScanner = z.output<typeof savedScanner>;

export class Scanner {
  readonly address: AddressWords;
  /** Of the address; 0: it is a stranger's. */
  readonly tenant: number;
  #all: ContactGroup;
  #hosts: Reach;
  #ports: Reach;
  /** By key of the port or the host. */
  readonly #groups: Map<number, KeyedGroup>;
  readonly #types: Map<ProbeType, number>;
  readonly #outcomes: Map<Outcome, number>;
  /** The tenants that it has tried, by number, with the failures at each. */
  readonly #tenants: Map<number, number>;
  /** Between two failures; null: there was but one. */
  #pauseMs: Milliseconds | null;
  #lastMs: Milliseconds;
  /** What it was called when it was first named; null: it is not named. */
  named: Name | null;
  #newest: { readonly atMs: Milliseconds; readonly contacts: number; readonly bytes: number } = NOTHING;

  constructor(saved: SavedScanner) {
    this.address = saved.address;
    this.tenant = saved.tenant;
    this.#all = ContactGroup.restore(saved.all);
    this.#hosts = Reach.restore(saved.hosts);
    this.#ports = Reach.restore(saved.ports);
    this.#groups = new Map(
      saved.groups.map((group) => [group.key, { ...group, contacts: ContactGroup.restore(group.contacts) }]),
    );
    this.#types = countsFrom(PROBE_TYPES, saved.types);
    this.#outcomes = countsFrom(OUTCOMES, saved.outcomes);
    this.#tenants = new Map(saved.tenants);
    this.#pauseMs = saved.pauseMs;
    this.#lastMs = saved.lastMs;
    this.named = saved.named;
  }

  static begin({ initiator, initiatorTenant }: Attempt, answers: number, nowMs: Milliseconds): Scanner {
    return new Scanner({
      address: [...initiator],
      tenant: initiatorTenant,
      all: new ContactGroup(answers, nowMs).save(),
      hosts: new Reach().save(),
      ports: new Reach().save(),
      groups: [],
      types: {},
      outcomes: {},
      tenants: [],
      pauseMs: null,
      lastMs: nowMs,
      named: null,
    });
  }

  /**
   * `answersAtPort`: how often others have answered it at this port before. Gives whether it goes with others that failed, and is not
   * what may happen to anybody.
   */
  fail(attempt: Attempt, answersAtPort: number, nowMs: Milliseconds): boolean {
    const { responder, responderHash, responderTenant, port, type, outcome, atMs } = attempt;
    if (this.named !== null && Math.abs(atMs - this.#lastMs) > this.pauseMs) this.#beginAnew(nowMs);
    const portKey = portKeyOf(attempt);
    const atPort = this.#groupAt(portKey, null, port, answersAtPort, nowMs);
    const atHost = this.#groupAt(responderHash, responder, -1, 0, nowMs);
    add(atPort, responderHash, attempt, nowMs, prefixOf(responder));
    add(atHost, portKey, attempt, nowMs);
    const isNewHost = this.#hosts.meet(responderHash, nowMs) > 0;
    const isNewPort = this.#ports.meet(portKey, nowMs) > 0;
    this.#count(attempt, nowMs);
    const standsFor = add(this.#all, mix(responderHash, portKey), attempt, nowMs);
    if (standsFor === 0) return false;
    increase(this.#types, type, standsFor, PROBE_TYPES.length);
    increase(this.#outcomes, outcome, standsFor, OUTCOMES.length);
    if (responderTenant !== 0) increase(this.#tenants, responderTenant, standsFor, MAX_TENANTS);
    const hasCompanions = atPort.mayHave(COMPANIONS) || atHost.mayHave(COMPANIONS);
    if (!hasCompanions && (isNewHost || isNewPort)) return false;
    this.#rest(atMs);
    return true;
  }

  /** What it did is over, and is told. */
  #beginAnew(nowMs: Milliseconds): void {
    this.#all = new ContactGroup(this.#all.answers, nowMs);
    this.#hosts = new Reach();
    this.#ports = new Reach();
    this.#groups.clear();
    this.#types.clear();
    this.#outcomes.clear();
    this.#tenants.clear();
    this.#pauseMs = null;
    this.named = null;
  }

  #rest(atMs: Milliseconds): void {
    const pauseMs = Math.abs(atMs - this.#lastMs);
    this.#pauseMs = this.#pauseMs === null ? pauseMs : this.#pauseMs + (pauseMs - this.#pauseMs) * PAUSE_WEIGHT;
    this.#lastMs = atMs;
  }

  answer(attempt: Attempt, nowMs: Milliseconds): void {
    const { responderHash } = attempt;
    const portKey = portKeyOf(attempt);
    this.#hosts.meet(responderHash, nowMs);
    this.#ports.meet(portKey, nowMs);
    this.#groups.get(portKey)?.contacts.answer(responderHash, nowMs);
    this.#groups.get(responderHash)?.contacts.answer(portKey, nowMs);
    this.#all.answer(mix(responderHash, portKey), nowMs);
    increase(this.#outcomes, 'answered', 1, OUTCOMES.length);
    this.#count(attempt, nowMs);
  }

  #count({ bytes }: Attempt, nowMs: Milliseconds): void {
    const { contacts, bytes: bytesBefore } = this.newest(nowMs);
    this.#newest = { atMs: nowMs, contacts: contacts + 1, bytes: bytesBefore + bytes };
  }

  /** What was settled of its contacts at this time. */
  newest(nowMs: Milliseconds): { readonly contacts: number; readonly bytes: number } {
    return this.#newest.atMs === nowMs ? this.#newest : { contacts: 0, bytes: 0 };
  }

  #groupAt(key: number, host: AddressWords | null, port: number, answers: number, nowMs: Milliseconds): ContactGroup {
    const known = this.#groups.get(key);
    if (known !== undefined) return known.contacts;
    if (this.#groups.size >= MAX_GROUPS) this.#groups.delete(this.#weakest());
    const contacts = new ContactGroup(answers, nowMs);
    this.#groups.set(key, { key, host, port, contacts });
    return contacts;
  }

  #weakest(): number {
    let weakest: KeyedGroup | undefined;
    for (const group of this.#groups.values())
      if (weakest === undefined || group.contacts.strength < weakest.contacts.strength) weakest = group;
    return weakest?.key ?? 0;
  }

  /** How much speaks against it at most, whatever it looks like. */
  get strength(): number {
    return this.#all.strength;
  }

  /** When it last made a contact that failed. */
  get lastMs(): Milliseconds {
    return this.#lastMs;
  }

  /** How long it may pause before it is over. */
  get pauseMs(): Milliseconds {
    return Math.min(Math.max((this.#pauseMs ?? 0) * PAUSES, LEAST_PAUSE_MS), MOST_PAUSE_MS);
  }

  judge(nowMs: Milliseconds): Verdict {
    const groups = [...this.#groups.values()];
    const extent = { hosts: this.hosts(nowMs), ports: this.ports(nowMs), contacts: this.#all.count(nowMs) };
    const host = this.#heaviest(
      groups.filter((group) => group.host !== null),
      extent.hosts,
      nowMs,
    );
    const port = this.#heaviest(
      groups.filter((group) => group.host === null),
      extent.ports,
      nowMs,
    );
    const all = isScattered(extent) ? [] : [this.#all.weigh(nowMs, 1, this.type === 'arp')];
    const weight = [host.weight, port.weight, ...all].reduce(heavier);
    return {
      shape: shapeOf(weight, host, port, extent),
      weight,
      isBlock: isBlock(extent),
      host: host.strength >= this.#all.strength * ONE_HOST_SHARE ? host.address : null,
    };
  }

  /** `tried`: how many of them there have been. An address that is answered elsewhere has been tested as often. */
  #heaviest(groups: readonly KeyedGroup[], tried: number, nowMs: Milliseconds): Heaviest {
    let most: Heaviest = { weight: { value: 0, times: 1 }, strength: 0, address: null };
    for (const { key, host, contacts } of groups) {
      if (!contacts.mayHave(most.weight.value / most.weight.times)) continue;
      const tests = Math.max(tried, 1 + this.#all.answers - contacts.answers);
      const weight = contacts.weigh(nowMs, tests, key === ARP_KEY);
      if (heavier(most.weight, weight) === weight) most = { weight, strength: contacts.strength, address: host };
    }
    return most;
  }

  /** How most of its probes are made. */
  get type(): ProbeType {
    return mostOf(this.#types) ?? 'syn';
  }

  /** The number of the tenant whose doing it is, or that it was trying most when it was named; 0: nobody's. */
  get concerned(): number {
    if (this.tenant !== 0) return this.tenant;
    return this.named?.tenant ?? mostOf(this.#tenants) ?? 0;
  }

  get outcomes(): ReadonlyMap<Outcome, number> {
    return this.#outcomes;
  }

  hosts(nowMs: Milliseconds): number {
    return this.#hosts.count(nowMs, MEMORY_MS);
  }

  ports(nowMs: Milliseconds): number {
    return this.#ports.count(nowMs, MEMORY_MS);
  }

  /** Ports and the share of the failures at each, the largest first. */
  topPorts(): { port: number; share: number }[] {
    const all = Math.max(this.#all.strength, 1);
    return [...this.#groups.values()]
      .filter(({ host, port }) => host === null && port >= 0)
      .map(({ port, contacts }) => ({ port, share: Math.min(contacts.strength / all, 1) }))
      .toSorted((a, b) => b.share - a.share);
  }

  save(): SavedScanner {
    return {
      address: [...this.address],
      tenant: this.tenant,
      all: this.#all.save(),
      hosts: this.#hosts.save(),
      ports: this.#ports.save(),
      groups: [...this.#groups.values()].map(({ key, host, port, contacts }) => ({
        key,
        host: host === null ? null : [...host],
        port,
        contacts: contacts.save(),
      })),
      types: Object.fromEntries(this.#types),
      outcomes: Object.fromEntries(this.#outcomes),
      tenants: [...this.#tenants],
      pauseMs: this.#pauseMs,
      lastMs: this.#lastMs,
      named: this.named,
    };
  }
}

/** How many distinct hosts, ports, and pairs of them it has tried of late. */
interface Extent {
  readonly hosts: number;
  readonly ports: number;
  readonly contacts: number;
}

function shapeOf(weight: Weight, host: Heaviest, port: Heaviest, { hosts, ports }: Extent): Shape {
  if (weight === host.weight) return 'vertical';
  if (weight === port.weight) return 'horizontal';
  return ports >= hosts ? 'vertical' : 'horizontal';
}

function isBlock({ hosts, ports, contacts }: Extent): boolean {
  return hosts >= BLOCK && ports >= BLOCK && contacts >= BLOCK_CONTACTS * Math.max(hosts, ports);
}

/** As peer-to-peer is: every host at another port. */
const isScattered = ({ hosts, ports, contacts }: Extent): boolean => hosts > contacts / 2 && ports > contacts / 2;

/** A port of a protocol, be it tried by whatever flags. */
export function portKeyOf({ type, port }: Pick<Attempt, 'type' | 'port'>): number {
  return mix(isTcp(type) ? 0 : PROBE_TYPES.indexOf(type), port);
}

const ARP_KEY = portKeyOf({ type: 'arp', port: -1 });

/** /24 of IPv4, /96 of IPv6. */
const prefixOf = (address: AddressWords): number =>
  isIpv4(address) ? mix(address[3] >>> 8, 0) : mix(mix(address[0], address[1]), address[2]);

function add(
  contacts: ContactGroup,
  member: number,
  { outcome, weight }: Attempt,
  nowMs: Milliseconds,
  prefix: number | null = null,
): number {
  return outcome === 'unknown' ? contacts.try(member, nowMs) : contacts.fail(member, weight, nowMs, prefix);
}

interface Heaviest {
  readonly weight: Weight;
  readonly strength: number;
  readonly address: AddressWords | null;
}

function increase<Key>(counted: Map<Key, number>, key: Key, by: number, max: number): void {
  const count = counted.get(key);
  if (count !== undefined || counted.size < max) counted.set(key, (count ?? 0) + by);
}

function mostOf<Key>(counted: ReadonlyMap<Key, number>): Key | null {
  let most: readonly [Key | null, number] = [null, 0];
  for (const entry of counted) if (entry[1] > most[1]) most = entry;
  return most[0];
}

const countsFrom = <Key extends string>(
  keys: readonly Key[],
  saved: Readonly<Partial<Record<Key, number>>>,
): Map<Key, number> =>
  new Map(keys.flatMap((key): [Key, number][] => (saved[key] === undefined ? [] : [[key, saved[key]]])));
