/** NetFlow v9 (RFC 3954) and IPFIX (RFC 7011): messages of sets, whose data records their exporter's templates describe. */
import type { FlowRecord, FlowSink } from '../flow.ts';
import { type Domain, domainKey, type ExporterState } from './exporterState.ts';
import { FlowBuilder } from './flowBuilder.ts';
import { type Malformed, MAX_RECORDS, type Message } from './message.ts';
import { BATCH_RECORDS, RecordReader } from './recordReader.ts';
import { learnSampling } from './sampling.ts';
import type { Template, TemplateForm } from './template.ts';
import { IPFIX_OPTIONS_SET, IPFIX_TEMPLATE_SET, MAX_IN_MESSAGE, TemplateTable } from './templateTable.ts';

const NETFLOW9_HEADER = 20;
const IPFIX_HEADER = 16;
const SET_HEADER = 4;
/** Smaller ids are of templates, or reserved. */
const FIRST_DATA_SET = 256;

const TEMPLATE_SETS: ReadonlyMap<number, TemplateForm> = new Map([
  [0, { isIpfix: false, isOptions: false }],
  [1, { isIpfix: false, isOptions: true }],
  [IPFIX_TEMPLATE_SET, { isIpfix: true, isOptions: false }],
  [IPFIX_OPTIONS_SET, { isIpfix: true, isOptions: true }],
]);

export class TemplatedFormat {
  readonly templates = new TemplateTable();
  readonly #reader = new RecordReader();
  readonly #builder: FlowBuilder;
  /** Of the message: data records so far, those of options among them, and whether all its sets could be counted. */
  #records = 0;
  #optionsRecords = 0;
  #isCounted = true;

  constructor(record: FlowRecord, sink: FlowSink) {
    this.#builder = new FlowBuilder(record, sink);
  }

  decodeNetflow9(message: Message, state: ExporterState): Malformed | null {
    const { view, start, end } = message;
    if (start + NETFLOW9_HEADER > end) return 'headerTruncated';
    message.protocol = 'netflow9';
    message.sysUptime = view.getUint32(start + 4);
    message.exportTimeMs = view.getUint32(start + 8) * 1000;
    const domain = this.#domain(message, state, 9, view.getUint32(start + 16));
    domain.sequence.observe(view.getUint32(start + 12), 1);
    return this.#readSets(message, state, domain, start + NETFLOW9_HEADER, end);
  }

  decodeIpfix(message: Message, state: ExporterState): Malformed | null {
    const { view, start, end } = message;
    if (start + IPFIX_HEADER > end) return 'headerTruncated';
    if (view.getUint16(start + 2) < IPFIX_HEADER) return 'messageLength';
    message.protocol = 'ipfix';
    message.exportTimeMs = view.getUint32(start + 4) * 1000;
    const domain = this.#domain(message, state, 10, view.getUint32(start + 12));
    const told = start + view.getUint16(start + 2);
    const problem = this.#readSets(message, state, domain, start + IPFIX_HEADER, Math.min(told, end));
    domain.ipfixSequence.observe(view.getUint32(start + 8), this.#records, this.#records - this.#optionsRecords);
    if (!this.#isCounted) domain.ipfixSequence.forget();
    return problem ?? (told > end ? 'messageTruncated' : null);
  }

  #domain(message: Message, state: ExporterState, version: number, id: number): Domain {
    message.observationDomainId = id;
    message.templatesLeft = MAX_IN_MESSAGE.templates;
    message.templateOctetsLeft = MAX_IN_MESSAGE.octets;
    message.mayMakeRoom = true;
    this.#records = 0;
    this.#optionsRecords = 0;
    this.#isCounted = true;
    this.#reader.exportTimeMs = message.exportTimeMs;
    const domain = state.domain(message, domainKey(version, id));
    domain.whole = state.domains.get(domainKey(version, 0)) ?? null;
    return domain;
  }

  /** The sets until the first that cannot be; a template that cannot be used ends only its own. */
  #readSets(message: Message, state: ExporterState, domain: Domain, from: number, end: number): Malformed | null {
    const { view } = message;
    let problem: Malformed | null = null;
    // Fewer octets than a set's header are padding.
    for (let at = from; at + SET_HEADER <= end;) {
      const length = view.getUint16(at + 2);
      if (length < SET_HEADER || at + length > end) {
        this.#isCounted = false;
        return 'setLength';
      }
      problem = this.#readSet(message, state, domain, at, at + length) ?? problem;
      at += length;
    }
    return problem;
  }

  #readSet(message: Message, state: ExporterState, domain: Domain, at: number, end: number): Malformed | null {
    const id = message.view.getUint16(at);
    if (id >= FIRST_DATA_SET) return this.#readData(message, state, domain, id, at + SET_HEADER, end);
    const form = TEMPLATE_SETS.get(id);
    if (form === undefined || form.isIpfix !== (message.protocol === 'ipfix')) return 'setReserved';
    return this.templates.learn(message, state, domain, at + SET_HEADER, end, form);
  }

  #readData(
    message: Message,
    state: ExporterState,
    domain: Domain,
    id: number,
    from: number,
    end: number,
  ): Malformed | null {
    const template = domain.templates.get(id);
    if (template === undefined) {
      state.missingTemplates += 1;
      this.#isCounted = false;
      return null;
    }
    domain.usedMs = message.receivedMs;
    template.usedMs = message.receivedMs;
    const before = this.#records;
    const problem = this.#readRecords(message, domain, template, from, end);
    const records = this.#records - before;
    if (template.isOptions) this.#optionsRecords += records;
    else if (!isRead(template)) state.unaddressedRecords += records;
    return problem;
  }

  #readRecords(message: Message, domain: Domain, template: Template, from: number, end: number): Malformed | null {
    if (template.isVariable) return this.#walkRecords(message, domain, template, from, end);
    const count = Math.floor((end - from) / template.minimumOctets);
    const wanted = this.#take(count);
    if (isRead(template)) {
      const { plan, minimumOctets } = template;
      for (let i = 0; i < wanted; i += BATCH_RECORDS) {
        const batch = Math.min(BATCH_RECORDS, wanted - i);
        this.#reader.read(plan, message.view, from + i * minimumOctets, minimumOctets, batch);
        for (let row = 0; row < batch; row++) this.#handOver(message, domain, template, row);
      }
    }
    return wanted < count ? 'tooManyRecords' : null;
  }

  #walkRecords(message: Message, domain: Domain, template: Template, from: number, end: number): Malformed | null {
    for (let at = from; at + template.minimumOctets <= end;) {
      if (this.#take(1) === 0) {
        this.#isCounted = false;
        return 'tooManyRecords';
      }
      at = this.#reader.walk(template.plan, message.view, at, end);
      if (at < 0) {
        this.#isCounted = false;
        return 'recordTruncated';
      }
      if (isRead(template)) this.#handOver(message, domain, template, 0);
    }
    return null;
  }

  /** How many of so many records may be read yet; all are counted. */
  #take(count: number): number {
    const left = Math.max(0, MAX_RECORDS - this.#records);
    this.#records += count;
    return Math.min(count, left);
  }

  #handOver(message: Message, domain: Domain, template: Template, row: number): void {
    const values = this.#reader.rows[row]!;
    if (template.isOptions) learnSampling(values, template.has, domain);
    else this.#builder.build(values, template, domain, message);
  }
}

const isRead = ({ isOptions, isIPv4, isIPv6 }: Template): boolean => isOptions || isIPv4 || isIPv6;
