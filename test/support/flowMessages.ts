/** Messages of flow exporters, written field by field: what a test wants to have decoded. */

/** Of a template: an information element and the octets of its values; VARIABLE: each value tells its own (IPFIX). */
export interface FieldSpec {
  readonly element: number;
  readonly octets: number;
  /** Absent: IANA's. */
  readonly enterprise?: number;
}

export const VARIABLE = 65_535;
const ENTERPRISE_BIT = 0x8000;
const NETFLOW9_TEMPLATES = 0;
const NETFLOW9_OPTIONS = 1;
const IPFIX_TEMPLATES = 2;
const IPFIX_OPTIONS = 3;

export type TemplatedProtocol = 'netflow9' | 'ipfix';

/** An unsigned integer of so many octets; what does not fit is cut off above. */
export function uint(value: number | bigint, octets: number): Buffer {
  const bytes = Buffer.alloc(octets);
  if (typeof value === 'number' && octets > 0 && octets <= 6 && value >= 0) {
    bytes.writeUIntBE(value % 2 ** (octets * 8), 0, octets);
    return bytes;
  }
  let rest = BigInt(value);
  for (let i = octets - 1; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 255n);
  return bytes;
}

const words = (octets: number, ...values: readonly number[]): Buffer =>
  Buffer.concat(values.map((value) => uint(value, octets)));

/** A value of variable length with its length before it, in three octets also where one would do (RFC 7011 section 7). */
export const variable = (value: Uint8Array, isLong = value.length >= 255): Buffer =>
  Buffer.concat([isLong ? Buffer.from([255, ...uint(value.length, 2)]) : uint(value.length, 1), value]);

/** With so many octets of padding; by default up to a multiple of four. */
export function flowSet(id: number, body: Uint8Array, padding = -body.length & 3): Buffer {
  return Buffer.concat([words(2, id, 4 + body.length + padding), body, Buffer.alloc(padding)]);
}

const fieldBytes = ({ element, octets, enterprise }: FieldSpec): Buffer =>
  enterprise === undefined
    ? words(2, element, octets)
    : Buffer.concat([words(2, element | ENTERPRISE_BIT, octets), uint(enterprise, 4)]);

export function template(id: number, fields: readonly FieldSpec[]): Buffer {
  return Buffer.concat([words(2, id, fields.length), ...fields.map(fieldBytes)]);
}

/** The first `scopes` of the fields are the scope: NetFlow v9 has numbers of its own for these (RFC 3954 section 6.1). */
export function optionsTemplate(
  protocol: TemplatedProtocol,
  id: number,
  scopes: number,
  fields: readonly FieldSpec[],
): Buffer {
  const counts = protocol === 'ipfix' ? [fields.length, scopes] : [scopes * 4, (fields.length - scopes) * 4];
  return Buffer.concat([words(2, id, ...counts), ...fields.map(fieldBytes)]);
}

export const templateSet = (protocol: TemplatedProtocol, ...templates: readonly Uint8Array[]): Buffer =>
  flowSet(protocol === 'ipfix' ? IPFIX_TEMPLATES : NETFLOW9_TEMPLATES, Buffer.concat(templates));

export const optionsSet = (protocol: TemplatedProtocol, ...templates: readonly Uint8Array[]): Buffer =>
  flowSet(protocol === 'ipfix' ? IPFIX_OPTIONS : NETFLOW9_OPTIONS, Buffer.concat(templates));

/** RFC 7011 section 8.1. */
export const withdrawal = (id: number): Buffer => words(2, id, 0);

export interface TemplatedHeader {
  /** Whole seconds. */
  readonly exportTimeMs: number;
  readonly sequence?: number;
  readonly domain?: number;
  /** NetFlow v9: the exporter's uptime. */
  readonly uptimeMs?: number;
  /** NetFlow v9: records in the message, which nobody needs. */
  readonly count?: number;
}

export function templatedMessage(
  protocol: TemplatedProtocol,
  { exportTimeMs, sequence = 0, domain = 7, uptimeMs = 0, count = 1 }: TemplatedHeader,
  ...sets: readonly Uint8Array[]
): Buffer {
  const body = Buffer.concat(sets);
  const seconds = Math.floor(exportTimeMs / 1000);
  return protocol === 'ipfix'
    ? Buffer.concat([words(2, 10, 16 + body.length), words(4, seconds, sequence, domain), body])
    : Buffer.concat([words(2, 9, count), words(4, uptimeMs, seconds, sequence, domain), body]);
}

/** The fields of a v1, v5 or v7 record that we read. */
export interface FixedRecord {
  readonly source: number;
  readonly destination: number;
  readonly ingress?: number;
  readonly egress?: number;
  readonly packets: number;
  readonly octets: number;
  /** Uptimes. */
  readonly first: number;
  readonly last: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly flags: number;
  readonly protocol: number;
}

export interface FixedHeader {
  readonly exportTimeMs: number;
  readonly uptimeMs: number;
  readonly sequence?: number;
  /** v5: engine type << 8 | id. */
  readonly engine?: number;
  /** v5: mode << 14 | interval. */
  readonly sampling?: number;
  /** Told; by default what there is. */
  readonly count?: number;
}

