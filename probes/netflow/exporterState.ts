/** What is remembered of one exporter between its messages: sequence numbers, templates and sampling, each bounded. */
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
  heardMs: Milliseconds = 0;
  readonly domains = new Map<number, Domain>();
  /** Sets of data that could not be read for want of their template. */
  missingTemplates = 0;
  templates = 0;
  fields = 0;

  constructor(exporter: string) {
    this.exporter = exporter;
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
}

/** Keys of domains: the protocol above the 32 bits of the id. */
export const domainKey = (version: number, id: number): number => version * 2 ** 32 + id;
