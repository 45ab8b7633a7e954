/** Packets as the meter may get them, of both families, from tenants and strangers; and their frames. */
import * as fc from 'fast-check';
import type { PacketKind } from '../../daemon/metering/decodeResult.ts';
import { frame, type FrameSpec, patched, TCP_FLAGS, type TimedFrame } from '../support/frames.ts';

const { fin, syn, rst, psh, ack } = TCP_FLAGS;

type Action = Pick<FrameSpec, 'protocol' | 'flags' | 'fragment' | 'extensions'> & {
  readonly kind: PacketKind;
  readonly bytesOf: 'tcp' | 'udp' | 'icmp' | 'other';
  readonly answer?: 'answered' | 'refused';
};

const tcp = { protocol: 'tcp', bytesOf: 'tcp' } as const;

const ACTION_NAMES = [
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

export const ACTIONS: Readonly<Record<ActionName, Action>> = {
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

export const familyOf = ({ source }: Packet): 4 | 6 => (source.includes(':') ? 6 : 4);

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

/** Both tenants', and nobody's. */
const addresses = {
  4: ['198.51.100.8', '198.51.100.9', '198.51.100.17', '192.0.2.1', '203.0.113.1', '203.0.113.255'],
  6: ['2001:db8:8::9', '2001:db8:8:1::', '2001:db8:16::1', '2001:db8::1', '2001:db8:f::1', '2001:db8:f::2'],
} as const;

const packetOf = (family: 4 | 6): fc.Arbitrary<Packet> =>
  fc
    .record({
      action: fc.constantFrom(...ACTION_NAMES),
      source: fc.constantFrom(...addresses[family]),
      destination: fc.constantFrom(...addresses[family]),
      port: fc.oneof(fc.constantFrom(53, 80, 5060), fc.integer({ min: 0, max: 65_535 })),
      payload: fc.integer({ min: 0, max: 1400 }),
      segmentSize: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.constantFrom(1, 536, 1448) },
      ),
      isTagged: fc.boolean(),
    })
    .map((packet) => (packet.action === 'fragment' ? { ...packet, segmentSize: 0 } : packet));
export const traffic = fc.array(fc.oneof(packetOf(4), packetOf(6)), { maxLength: 300, size: 'max' });