const RECORD_OCTETS = { 1: 52, 5: 48, 7: 52 } as const;
const HEADER_OCTETS = { 1: 16, 5: 24, 7: 24 } as const;

export function fixedMessage(version: 1 | 5 | 7, header: FixedHeader, ...records: readonly FixedRecord[]): Buffer {
  const { exportTimeMs, uptimeMs, sequence = 0, engine = 0, sampling = 0, count = records.length } = header;
  const bytes = Buffer.alloc(HEADER_OCTETS[version]);
  words(2, version, count).copy(bytes, 0);
  words(4, uptimeMs, Math.floor(exportTimeMs / 1000), Math.round((exportTimeMs % 1000) * 1e6)).copy(bytes, 4);
  if (version !== 1) bytes.writeUInt32BE(sequence, 16);
  if (version === 5) words(2, engine, sampling).copy(bytes, 20);
  return Buffer.concat([bytes, ...records.map((record) => fixedRecord(version, record))]);
}

function fixedRecord(version: 1 | 5 | 7, record: FixedRecord): Buffer {
  const { source, destination, ingress = 0, egress = 0, packets, octets, first, last } = record;
  const bytes = Buffer.alloc(RECORD_OCTETS[version]);
  words(4, source, destination).copy(bytes, 0);
  words(2, ingress, egress).copy(bytes, 12);
  words(4, packets, octets, first, last).copy(bytes, 16);
  words(2, record.sourcePort, record.destinationPort).copy(bytes, 32);
  bytes[version === 1 ? 40 : 37] = record.flags;
  bytes[38] = record.protocol;
  return bytes;
}

/** XDR: a word for each number, octets filled up to four (RFC 4506). */
const xdr = (...values: readonly (number | bigint | Uint8Array)[]): Buffer =>
  Buffer.concat(
    values.map((value) => {
      if (typeof value === 'bigint') return uint(value, 8);
      return typeof value === 'number' ? uint(value, 4) : Buffer.concat([value, Buffer.alloc(-value.length & 3)]);
    }),
  );

/** A sample of sFlow, or a record in one: its type, its length, itself. */
export const xdrRecord = (type: number, body: Uint8Array): Buffer => xdr(type, body.length, body);

export interface SflowHeader {
  /** Of 4 or 16 octets. */
  readonly agent: Uint8Array;
  readonly subAgent?: number;
  readonly sequence?: number;
  /** Told; by default what there is. */
  readonly count?: number;
}

export function sflowMessage(
  { agent, subAgent = 0, sequence = 1, count }: SflowHeader,
  ...samples: readonly Uint8Array[]
): Buffer {
  const isIPv4 = agent.length === 4;
  return xdr(5, isIPv4 ? 1 : 2, agent, subAgent, sequence, 1000, count ?? samples.length, ...samples);
}

export interface FlowSample {
  readonly rate: number;
  /** What samples: 0: an interface; 1: a VLAN; 2: a physical entity. */
  readonly sourceClass?: number;
  /** ifIndex of the interface that samples, and of those where the packet came in and went out. */
  readonly source?: number;
  readonly input?: number;
  readonly output?: number;
  readonly isExpanded?: boolean;
}

/** Of one packet, which its records describe. */
export function flowSample(
  { rate, sourceClass = 0, source = 1, input = 1, output = 2, isExpanded = false }: FlowSample,
  ...records: readonly Uint8Array[]
): Buffer {
  const head = isExpanded
    ? xdr(1, sourceClass, source, rate, 0, 0, 0, input, 0, output)
    : xdr(1, sourceClass * 2 ** 24 + source, rate, 0, 0, input, output);
  return xdrRecord(isExpanded ? 3 : 1, xdr(head, records.length, ...records));
}

/** `stripped` octets of the packet are not shown: in front of the header or behind the packet. */
export const rawHeader = (header: Uint8Array, frameLength: number, stripped = 4, protocol = 1): Buffer =>
  xdrRecord(1, xdr(protocol, frameLength, stripped, header.length, header));

export interface SampledPacket {
  readonly length: number;
  readonly protocol: number;
  /** Of 4 or 16 octets. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly flags: number;
}

export function sampledPacket(packet: SampledPacket): Buffer {
  const { length, protocol, source, destination, sourcePort, destinationPort, flags } = packet;
  const body = xdr(length, protocol, source, destination, sourcePort, destinationPort, flags, 0);
  return xdrRecord(source.length === 4 ? 3 : 4, body);
}

export interface CountedInterface {
  readonly index: number;
  readonly speed: bigint;
  readonly inOctets: bigint;
  /** Unicast, multicast, broadcast, discards, errors. */
  readonly inbound: readonly [number, number, number, number, number];
  readonly outOctets: bigint;
  readonly outbound: readonly [number, number, number, number, number];
}

export const counterSample = (isExpanded: boolean, ...records: readonly Uint8Array[]): Buffer =>
  xdrRecord(isExpanded ? 4 : 2, xdr(...(isExpanded ? [1, 0, 5] : [1, 5]), records.length, ...records));

export function interfaceCounters({ index, speed, inOctets, inbound, outOctets, outbound }: CountedInterface): Buffer {
  return xdrRecord(1, xdr(index, 6, speed, 1, 3, inOctets, ...inbound, 0, outOctets, ...outbound, 0));
}
