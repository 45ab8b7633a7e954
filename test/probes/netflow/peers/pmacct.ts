/** What pmacct's own tests expect of its captures: JSON lines beside them, one for each key that it aggregates by. */
import { readFileSync } from 'node:fs';
import type { FlowReading, PeerReading } from '../../../support/flowReading.ts';

interface PmacctFlow {
  readonly peer_ip_src: string;
  readonly ip_src: string;
  readonly ip_dst: string;
  readonly port_src: number;
  readonly port_dst: number;
  readonly ip_proto: string;
  readonly tcp_flags: readonly string[];
  readonly packets: number;
  readonly bytes: number;
  readonly iface_in: number;
  readonly iface_out: number;
  readonly timestamp_start?: string;
  readonly timestamp_end?: string;
}

const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  ipencap: 4,
  tcp: 6,
  udp: 17,
  'ipv6-icmp': 58,
  vrrp: 112,
};
const FLAGS: Readonly<Record<string, number>> = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 };

/** Of one of its exporters: some tests have several, each with a capture of its own. */
export function readPmacctsExpectation(path: string, exporter: string): PeerReading[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): PmacctFlow => JSON.parse(line))
    .filter(({ peer_ip_src: peer }) => peer === exporter)
    .map(readingOf);
}

function readingOf(flow: PmacctFlow): PeerReading {
  return {
    source: flow.ip_src,
    destination: flow.ip_dst,
    protocol: PROTOCOLS[flow.ip_proto] ?? Number.NaN,
    sourcePort: flow.port_src,
    destinationPort: flow.port_dst,
    flags: flow.tcp_flags.reduce((flags, name) => flags | (FLAGS[name] ?? 0), 0),
    packets: flow.packets,
    octets: flow.bytes,
    ingress: flow.iface_in,
    egress: flow.iface_out,
    ...(flow.timestamp_start === undefined ? {} : { startMs: Number(flow.timestamp_start) * 1000 }),
    ...(flow.timestamp_end === undefined ? {} : { endMs: Number(flow.timestamp_end) * 1000 }),
  };
}

/** As it aggregates: by all but the counts and times. In the order of the keys. */
export function aggregate(readings: readonly PeerReading[]): PeerReading[] {
  const byKey = Map.groupBy(readings, keyOf);
  return [...byKey]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .flatMap(
      ([, group]) =>
        group.reduce<PeerReading | null>((sum, each) => (sum === null ? each : merge(sum, each)), null) ?? [],
    );
}

const keyOf = ({
  source,
  destination,
  protocol,
  sourcePort,
  destinationPort,
  flags,
  ingress,
  egress,
}: PeerReading): string =>
  [source, destination, protocol, sourcePort, destinationPort, flags, ingress, egress].join(' ');

function merge(a: PeerReading, b: PeerReading): PeerReading {
  const of = (name: 'startMs' | 'endMs', choose: (...times: number[]) => number): Partial<FlowReading> => {
    const [one, other] = [a[name], b[name]];
    return one === undefined || other === undefined ? {} : { [name]: choose(one, other) };
  };
  return {
    ...a,
    packets: (a.packets ?? 0) + (b.packets ?? 0),
    octets: (a.octets ?? 0) + (b.octets ?? 0),
    ...of('startMs', Math.min),
    ...of('endMs', Math.max),
  };
}
