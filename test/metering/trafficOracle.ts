/** What a window must show of some traffic, counted plainly: an object a packet, a map a table, nothing bounded. */
import type { PacketKind } from '../../daemon/metering/decodeResult.ts';
import { parseAddress } from '../../daemon/tenants/prefix.ts';
import { testContext } from '../support/windowBuilder.ts';
import type { Row } from './readWindow.ts';
import { ACTIONS, familyOf, type Packet } from './traffic.ts';

const TRANSPORT_BYTES = { tcp: 20, udp: 8, icmp: 8 } as const;

/** How long the headers of the packet are that frameOf builds. */
function headerBytes(packet: Packet): number {
  const { protocol } = ACTIONS[packet.action];
  const ip = familyOf(packet) === 4 ? 34 : 54;
  if (packet.action === 'fragment') return familyOf(packet) === 4 ? ip : ip + 8;
  return typeof protocol === 'string' ? ip + TRANSPORT_BYTES[protocol] : ip;
}

/** The packet's segments on the wire, each with the headers, and their bytes. */
function onTheWire(packet: Packet, wireLength: number): { packets: number; bytes: number } {
  const headers = headerBytes(packet);
  const packets = packet.segmentSize === 0 ? 1 : Math.max(1, Math.ceil((wireLength - headers) / packet.segmentSize));
  const payload = wireLength - headers;
  return { packets, bytes: packets * (headers + (packet.isTagged ? 4 : 0)) + payload };
}

class Source {
  frames = 0;
  readonly counts = { packets: 0, syn: 0, udp: 0, answered: 0, refused: 0 };
  readonly targets = new Set<string>();
  readonly ports = new Set<number | string>();
}

class Target {
  frames = 0;
  packets = 0;
  bytes = 0;
  readonly kinds: Record<string, number> = {};
}

const add = (row: Record<string, number>, column: string, value: number): void => {
  row[column] = (row[column] ?? 0) + value;
};
const getOr = <V>(map: Map<string, V>, key: string, make: () => V): V => {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
};

const { directory } = testContext();
const tenantOf = (address: string): number => directory.lookup(...(parseAddress(address) ?? [0, 0, 0, 0]));

/** The lines of those whose first frame in the window has opened the door. */
function beyondTheDoor<V extends { frames: number }, R>(lines: Map<string, V>, read: (line: V) => R) {
  const known = [...lines].filter(([, { frames }]) => frames > 1);
  return new Map(known.map(([address, line]) => [address, { tenant: tenantOf(address), ...read(line) }]));
}

export class TrafficOracle {
  readonly totals: Row = {};
  /** By tenant number and direction: `2 inbound`. */
  readonly tenants = new Map<string, Row>();
  readonly sources = new Map<string, Source>();
  readonly targets = new Map<string, Target>();

  /** `frames[i]` is the frame of `packets[i]`. */
  constructor(packets: readonly Packet[], frames: readonly { readonly wireLength: number }[]) {
    packets.forEach((packet, i) => this.#observe(packet, frames[i]?.wireLength ?? 0));
  }

  /** Lines of the table of sources. */
  sourcesOf() {
    return beyondTheDoor(this.sources, ({ counts }) => counts);
  }

  /** Lines of the table of targets. */
  targetsOf() {
    return beyondTheDoor(this.targets, ({ packets, bytes, kinds }) => ({ packets, bytes, kinds }));
  }

  #observe(packet: Packet, wireLength: number): void {
    const { kind, bytesOf, answer } = ACTIONS[packet.action];
    const { packets, bytes } = onTheWire(packet, wireLength);
    const rows = [
      this.totals,
      getOr(this.tenants, `${tenantOf(packet.source)} outbound`, (): Row => ({})),
      getOr(this.tenants, `${tenantOf(packet.destination)} inbound`, (): Row => ({})),
    ];
    for (const row of rows) {
      add(row, kind, packets);
      add(row, `${bytesOf} bytes`, bytes);
    }
    this.#observeSource(packet, kind, packets);
    // Only whom the tables know can be answered.
    const asker = this.sources.get(packet.destination);
    if (answer !== undefined && asker !== undefined && asker.frames > 1) asker.counts[answer] += 1;
    this.#observeTarget(packet, kind, packets, bytes);
  }

  #observeSource({ source, destination, port, action }: Packet, kind: PacketKind, packets: number): void {
    const one = getOr(this.sources, source, () => new Source());
    one.frames += 1;
    if (one.frames === 1) return;
    one.counts.packets += packets;
    if (kind === 'tcpSyn') one.counts.syn += packets;
    if (kind === 'udp') one.counts.udp += packets;
    one.targets.add(destination);
    // The type and code of ICMP stand for a port.
    if (kind !== 'fragment' && kind !== 'other') one.ports.add(kind === 'icmp' ? action : port);
  }

  #observeTarget({ destination }: Packet, kind: PacketKind, packets: number, bytes: number): void {
    const one = getOr(this.targets, destination, () => new Target());
    one.frames += 1;
    if (one.frames === 1) return;
    one.packets += packets;
    one.bytes += bytes;
    add(one.kinds, kind, packets);
  }
}
