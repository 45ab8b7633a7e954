/** Templates and records of NetFlow v9 and IPFIX side by side: each field with its value. */
import assert from 'node:assert/strict';
import type { FlowRecord } from '../../probes/flow.ts';
import {
  type FieldSpec,
  type FixedRecord,
  flowSet,
  optionsSet,
  optionsTemplate,
  template,
  templatedMessage,
  type TemplatedProtocol,
  templateSet,
  uint,
} from './flowMessages.ts';
import { DecoderBed } from './flowRecords.ts';

export const NOW = 1_700_000_000_000;
export const UPTIME = 3_600_000;
export const SOURCE = 0xc000_0201;
export const DESTINATION = 0xc633_6409;
export const TEMPLATED: readonly TemplatedProtocol[] = ['netflow9', 'ipfix'];

/** A record of NetFlow v1, v5 and v7. */
export const FIXED: FixedRecord = {
  source: SOURCE,
  destination: DESTINATION,
  ingress: 3,
  egress: 4,
  packets: 10,
  octets: 840,
  first: UPTIME - 5000,
  last: UPTIME - 1000,
  sourcePort: 5060,
  destinationPort: 5062,
  flags: 0x1b,
  protocol: 6,
};

/** A field and its value, for templates and records that stand side by side. */
export type Cell = readonly [element: number, octets: number, value: number | bigint, enterprise?: number];

export const ADDRESSES: readonly Cell[] = [
  [8, 4, SOURCE],
  [12, 4, DESTINATION],
];
export const COUNTS: readonly Cell[] = [
  [1, 4, 840],
  [2, 4, 10],
];

export const PLAIN: readonly Cell[] = [...ADDRESSES, ...COUNTS];

export const specOf = ([element, octets, , enterprise]: Cell): FieldSpec =>
  enterprise === undefined ? { element, octets } : { element, octets, enterprise };
export const bytesOf = (cells: readonly Cell[]): Buffer =>
  Buffer.concat(cells.map(([, octets, value]) => uint(value, octets)));
export const HEADER = { exportTimeMs: NOW, uptimeMs: UPTIME };

export const templateOf = (protocol: TemplatedProtocol, cells: readonly Cell[], id = 300): Buffer =>
  templateSet(protocol, template(id, cells.map(specOf)));
export const dataOf = (cells: readonly Cell[], id = 300): Buffer => flowSet(id, bytesOf(cells));

/** One message with the template of the cells and one record of them. */
export const messageOf = (protocol: TemplatedProtocol, cells: readonly Cell[], options = {}): Buffer =>
  templatedMessage(protocol, { ...HEADER, ...options }, templateOf(protocol, cells), dataOf(cells));

export const optionsOf = (protocol: TemplatedProtocol, id: number, cells: readonly Cell[]): Buffer[] => [
  optionsSet(protocol, optionsTemplate(protocol, id, 1, cells.map(specOf))),
  dataOf(cells, id),
];
/** The scope: in NetFlow v9 the system, in IPFIX the observation domain (element 149). */
export const scope = (protocol: TemplatedProtocol): Cell => [protocol === 'ipfix' ? 149 : 1, 4, 7];

export function decodeOne(protocol: TemplatedProtocol, cells: readonly Cell[], options = {}): FlowRecord {
  const bed = new DecoderBed();
  assert.deepEqual(bed.feed(messageOf(protocol, cells, options)), [null]);
  return bed.records[0] ?? assert.fail('no record');
}

/** Of observation domain 7. */
export const ipfixOf = (...sets: readonly Buffer[]): Buffer => templatedMessage('ipfix', HEADER, ...sets);
