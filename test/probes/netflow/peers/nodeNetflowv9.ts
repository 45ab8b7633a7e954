/** node-netflowv9's reading of NetFlow v5 and v9, by the call that its socket's handler makes. */
import { createRequire } from 'node:module';
import type { FlowCapture } from '../../../support/flowCaptures.ts';
import type { PeerReading } from '../../../support/flowReading.ts';

interface Decoded {
  readonly header: { readonly seconds: number; readonly nseconds?: number; readonly uptime: number };
  readonly flows: readonly Readonly<Record<string, number | string>>[];
}

/** The part of it that is used; it has no types of its own. */
type NodeNetflow = new (onData: () => void) => {
  readonly server: { close(): void };
  nfPktDecode(message: Buffer, from: { address: string; port: number; size: number }): Decoded | undefined;
};

/** Of the captures of v5 and v9 alone; `threw`: what it threw for datagrams, which it read nothing of. */
export interface NodeNetflowReading {
  readonly flows: readonly PeerReading[];
  readonly threw: readonly string[];
}

export function readByNodeNetflow({ datagrams }: FlowCapture): NodeNetflowReading {
  const Collector: NodeNetflow = createRequire(import.meta.url)('node-netflowv9');
  const collector = new Collector(() => {});
  const flows: PeerReading[] = [];
  const threw: string[] = [];
  for (const { exporter, bytes } of datagrams) {
    try {
      const decoded = collector.nfPktDecode(Buffer.from(bytes), { address: exporter, port: 2055, size: bytes.length });
      if (decoded !== undefined) flows.push(...readingsOf(decoded));
    } catch (error) {
      threw.push(error instanceof Error ? error.message : String(error));
    }
  }
  collector.server.close();
  return { flows, threw };
}

function readingsOf({ header, flows }: Decoded): PeerReading[] {
  const exportTimeMs = header.seconds * 1000 + (header.nseconds ?? 0) / 1e6;
  return flows
    .filter(({ isOption }) => isOption === undefined)
    .map((flow) => {
      const number = (name: string, otherwise = 0): number => Number(flow[name] ?? otherwise);
      const isOnWayOut = number('in_bytes') === 0 && number('in_pkts') === 0;
      const timeOf = (name: string): number => exportTimeMs - header.uptime + number(name);
      const hasTimes = flow['first_switched'] !== undefined;
      return {
        source: addressOf(flow['ipv4_src_addr'] ?? flow['ipv6_src_addr']),
        destination: addressOf(flow['ipv4_dst_addr'] ?? flow['ipv6_dst_addr']),
        protocol: number('protocol'),
        // It calls them otherwise in v5.
        sourcePort: number('l4_src_port', number('ipv4_src_port')),
        destinationPort: number('l4_dst_port', number('ipv4_dst_port')),
        flags: number('tcp_flags'),
        packets: number(isOnWayOut ? 'out_pkts' : 'in_pkts'),
        octets: number(isOnWayOut ? 'out_bytes' : 'in_bytes', number('in_permanent_bytes')),
        ingress: number('input_snmp'),
        egress: number('output_snmp'),
        ...(hasTimes ? { startMs: timeOf('first_switched'), endMs: timeOf('last_switched') } : {}),
      };
    });
}

/** IPv6 as 32 hexadecimal digits; canonical by way of URL. */
function addressOf(text: number | string | undefined): string {
  const address = String(text);
  if (address.includes('.')) return address;
  const groups = address.match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
