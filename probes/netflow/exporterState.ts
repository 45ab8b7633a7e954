/** What is remembered of one exporter's session between its messages: sequence numbers, templates, sampling; each bounded. */
import type { FlowOrigin } from '../flow.ts';
import type { Milliseconds } from '../probe.ts';
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
  templates = 0;
  fields = 0;
  /** What sessions that are over have lost, by protocol. */
  readonly #lostBefore = new Map<FlowOrigin['protocol'], number>();

  constructor(exporter: string, session: number) {
    this.exporter = exporter;
    this.session = session;
  }

  /** `key` tells it from all others of the exporter; null: there are too many. */
  domain(protocol: FlowOrigin['protocol'], id: number, key: number): Domain | null {
    const known = this.domains.get(key);
    if (known !== undefined) return known;
    if (this.domains.size >= MAX_DOMAINS) return null;
    const domain = new Domain(protocol, id);
    this.domains.set(key, domain);
    return domain;
  }

  /** What is known to be lost, in the protocol's unit. */
  losses(): (readonly [protocol: FlowOrigin['protocol'], lost: number])[] {
    return [...this.#lostBefore, ...[...this.domains.values()].map(({ protocol, lost }) => [protocol, lost] as const)];
  }

  /** Goes on with the counts of a session that is over. */
  inherit(ended: ExporterState): void {
    this.missingTemplates += ended.missingTemplates;
    this.unaddressedRecords += ended.unaddressedRecords;
    for (const [protocol, lost] of ended.losses())
      this.#lostBefore.set(protocol, (this.#lostBefore.get(protocol) ?? 0) + lost);
  }
}

/** Keys of domains: the protocol above the 32 bits of the id. */
export const domainKey = (version: number, id: number): number => version * 2 ** 32 + id;
