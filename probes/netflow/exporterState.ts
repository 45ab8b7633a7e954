/** What is remembered of one exporter's session between its messages: sequence numbers, templates, sampling; each bounded. */
import type { FlowOrigin } from '../flow.ts';
import type { Milliseconds } from '../probe.ts';
import type { Message } from './message.ts';
import { IpfixSequence, Sequence } from './sequence.ts';
import type { Template } from './template.ts';

/** Line cards, virtual routers, engines, or sub-agents of one exporter. */
const MAX_DOMAINS = 256;

/** An observation domain (RFC 7011), source id (NetFlow v9), engine (v5, v7) or sub-agent (sFlow). */
export class Domain {
  readonly protocol: FlowOrigin['protocol'];
  readonly id: number;
  /** Of all protocols but IPFIX. */
  readonly sequence = new Sequence();
  readonly ipfixSequence = new IpfixSequence();
  readonly templates = new Map<number, Template>();
  /** What its options say of all its flows: one packet in so many was looked at; 0: nothing. */
  samplingInterval = 0;
  /** The same by sampler (selectorId, flowSamplerId). */
  readonly samplers = new Map<number, number>();
  /** systemInitTimeMilliseconds of its options; NaN: not told. */
  bootMs = Number.NaN;
  /** Domain 0, which speaks for the whole exporter (RFC 7011 section 3.1): what this one is not told counts from there. */
  whole: Domain | null = null;
  heardMs: Milliseconds = 0;
  /** When data of it was last read; -Infinity: never. */
  usedMs: Milliseconds = Number.NEGATIVE_INFINITY;

  constructor(protocol: FlowOrigin['protocol'], id: number) {
    this.protocol = protocol;
    this.id = id;
  }

  /** By its sequence numbers, in what its protocol numbers. */
  get lost(): number {
    return this.protocol === 'ipfix' ? this.ipfixSequence.lost : this.sequence.lost;
  }
}

export class ExporterState {
  /** Its address. */
  readonly exporter: string;
  readonly session: number;
  heardMs: Milliseconds = 0;
  readonly domains = new Map<number, Domain>();
  /** Sets of data that could not be read for want of their template. */
  missingTemplates = 0;
  unaddressedRecords = 0;
  /** Those that had to make room for others. */
  evictedTemplates = 0;
  evictedDomains = 0;
  templates = 0;
  fields = 0;
  /** What sessions and domains that are over have lost, by protocol. */
  readonly #lostBefore = new Map<FlowOrigin['protocol'], number>();
  readonly #forget: (state: ExporterState, domain: Domain) => void;

  /** `forget` is told of a domain that goes before it goes. */
  constructor(exporter: string, session: number, forget: (state: ExporterState, domain: Domain) => void) {
    this.exporter = exporter;
    this.session = session;
    this.#forget = forget;
  }

  /** Of the message; `key` tells it from all others of the exporter. */
  domain(message: Pick<Message, 'protocol' | 'observationDomainId' | 'receivedMs'>, key: number): Domain {
    const domain = this.domains.get(key) ?? this.#begin(message, key);
    domain.heardMs = message.receivedMs;
    return domain;
  }

  #begin({ protocol, observationDomainId }: Pick<Message, 'protocol' | 'observationDomainId'>, key: number): Domain {
    if (this.domains.size >= MAX_DOMAINS) this.#makeRoom();
    const domain = new Domain(protocol, observationDomainId);
    this.domains.set(key, domain);
    return domain;
  }

  /** That domain goes that was least lately used; never used, that was least lately heard. */
  #makeRoom(): void {
    let idlest: [number, Domain] | null = null;
    for (const each of this.domains) if (idlest === null || isIdler(each[1], idlest[1])) idlest = each;
    if (idlest === null) return;
    const [key, domain] = idlest;
    this.#forget(this, domain);
    this.#keepLosses([[domain.protocol, domain.lost]]);
    this.domains.delete(key);
    this.evictedDomains += 1;
  }

  /** What is known to be lost, in the protocol's unit. */
  losses(): (readonly [protocol: FlowOrigin['protocol'], lost: number])[] {
    return [...this.#lostBefore, ...[...this.domains.values()].map(({ protocol, lost }) => [protocol, lost] as const)];
  }

  /** Goes on with the counts of a session that is over. */
  inherit(ended: ExporterState): void {
    this.missingTemplates += ended.missingTemplates;
    this.unaddressedRecords += ended.unaddressedRecords;
    this.evictedTemplates += ended.evictedTemplates;
    this.evictedDomains += ended.evictedDomains;
    this.#keepLosses(ended.losses());
  }

  #keepLosses(losses: ReturnType<ExporterState['losses']>): void {
    for (const [protocol, lost] of losses) this.#lostBefore.set(protocol, (this.#lostBefore.get(protocol) ?? 0) + lost);
  }
}

const isIdler = (a: Domain, b: Domain): boolean =>
  a.usedMs === b.usedMs ? a.heardMs < b.heardMs : a.usedMs < b.usedMs;

/** Keys of domains: the protocol above the 32 bits of the id. */
export const domainKey = (version: number, id: number): number => version * 2 ** 32 + id;
