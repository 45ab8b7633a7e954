/**
 * Templates of NetFlow v9 (RFC 3954) and IPFIX (RFC 7011), compiled when they arrive into a plan of numbers: for each value
 * that is wanted, where it goes, how it is written and where it stands. Data records are then read without looking back.
 */
import type { Milliseconds } from '../probe.ts';
import { type Encoding, fits, type KnownElement, knownElement, LOW_OCTET, SLOT, SLOTS, UPTIME } from './elements.ts';
import type { Malformed } from './message.ts';
import { operationOf, SKIP, STEP, VARIABLE } from './recordReader.ts';

/** The widest template known in the field has some 120. */
const MAX_FIELDS = 512;
const MAX_RECORD_OCTETS = 65_515;
const ENTERPRISE_BIT = 0x8000;

/** What a template is made of; `definition` starts behind the template's id. */
export interface TemplateForm {
  readonly isIpfix: boolean;
  readonly isOptions: boolean;
}

export class Template {
  /** As it came, without its id: to know it again, and to save it. */
  readonly definition: Uint8Array;
  readonly isOptions: boolean;
  readonly fieldCount: number;
  /** Octets of the shortest record, at least 1. */
  readonly minimumOctets: number;
  readonly isVariable: boolean;
  /** STEP numbers each; see recordReader.ts. */
  readonly plan: Int32Array;
  /** By slot: whether its records have a value there. */
  readonly has: Uint8Array;
  /** Both addresses of the family; of neither: its records are of no use here, and are not read. */
  readonly isIPv4: boolean;
  readonly isIPv6: boolean;
  /** Of both: IPv4 stands behind IPv6. */
  readonly isIPv4Last: boolean;
  readonly startsByUptime: boolean;
  readonly endsByUptime: boolean;
  /** When it was last sent, and when data of it last came; -Infinity: never. */
  refreshedMs: Milliseconds;
  usedMs: Milliseconds = Number.NEGATIVE_INFINITY;

  constructor(definition: Uint8Array, isOptions: boolean, fields: readonly Field[], nowMs: Milliseconds) {
    choose(fields);
    const encodingOf = (slot: number): Encoding | undefined => fields[chosen[slot]!]?.element?.encoding;
    const has = (slot: number): boolean => chosen[slot]! >= 0;
    this.definition = definition;
    this.isOptions = isOptions;
    this.fieldCount = fields.length;
    this.isVariable = fields.some(({ octets }) => octets === VARIABLE);
    this.minimumOctets = fields.reduce((sum, { octets }) => sum + (octets === VARIABLE ? 1 : octets), 0);
    this.plan = steps.slice(0, this.isVariable ? walk(fields) : pick(fields));
    this.has = new Uint8Array(SLOTS);
    for (let slot = 0; slot < SLOTS; slot++) this.has[slot] = chosen[slot]! < 0 ? 0 : 1;
    this.isIPv4 = has(SLOT.sourceIPv4) && has(SLOT.destinationIPv4);
    this.isIPv6 = has(SLOT.sourceIPv6) && has(SLOT.destinationIPv6);
    this.isIPv4Last = chosen[SLOT.sourceIPv4]! > chosen[SLOT.sourceIPv6]!;
    this.startsByUptime = encodingOf(SLOT.start) === UPTIME;
    this.endsByUptime = encodingOf(SLOT.end) === UPTIME;
    this.refreshedMs = nowMs;
  }

  isDefinedBy(bytes: Uint8Array, at: number, octets: number): boolean {
    const { definition } = this;
    if (definition.length !== octets) return false;
    for (let i = 0; i < octets; i++) if (definition[i] !== bytes[at + i]) return false;
    return true;
  }
}

interface Field {
  readonly element: KnownElement | undefined;
  readonly octets: number;
}

/** Octets of the definition at `at`, its counts with it; null: it is cut short. */
export function definitionOctets(view: DataView, at: number, end: number, form: TemplateForm): number | null {
  const fieldsAt = at + (form.isOptions ? 4 : 2);
  if (fieldsAt > end) return null;
  const count = fieldCount(view, at, form);
  let next = fieldsAt;
  for (let i = 0; i < count; i++) {
    if (next + 4 > end) return null;
    next += form.isIpfix ? fieldOctets(view, next) : 4;
  }
  return next <= end ? next - at : null;
}

