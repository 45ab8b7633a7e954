/** Datagrams of flow exporters for the benchmark: full ones, of flows of a PBX host's customers. */
import { randomFrom } from '../support/random.ts';
import { outsideAddress, tenantAddress, TENANTS } from './workload/addresses.ts';

export const FLOW_PROTOCOLS = ['netflow5', 'netflow9', 'ipfix'] as const;
export type FlowProtocol = (typeof FLOW_PROTOCOLS)[number];

/** What fits into 1,464 octets, as exporters do it. */
export const RECORDS: Readonly<Record<FlowProtocol, number>> = { netflow5: 30, netflow9: 28, ipfix: 28 };

const V5_RECORD = 48;
/** Elements (IANA) and their octets: addresses, packets, octets, start and end, ports, flags, protocol, interfaces. */
const SYSUPTIME_FIELDS = [
  [8, 4],
  [12, 4],
  [2, 8],
  [1, 8],
  [22, 4],
  [21, 4],
  [7, 2],
  [11, 2],
  [6, 1],
  [4, 1],
  [10, 4],
  [14, 4],
] as const;
/** IPFIX has absolute times: flowStartMilliseconds and flowEndMilliseconds. */
const ABSOLUTE_FIELDS = SYSUPTIME_FIELDS.map(([element, octets]) => {
  if (element === 22) return [152, 8] as const;
  return element === 21 ? ([153, 8] as const) : ([element, octets] as const);
});
const TEMPLATE = 300;
const UPTIME_MS = 3_600_000;
const NETFLOW9_TEMPLATE_SET = 0;
const IPFIX_TEMPLATE_SET = 2;

/** `records` in each, all of them exported at `nowMs`; the first carries the template, if the protocol has one. */
export function flowDatagrams(protocol: FlowProtocol, count: number, records: number, nowMs: number): Uint8Array[] {
  const random = randomFrom(5);
  const data = Array.from({ length: count }, (_, i) => message(protocol, i, records, random, nowMs));
  return protocol === 'netflow5' ? data : [templateMessage(protocol, nowMs), ...data];
}

function message(protocol: FlowProtocol, index: number, records: number, random: () => number, nowMs: number): Buffer {
  if (protocol === 'netflow5') {
    const header = Buffer.alloc(24);
    header.writeUInt16BE(5, 0);
    header.writeUInt16BE(records, 2);
    header.writeUInt32BE(UPTIME_MS, 4);
    header.writeUInt32BE(Math.floor(nowMs / 1000), 8);
    header.writeUInt32BE((nowMs % 1000) * 1e6, 12);
    header.writeUInt32BE(index * records, 16);
    return Buffer.concat([header, ...Array.from({ length: records }, () => v5Record(random))]);
  }
  const fields = protocol === 'ipfix' ? ABSOLUTE_FIELDS : SYSUPTIME_FIELDS;
  const body = Buffer.concat(Array.from({ length: records }, () => record(fields, random, nowMs)));
  const sequence = protocol === 'ipfix' ? index * records : index + 1;
  return withHeader(protocol, [set(TEMPLATE, body)], records, sequence, nowMs);
}

function templateMessage(protocol: 'netflow9' | 'ipfix', nowMs: number): Buffer {
  const fields = protocol === 'ipfix' ? ABSOLUTE_FIELDS : SYSUPTIME_FIELDS;
  const words = [TEMPLATE, fields.length, ...fields.flat()];
  const body = Buffer.alloc(words.length * 2);
  words.forEach((word, i) => body.writeUInt16BE(word, i * 2));
  const id = protocol === 'ipfix' ? IPFIX_TEMPLATE_SET : NETFLOW9_TEMPLATE_SET;
  return withHeader(protocol, [set(id, body)], 1, 0, nowMs);
}

/** Padded to four octets. */
function set(id: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(body.length / 4) * 4);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(bytes.length, 2);
  body.copy(bytes, 4);
  return bytes;
}

function withHeader(
  protocol: 'netflow9' | 'ipfix',
  sets: readonly Buffer[],
  records: number,
  sequence: number,
  nowMs: number,
): Buffer {
  const seconds = Math.floor(nowMs / 1000);
  const length = sets.reduce((sum, each) => sum + each.length, protocol === 'ipfix' ? 16 : 20);
  const words = protocol === 'ipfix' ? [seconds, sequence, 7] : [UPTIME_MS, seconds, sequence, 7];
  const header = Buffer.alloc(4 + words.length * 4);
  header.writeUInt16BE(protocol === 'ipfix' ? 10 : 9, 0);
  header.writeUInt16BE(protocol === 'ipfix' ? length : records, 2);
  words.forEach((word, i) => header.writeUInt32BE(word, 4 + i * 4));
  return Buffer.concat([header, ...sets]);
}

/** Of 4,096 strangers and one address of each tenant, UDP and TCP, that ended in the last second. */
function v5Record(random: () => number): Buffer {
  const bytes = Buffer.alloc(V5_RECORD);
  const flow = drawFlow(random);
  bytes.writeUInt32BE(flow.source, 0);
  bytes.writeUInt32BE(flow.destination, 4);
  bytes.writeUInt32BE(flow.packets, 16);
  bytes.writeUInt32BE(flow.octets, 20);
  bytes.writeUInt32BE(UPTIME_MS - flow.startAgoMs, 24);
  bytes.writeUInt32BE(UPTIME_MS - flow.endAgoMs, 28);
  bytes.writeUInt16BE(flow.sourcePort, 32);
  bytes.writeUInt16BE(flow.destinationPort, 34);
  bytes.writeUInt8(flow.flags, 37);
  bytes.writeUInt8(flow.protocol, 38);
  return bytes;
}

type Fields = readonly (readonly [element: number, octets: number])[];

function record(fields: Fields, random: () => number, nowMs: number): Buffer {
  const flow = drawFlow(random);
  const values = new Map<number, number>([
    [8, flow.source],
    [12, flow.destination],
    [2, flow.packets],
    [1, flow.octets],
    [22, UPTIME_MS - flow.startAgoMs],
    [21, UPTIME_MS - flow.endAgoMs],
    [152, nowMs - flow.startAgoMs],
    [153, nowMs - flow.endAgoMs],
    [7, flow.sourcePort],
    [11, flow.destinationPort],
    [6, flow.flags],
    [4, flow.protocol],
  ]);
  return Buffer.concat(
    fields.map(([element, octets]) => {
      const bytes = Buffer.alloc(octets);
      const value = values.get(element) ?? 1;
      if (octets === 8) bytes.writeBigUInt64BE(BigInt(value));
      else bytes.writeUIntBE(value, 0, octets);
      return bytes;
    }),
  );
}

function drawFlow(random: () => number) {
  const stranger = outsideAddress(random() & 0xfff);
  const customer = tenantAddress(random() % TENANTS);
  const inbound = (random() & 1) === 0;
  const endAgoMs = random() % 1000;
  return {
    source: inbound ? stranger : customer,
    destination: inbound ? customer : stranger,
    packets: 1 + (random() % 20),
    octets: 60 + (random() % 20_000),
    endAgoMs,
    startAgoMs: endAgoMs + (random() % 400),
    sourcePort: 1024 + (random() % 60_000),
    destinationPort: inbound ? 5060 : 1024 + (random() % 60_000),
    flags: 0x1b,
    protocol: (random() & 3) === 0 ? 6 : 17,
  };
}
