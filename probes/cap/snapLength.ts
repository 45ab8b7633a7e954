/**
 * How much of a frame is handed on: its headers, or the whole of it when it is signalling. The same rule as the ring's
 * filter (ring/snapFilter.ts), which runs in the kernel; `cap` has no place for it there. Pure.
 */
import { LINKTYPE_ETHERNET, LINKTYPE_LINUX_SLL, LINKTYPE_NULL, LINKTYPE_RAW } from '../probe.ts';

export type SnapLength = (bytes: Uint8Array, length: number) => number;

/** Ethernet, two VLAN tags, the longest IPv4 header, both ports: only frames longer than this are looked into. */
const LOOKED_INTO = 14 + 8 + 60 + 4;

const C_TAG = 0x8100;
const S_TAG = 0x88a8;
const TCP = 6;
const UDP = 17;
const IPV6_HEADER_BYTES = 40;

const half = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

export function snapLengthFor(linkType: number, snapLength: number, signallingPorts: readonly number[]): SnapLength {
  const isSignalling = new Uint8Array(1 << 16);
  for (const port of signallingPorts) isSignalling[port] = 1;
  const networkOffset = NETWORK_OFFSETS.get(linkType) ?? nowhere;
  const shortest = Math.max(snapLength, LOOKED_INTO);
  return (bytes, length) => {
    if (length <= shortest) return Math.min(length, snapLength);
    const network = networkOffset(bytes);
    const ports = network < 0 ? -1 : portsOffset(bytes, network);
    if (ports < 0) return snapLength;
    return (isSignalling[half(bytes, ports)]! | isSignalling[half(bytes, ports + 2)]!) === 0 ? snapLength : length;
  };
}

/** Where the IP header starts, by link type; -1: there is none. */
const NETWORK_OFFSETS: ReadonlyMap<number, (bytes: Uint8Array) => number> = new Map<
  number,
  (bytes: Uint8Array) => number
>([
  [LINKTYPE_ETHERNET, (bytes) => behindTags(bytes, 12)],
  [LINKTYPE_LINUX_SLL, (bytes) => behindTags(bytes, 14)],
  [LINKTYPE_NULL, () => 4],
  [LINKTYPE_RAW, () => 0],
]);
const nowhere = (): number => -1;

/** `type` is where the EtherType is, or the first of at most two tags. */
function behindTags(bytes: Uint8Array, type: number): number {
  let at = type;
  for (let tags = 0; tags < 2 && (half(bytes, at) === C_TAG || half(bytes, at) === S_TAG); tags++) at += 4;
  const etherType = half(bytes, at);
  return etherType === 0x0800 || etherType === 0x86dd ? at + 2 : -1;
}

function portsOffset(bytes: Uint8Array, network: number): number {
  const first = bytes[network]!;
  const isIPv4 = first >>> 4 === 4;
  if (!isIPv4 && first >>> 4 !== 6) return -1;
  const protocol = bytes[network + (isIPv4 ? 9 : 6)];
  if (protocol !== TCP && protocol !== UDP) return -1;
  if (!isIPv4) return network + IPV6_HEADER_BYTES;
  const isLaterFragment = (half(bytes, network + 6) & 0x1fff) !== 0;
  return isLaterFragment ? -1 : network + (first & 0x0f) * 4;
}