/** `definition` is whole, as definitionOctets has found it. */
export function compileTemplate(definition: Uint8Array, form: TemplateForm, nowMs: Milliseconds): Template | Malformed {
  const view = new DataView(definition.buffer, definition.byteOffset, definition.byteLength);
  const count = fieldCount(view, 0, form);
  if (count > MAX_FIELDS) return 'tooManyFields';
  const scopes = form.isOptions && !form.isIpfix ? view.getUint16(0) / 4 : 0;
  const fields: Field[] = [];
  let at = form.isOptions ? 4 : 2;
  for (let i = 0; i < count; i++) {
    fields.push(readField(view, at, form.isIpfix, i < scopes));
    at += form.isIpfix ? fieldOctets(view, at) : 4;
  }
  const template = new Template(definition, form.isOptions, fields, nowMs);
  const isSensible = template.minimumOctets > 0 && template.minimumOctets <= MAX_RECORD_OCTETS;
  return isSensible ? template : 'templateSize';
}

/** NetFlow v9 gives the octets of an options template's scopes and of its options, IPFIX the fields, of which some are scopes. */
function fieldCount(view: DataView, at: number, { isIpfix, isOptions }: TemplateForm): number {
  const first = view.getUint16(at);
  return isOptions && !isIpfix ? Math.floor((first + view.getUint16(at + 2)) / 4) : first;
}

const fieldOctets = (view: DataView, at: number): number => ((view.getUint16(at) & ENTERPRISE_BIT) === 0 ? 4 : 8);

/** A scope of NetFlow v9 has numbers of its own (RFC 3954 section 6.1), none of which is wanted. */
function readField(view: DataView, at: number, isIpfix: boolean, isScope: boolean): Field {
  const id = view.getUint16(at);
  const length = view.getUint16(at + 2);
  const isEnterprise = isIpfix && (id & ENTERPRISE_BIT) !== 0;
  const enterprise = isEnterprise ? view.getUint32(at + 4) : 0;
  const element = isScope ? undefined : knownElement(isEnterprise ? id & ~ENTERPRISE_BIT : id, enterprise);
  const isReadable = element !== undefined && fits(element, length);
  // NetFlow v9 has no variable lengths, but a field of 65,535 octets fits into no record: who writes one means IPFIX's.
  return { element: isReadable ? element : undefined, octets: length };
}

/** Of the template that is being compiled; a flood of them would have the memory of each to collect. */
const chosen = new Int16Array(SLOTS);
const steps = new Int32Array(STEP * MAX_FIELDS);

/**
 * By slot the index of its field: of several, the preferred one; of one that comes twice, the last, which is the innermost
 * header's (RFC 7011 section 8): what is carried is a customer's, the tunnel (SRv6 and the like) is the provider's own.
 */
function choose(fields: readonly Field[]): void {
  chosen.fill(-1);
  for (let index = 0; index < fields.length; index++) {
    const { element } = fields[index]!;
    if (element === undefined) continue;
    const before = fields[chosen[element.slot]!]?.element;
    if (before === undefined || element.rank <= before.rank) chosen[element.slot] = index;
  }
}

/** Where the value begins in its field. */
const leadOf = ({ element, octets }: Field): number => (element?.encoding === LOW_OCTET ? octets - 1 : 0);

/** Records of one length: only what is wanted, each at its offset. The end of the steps. */
function pick(fields: readonly Field[]): number {
  let end = 0;
  let offset = 0;
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index]!;
    const { element, octets } = field;
    if (element !== undefined && chosen[element.slot] === index) {
      setStep(end, element.slot, operationOf(element.encoding, octets), offset + leadOf(field), octets);
      end += STEP;
    }
    offset += octets;
  }
  return end;
}

/** Records with values of variable length: every field in its order, those that are not wanted skipped together. */
function walk(fields: readonly Field[]): number {
  let end = 0;
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index]!;
    const { element, octets } = field;
    const last = end - STEP;
    const isChosen = element !== undefined && chosen[element.slot] === index;
    const joins =
      !isChosen && octets !== VARIABLE && last >= 0 && steps[last + 1] === SKIP && steps[last + 3] !== VARIABLE;
    if (joins) steps[last + 3]! += octets;
    else {
      if (isChosen) setStep(end, element.slot, operationOf(element.encoding, octets), leadOf(field), octets);
      else setStep(end, 0, SKIP, 0, octets);
      end += STEP;
    }
  }
  return end;
}

function setStep(at: number, slot: number, operation: number, offset: number, octets: number): void {
  steps[at] = slot;
  steps[at + 1] = operation;
  steps[at + 2] = offset;
  steps[at + 3] = octets;
}
