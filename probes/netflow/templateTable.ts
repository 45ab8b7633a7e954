/** Keeps templates by exporter and observation domain, within bounds that hold for one exporter and for all together. */
import type { Milliseconds } from '../probe.ts';
import type { Domain, ExporterState } from './exporterState.ts';
import { type Malformed, type Message, UDP_SESSION } from './message.ts';
import { compileTemplate, definitionOctets, type Template, type TemplateForm } from './template.ts';

const MAX_OF_EXPORTER = { templates: 1024, fields: 32_768 };
const MAX_OF_ALL = { templates: 16_384, fields: 262_144 };
/** So much an exporter may have whatever the others have: a crowd of forged ones shuts none out. */
const OWN_SHARE = { templates: 32, fields: 512 };
/** Templates in one message: to compile more would take longer than a millisecond. */
export const MAX_IN_MESSAGE = 128;
const FIRST_ID = 256;
export const IPFIX_TEMPLATE_SET = 2;
export const IPFIX_OPTIONS_SET = 3;
/**
 * RFC 7011 section 8.4 lets a template go when it has not been sent again for some time. Many exporters send theirs
 * seldom, and to forget one early costs flows: only where room is needed do those go that are as old as this.
 */
const OLD_MS = 3 * 3_600_000;
/** Looking for old ones takes time, which a flood of templates must not get. */
const LOOK_EVERY_MS = 60_000;

export class TemplateTable {
  #templates = 0;
  #fields = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** Takes the templates of a set; why it could not take (further) ones. */
  learn(
    message: Message,
    state: ExporterState,
    domain: Domain,
    from: number,
    to: number,
    form: TemplateForm,
  ): Malformed | null {
    const { view } = message;
    let withdrawal: Malformed | null = null;
    for (let at = from; at + 4 <= to;) {
      const id = view.getUint16(at);
      // What is left over is padding.
      if (id === 0) break;
      if (form.isIpfix && view.getUint16(at + 2) === 0) {
        withdrawal = this.#withdraw(message, state, domain, id, form);
        at += 4;
        continue;
      }
      if (id < FIRST_ID) return 'templateId';
      if (message.templatesLeft === 0) return 'tooManyTemplates';
      message.templatesLeft -= 1;
      const octets = definitionOctets(view, at + 2, to, form);
      if (octets === null) return 'templateTruncated';
      const problem = this.#learnOne(message, state, domain, id, at + 2, octets, form);
      if (problem !== null) return problem;
      at += 2 + octets;
    }
    return withdrawal;
  }

  /** As it was saved. Whether there was room for it. */
  restore(state: ExporterState, domain: Domain, id: number, template: Template): boolean {
    return this.#put(state, domain, id, template, template.refreshedMs);
  }

  /** The exporter is forgotten. */
  release({ templates, fields }: ExporterState): void {
    this.#templates -= templates;
    this.#fields -= fields;
  }

  /** The same again is the rule: it is known by its octets, and not compiled. */
  #learnOne(
    message: Message,
    state: ExporterState,
    domain: Domain,
    id: number,
    at: number,
    octets: number,
    form: TemplateForm,
  ): Malformed | null {
    const known = domain.templates.get(id);
    if (known !== undefined && known.isOptions === form.isOptions && known.isDefinedBy(message.bytes, at, octets)) {
      known.refreshedMs = message.receivedMs;
      return null;
    }
    // A copy, also of a Buffer, whose slice() is none.
    const definition = new Uint8Array(message.bytes.subarray(at, at + octets));
    const template = compileTemplate(definition, form, message.receivedMs);
    // The old one does not hold any more, whatever is wrong with the new one.
    this.#remove(state, domain, id);
    if (typeof template === 'string') return template;
    return this.#put(state, domain, id, template, message.receivedMs) ? null : 'tooManyTemplates';
  }

  #put(state: ExporterState, domain: Domain, id: number, template: Template, nowMs: Milliseconds): boolean {
    const { fieldCount } = template;
    this.#remove(state, domain, id);
    if (!this.#hasRoom(state, fieldCount) && !(this.#dropOld(state, nowMs) && this.#hasRoom(state, fieldCount)))
      return false;
    domain.templates.set(id, template);
    this.#count(state, 1, fieldCount);
    return true;
  }

  #hasRoom(state: ExporterState, fields: number): boolean {
    return (
      isWithin(OWN_SHARE, state.templates + 1, state.fields + fields) ||
      (isWithin(MAX_OF_EXPORTER, state.templates + 1, state.fields + fields) &&
        isWithin(MAX_OF_ALL, this.#templates + 1, this.#fields + fields))
    );
  }

  /** Of this exporter; whether it was worth a look. */
  #dropOld(state: ExporterState, nowMs: Milliseconds): boolean {
    if (Math.abs(nowMs - this.#lookedMs) < LOOK_EVERY_MS) return false;
    this.#lookedMs = nowMs;
    for (const domain of state.domains.values()) {
      for (const [id, { refreshedMs }] of domain.templates) {
        if (nowMs - refreshedMs > OLD_MS) this.#remove(state, domain, id);
      }
    }
    return true;
  }

  /**
   * RFC 7011 section 8.1: one template, or with the id of its set all of that kind. Over UDP nobody may withdraw
   * (section 8.4), and whoever forges a datagram could.
   */
  #withdraw(
    { session }: Message,
    state: ExporterState,
    domain: Domain,
    id: number,
    { isOptions }: TemplateForm,
  ): Malformed | null {
    const isOfAll = id === (isOptions ? IPFIX_OPTIONS_SET : IPFIX_TEMPLATE_SET);
    if (id < FIRST_ID && !isOfAll) return 'templateId';
    if (session === UDP_SESSION) return 'templateWithdrawal';
    for (const [each, template] of domain.templates) {
      if ((isOfAll || each === id) && template.isOptions === isOptions) this.#remove(state, domain, each);
    }
    return null;
  }

  #remove(state: ExporterState, domain: Domain, id: number): void {
    const template = domain.templates.get(id);
    if (template === undefined) return;
    domain.templates.delete(id);
    this.#count(state, -1, -template.fieldCount);
  }

  #count(state: ExporterState, templates: number, fields: number): void {
    state.templates += templates;
    state.fields += fields;
    this.#templates += templates;
    this.#fields += fields;
  }
}

const isWithin = (most: typeof OWN_SHARE, templates: number, fields: number): boolean =>
  templates <= most.templates && fields <= most.fields;
