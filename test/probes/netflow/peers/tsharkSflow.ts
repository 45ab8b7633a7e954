/** tshark's reading of sFlow: sampled headers with what it decodes of them, and interfaces' counters. */
import type { FlowCapture } from '../../../support/flowCaptures.ts';
import { frame } from '../../../support/frames.ts';
import { below, type PdmlNode, readByTshark } from '../../../support/pdml.ts';

const PORT = 6343;
const UDP_PAYLOAD_AT = 42;

export interface SampledHeader {
  /** In hexadecimal. */
  readonly header: string;
  readonly wireLength: number;
  readonly samplingInterval: number;
  /** Of the header's IP packet; null: it is none. */
  readonly packet: SampledPacket | null;
}

export interface SampledPacket {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** By the names of RFC 2863. */
export type Counters = Readonly<Record<string, number>>;

export interface SflowReading {
  readonly headers: readonly SampledHeader[];
  readonly counters: readonly Counters[];
}

export async function readSflowByTshark({ datagrams }: FlowCapture): Promise<SflowReading> {
  const packets = await readByTshark(datagrams.map(({ bytes }) => ({ bytes: wrap(bytes) })));
  const samples = packets.flatMap((packet) =>
    [...below(packet)].filter(({ children }) => has(children, 'sflow_245.sampletype')),
  );
  return {
    headers: samples.flatMap(headersOf),
    counters: samples
      .flatMap((sample) => [...below(sample)].filter(({ children }) => has(children, 'sflow_245.ifindex')))
      .map(countersOf),
  };
}

function wrap(datagram: Uint8Array): Uint8Array {
  const ends = { source: '192.0.2.1', destination: '192.0.2.2', destinationPort: PORT } as const;
  const bytes = frame({ ...ends, protocol: 'udp', payload: datagram.length });
  bytes.set(datagram, UDP_PAYLOAD_AT);
  return bytes;
}

const has = (nodes: readonly PdmlNode[], name: string): boolean => nodes.some((node) => node.name === name);

/** The first below the node with one of the names. */
function find(node: PdmlNode, ...names: readonly string[]): PdmlNode | undefined {
  for (const each of below(node)) if (names.includes(each.name)) return each;
  return undefined;
}

/** -1: there is none. */
const number = (node: PdmlNode, ...names: readonly string[]): number => Number(find(node, ...names)?.show ?? -1);

function headersOf(sample: PdmlNode): SampledHeader[] {
  const record = [...below(sample)].find(({ children }) => has(children, 'sflow_245.header'));
  const header = record === undefined ? undefined : find(record, 'sflow_245.header');
  if (record === undefined || header === undefined) return [];
  const octets = number(record, 'sflow_245.header.sampled_header_length');
  return [
    {
      header: header.value.slice(0, octets * 2),
      wireLength: number(record, 'sflow_245.header.frame_length') - number(record, 'sflow_245.header.payload_stripped'),
      samplingInterval: number(sample, 'sflow.flow_sample.sampling_rate'),
      packet: packetOf(header),
    },
  ];
}

/** The outermost header of IP; ICMP's type and code are the destination port. */
function packetOf(header: PdmlNode): SampledPacket | null {
  const ip = header.children.find(({ name }) => name === 'ip' || name === 'ipv6');
  if (ip === undefined) return null;
  const icmp = header.children.find(({ name }) => name === 'icmp' || name === 'icmpv6');
  return {
    source: find(ip, 'ip.src', 'ipv6.src')?.show ?? '',
    destination: find(ip, 'ip.dst', 'ipv6.dst')?.show ?? '',
    protocol: number(ip, 'ip.proto', 'ipv6.nxt'),
    sourcePort: number(header, 'tcp.srcport', 'udp.srcport'),
    destinationPort: icmp
      ? (number(icmp, 'icmp.type', 'icmpv6.type') << 8) | number(icmp, 'icmp.code', 'icmpv6.code')
      : number(header, 'tcp.dstport', 'udp.dstport'),
  };
}

function countersOf(record: PdmlNode): Counters {
  const of = (...names: readonly string[]): number =>
    names.reduce((sum, name) => sum + number(record, `sflow_245.${name}`), 0);
  return {
    ifIndex: of('ifindex'),
    ifSpeed: of('ifspeed'),
    ifInOctets: of('ifinoct'),
    ifInPackets: of('ifinpkt', 'ifinmcast', 'ifinbcast'),
    ifInDiscards: of('ifindisc'),
    ifInErrors: of('ifinerr'),
    ifOutOctets: of('ifoutoct'),
    ifOutPackets: of('ifoutpkt', 'ifoutmcast', 'ifoutbcast'),
    ifOutDiscards: of('ifoutdisc'),
    ifOutErrors: of('ifouterr'),
  };
}
