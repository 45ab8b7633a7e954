/** tshark's reading of flow datagrams: its fields as they are named, times put together as the protocols have them. */
import type { FlowCapture } from '../../../support/flowCaptures.ts';
import type { PeerReading } from '../../../support/flowReading.ts';
import { frame } from '../../../support/frames.ts';
import { below, type PdmlNode, readByTshark } from '../../../support/pdml.ts';

const PORT = 2055;
const UDP_PAYLOAD_AT = 42;

/** By capture, in the order in which they come. Each capture has a source address of its own. */
export async function readFlowsByTshark(captures: readonly FlowCapture[]): Promise<PeerReading[][]> {
  const frames = captures.flatMap(({ datagrams }, i) => datagrams.map(({ bytes }) => ({ bytes: wrap(bytes, i) })));
  const packets = (await readByTshark(frames, '-d', `udp.port==${PORT},cflow`)).values();
  return captures.map(({ datagrams }) => datagrams.flatMap(() => flowsOf(packets.next().value)));
}

function wrap(datagram: Uint8Array, capture: number): Uint8Array {
  const bytes = frame({
    source: `198.51.100.${capture}`,
    destination: '192.0.2.1',
    protocol: 'udp',
    destinationPort: PORT,
    payload: datagram.length,
  });
  bytes.set(datagram, UDP_PAYLOAD_AT);
  return bytes;
}

function flowsOf(packet: PdmlNode | undefined): PeerReading[] {
  if (packet === undefined) return [];
  const fields = fieldsOf([...below(packet)]);
  return [...below(packet)]
    .filter(({ children }) => has(children, 'cflow.srcaddr') && has(children, 'cflow.dstaddr'))
    .map((flow) => readingOf(fieldsOf([...below(flow)]), fields));
}

const has = (nodes: readonly PdmlNode[], name: string): boolean =>
  nodes.some((node) => node.name === name || node.name === `${name}v6`);

type Fields = ReadonlyMap<string, PdmlNode>;

/** By name; of several, the last: of a tunnel the innermost header. */
const fieldsOf = (nodes: readonly PdmlNode[]): Fields => new Map(nodes.map((node) => [node.name, node]));

function readingOf(flow: Fields, message: Fields): PeerReading {
  const number = (...names: readonly string[]): number =>
    names.map((name) => Number(flow.get(`cflow.${name}`)?.show ?? 0)).find((value) => value !== 0) ?? 0;
  const protocol = number('protocol');
  const isIcmp = protocol === 1 || protocol === 58;
  const isTyped = flow.has('cflow.icmp_ipv4_type') || flow.has('cflow.icmp_ipv6_type');
  const typeAndCode =
    number('icmp_type_code_ipv4', 'icmp_type_code_ipv6') ||
    (number('icmp_ipv4_type', 'icmp_ipv6_type') << 8) | number('icmp_ipv4_code', 'icmp_ipv6_code');
  const isCounted = flow.has('cflow.octets') || flow.has('cflow.octets64');
  return {
    ...addressesOf(flow),
    protocol,
    sourcePort: isIcmp ? 0 : number('srcport'),
    destinationPort: isIcmp && (isTyped || typeAndCode > 0) ? typeAndCode : number('dstport'),
    flags: number('tcpflags') & 255,
    packets: number('packets', 'packets64', isCounted ? 'post_packets' : 'permanent_packets'),
    octets: number('octets', 'octets64', isCounted ? 'post_octets' : 'permanent_octets'),
    ...timesOf(flow, message),
    ingress: number('inputint'),
    egress: number('outputint'),
  };
}

function addressesOf(flow: Fields): Pick<PeerReading, 'source' | 'destination'> {
  const names = [...flow.keys()].filter((name) => name.startsWith('cflow.srcaddr'));
  const told = names.filter((name) => !/^(0\.0\.0\.0|::)$/.test(flow.get(name)?.show ?? ''));
  const suffix = (told.at(-1) ?? names.at(-1) ?? '').slice('cflow.srcaddr'.length);
  const show = (name: string): string => flow.get(`cflow.${name}${suffix}`)?.show ?? '';
  return { source: show('srcaddr'), destination: show('dstaddr') };
}

/** Absolute, or by the exporter's uptime; none: the exporter tells none. */
function timesOf(flow: Fields, message: Fields): Pick<PeerReading, 'startMs' | 'endMs'> {
  const bootMs = bootTime(flow, message);
  const timeOf = (end: 'start' | 'end'): number | undefined => {
    const absolute = flow.get(`cflow.abstime${end}`);
    // It shows an uptime of 0 as 1970.
    const uptime = absolute?.value === '00000000' ? '0' : flow.get(`cflow.time${end}`)?.show;
    if (uptime !== undefined && bootMs !== undefined) return bootMs + Number(uptime) * 1000;
    return absolute === undefined ? undefined : Date.parse(absolute.show);
  };
  const [startMs, endMs] = [timeOf('start'), timeOf('end')];
  return { ...(startMs === undefined ? {} : { startMs }), ...(endMs === undefined ? {} : { endMs }) };
}

function bootTime(flow: Fields, message: Fields): number | undefined {
  const told = flow.get('cflow.sys_init_time') ?? message.get('cflow.sys_init_time');
  if (told !== undefined) return Date.parse(told.show);
  const uptime = message.get('cflow.sysuptime');
  const seconds = message.get('cflow.unix_secs');
  if (uptime === undefined || seconds === undefined) return undefined;
  const nanoseconds = Number.parseInt(message.get('cflow.unix_nsecs')?.value ?? '0', 16);
  return Number.parseInt(seconds.value, 16) * 1000 + nanoseconds / 1e6 - Number(uptime.show) * 1000;
}
