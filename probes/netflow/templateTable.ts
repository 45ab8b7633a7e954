/** Keeps templates by exporter and observation domain, within bounds that hold for one exporter and for all together. */
import type { Domain, ExporterState } from './exporterState.ts';
import { type Malformed, type Message, UDP_SESSION } from './message.ts';
import { compileTemplate, definitionOctets, type Template, type TemplateForm } from './template.ts';

const MAX_OF_EXPORTER = { templates: 1024, fields: 32_768 };
const MAX_OF_ALL = { templates: 16_384, fields: 262_144 };
/** So much an exporter may have whatever the others have: a crowd of forged ones shuts none out. */
const OWN_SHARE = { templates: 32, fields: 512 };
/** New templates in one message, and octets of them: to compile more would take longer than a millisecond. */
export const MAX_IN_MESSAGE = { templates: 128, octets: 32_768 };
/** To withdraw all templates takes as long as to compile so many. */
const WITHDRAWAL_OF_ALL = 32;
const FIRST_ID = 256;
export const IPFIX_TEMPLATE_SET = 2;
export const IPFIX_OPTIONS_SET = 3;
/**
 * RFC 7011 section 8.4 lets a template go when it has not been sent again for some time. Many exporters send theirs
 * seldom, and to forget one early costs flows: only where room is needed do some of the exporter's go, first those that no
 * data has come for, as for those of a flood.
 */
const SHARE_TO_GO = 1 / 4;

export class TemplateTable {
  #templates = 0;
  #fields = 0;

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
        withdrawal = this.#withdraw(message, state, domain, id, form) ?? withdrawal;
        at += 4;
        continue;
      }
      if (id < FIRST_ID) return 'templateId';
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
    this.#remove(state, domain, id);
    const hasRoom = this.#hasRoom(state, template);
    if (hasRoom) this.#add(state, domain, id, template);
    return hasRoom;
  }

  /** The exporter is forgotten. */
  release({ templates, fields }: ExporterState): void {
    this.#templates -= templates;
    this.#fields -= fields;
  }

  /** A domain of it is. */
  releaseDomain(state: ExporterState, domain: Domain): void {
    for (const id of domain.templates.keys()) this.#remove(state, domain, id);
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
    if (message.templatesLeft < 1 || message.templateOctetsLeft < octets) return 'tooManyTemplates';
    message.templatesLeft -= 1;
    message.templateOctetsLeft -= octets;
    // A copy, also of a Buffer, whose slice() is none.
    const definition = new Uint8Array(message.bytes.subarray(at, at + octets));
    const template = compileTemplate(definition, form, message.receivedMs);
    // The old one does not hold any more, whatever is wrong with the new one.
    this.#remove(state, domain, id);
    if (typeof template === 'string') return template;
    if (!this.#hasRoom(state, template)) {
      // Once a message: it takes a fifth of a millisecond.
      if (!message.mayMakeRoom) return 'tooManyTemplates';
      message.mayMakeRoom = false;
      this.#makeRoom(state);
      if (!this.#hasRoom(state, template)) return 'tooManyTemplates';
    }
    this.#add(state, domain, id, template);
    return null;
  }

  #hasRoom(state: ExporterState, { fieldCount }: Template): boolean {
    return (
      isWithin(OWN_SHARE, state.templates + 1, state.fields + fieldCount) ||
      (isWithin(MAX_OF_EXPORTER, state.templates + 1, state.fields + fieldCount) &&
        isWithin(MAX_OF_ALL, this.#templates + 1, this.#fields + fieldCount))
    );
  }

  /** Those of this exporter go that were least lately used; never used, that were least lately sent. */
  #makeRoom(state: ExporterState): void {
    const all = [...state.domains.values()].flatMap((domain) =>
      [...domain.templates].map(([id, template]) => ({ domain, id, template })),
    );
    all.sort((a, b) => a.template.usedMs - b.template.usedMs || a.template.refreshedMs - b.template.refreshedMs);
    const gone = all.slice(0, Math.ceil(all.length * SHARE_TO_GO));
    for (const { domain, id } of gone) this.#remove(state, domain, id);
    state.evictedTemplates += gone.length;
  }

  #add(state: ExporterState, domain: Domain, id: number, template: Template): void {
    domain.templates.set(id, template);
    this.#count(state, 1, template.fieldCount);
  }

  /**
   * RFC 7011 section 8.1: one template, or with the id of its set all of that kind. Over UDP nobody may withdraw
   * (section 8.4), and whoever forges a datagram could.
   */
  #withdraw(
    message: Message,
    state: ExporterState,
    domain: Domain,
    id: number,
    { isOptions }: TemplateForm,
  ): Malformed | null {
    const isOfAll = id === (isOptions ? IPFIX_OPTIONS_SET : IPFIX_TEMPLATE_SET);
    if (id < FIRST_ID && !isOfAll) return 'templateId';
    if (message.session === UDP_SESSION) return 'templateWithdrawal';
    if (!isOfAll) this.#removeOne(state, domain, id, isOptions);
    else {
      if (message.templatesLeft < WITHDRAWAL_OF_ALL) return 'tooManyTemplates';
      message.templatesLeft -= WITHDRAWAL_OF_ALL;
      for (const each of domain.templates.keys()) this.#removeOne(state, domain, each, isOptions);
    }
    return null;
  }

  #removeOne(state: ExporterState, domain: Domain, id: number, isOptions: boolean): void {
    if (domain.templates.get(id)?.isOptions === isOptions) this.#remove(state, domain, id);
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
