/** What a window must show of some traffic, counted plainly: an object a packet, a map a table, nothing bounded. */
import type { PacketKind } from '../../daemon/metering/decodeResult.ts';
import { frame, type FrameSpec, patched, TCP_FLAGS, type TimedFrame } from '../support/frames.ts';

const { fin, syn, rst, psh, ack } = TCP_FLAGS;

type Action = Pick<FrameSpec, 'protocol' | 'flags' | 'fragment' | 'extensions'> & {
  readonly kind: PacketKind;
  readonly bytesOf: 'tcp' | 'udp' | 'icmp' | 'other';
  readonly answer?: 'answered' | 'refused';
};

const tcp = { protocol: 'tcp', bytesOf: 'tcp' } as const;

export const ACTION_NAMES = [
  'syn',
  'synAck',
  'ack',
  'reset',
  'end',
  'odd',
  'udp',
  'ping',
  'unreachable',
  'fragment',
  'tunnel',
] as const;
type ActionName = (typeof ACTION_NAMES)[number];

const ACTIONS: Readonly<Record<ActionName, Action>> = {
  syn: { ...tcp, flags: syn, kind: 'tcpSyn' },
  synAck: { ...tcp, flags: syn | ack, kind: 'tcpSynAck', answer: 'answered' },
  ack: { ...tcp, flags: psh | ack, kind: 'tcpAck' },
  reset: { ...tcp, flags: rst | ack, kind: 'tcpRst', answer: 'refused' },
  end: { ...tcp, flags: fin | ack, kind: 'tcpFin' },
  odd: { ...tcp, flags: 0, kind: 'tcpOdd' },
  udp: { protocol: 'udp', kind: 'udp', bytesOf: 'udp' },
  ping: { protocol: 'icmp', kind: 'icmp', bytesOf: 'icmp' },
  unreachable: { protocol: 'icmp', kind: 'icmp', bytesOf: 'icmp', answer: 'refused' },
  fragment: {
    protocol: 'udp',
    fragment: 0x2001,
    extensions: [[44, 0, 0, 9, 0, 0, 0, 7]],
    kind: 'fragment',
    bytesOf: 'udp',
  },
  tunnel: { protocol: 47, kind: 'other', bytesOf: 'other' },
};

export interface Packet {
  readonly action: ActionName;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly payload: number;
  /** Payload of one segment of a super-packet; 0: it is none. */
  readonly segmentSize: number;
  readonly isTagged: boolean;
}

const SNAP_BYTES = 128;
const VLAN_TAG = 0x8100_0008;
/** Where the ICMP header stands behind an IPv4 header without options, and an IPv6 header. */
const ICMP_AT = { 4: 34, 6: 54 } as const;

const familyOf = ({ source }: Packet): 4 | 6 => (source.includes(':') ? 6 : 4);

export function frameOf(packet: Packet): TimedFrame & { readonly wireLength: number } {
  const { action, source, destination, port, payload, segmentSize, isTagged } = packet;
  const { kind: _, ...spec } = ACTIONS[action];
  let bytes = frame({ ...spec, source, destination, destinationPort: port, payload });
  if (action === 'unreachable') bytes = patched(bytes, ICMP_AT[familyOf(packet)], familyOf(packet) === 4 ? 3 : 1);
  return {
    bytes: bytes.subarray(0, SNAP_BYTES),
    wireLength: bytes.length,
    segmentSize,
    vlanTag: isTagged ? VLAN_TAG : 0,
  };
}

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

export type Row = Record<string, number>;

export class TrafficOracle {
  readonly totals: Row = {};
  /** By tenant number and direction: `2 inbound`. */
  readonly tenants = new Map<string, Row>();
  readonly sources = new Map<string, Source>();
  readonly targets = new Map<string, Target>();
  readonly #tenantOf: (address: string) => number;

  constructor(tenantOf: (address: string) => number) {
    this.#tenantOf = tenantOf;
  }

  observe(packet: Packet, wireLength: number): void {
    const { kind, bytesOf, answer } = ACTIONS[packet.action];
    const { packets, bytes } = onTheWire(packet, wireLength);
    const rows = [
      this.totals,
      getOr(this.tenants, `${this.#tenantOf(packet.source)} outbound`, (): Row => ({})),
      getOr(this.tenants, `${this.#tenantOf(packet.destination)} inbound`, (): Row => ({})),
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
    if (one.frames === 1) return; // the first frame of an address in a window opens the door
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
