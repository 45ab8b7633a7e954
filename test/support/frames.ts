/** Frames for tests: built header by header, and put into the blocks that probes give. */
import assert from 'node:assert/strict';
import { parseAddress } from '../../daemon/tenants/prefix.ts';
import { type FrameBlock, LINKTYPE_ETHERNET } from '../../probes/probe.ts';

export interface FrameSpec {
  readonly source: string;
  readonly destination: string;
  readonly protocol?: 'tcp' | 'udp' | 'icmp' | number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** TCP flags; SYN by default. */
  readonly flags?: number;
  /** Bytes of payload behind the transport's header. */
  readonly payload?: number;
  /** IPv4: flags and offset field as it stands. */
  readonly fragment?: number;
  readonly vlans?: readonly number[];
  /** IPv4: option bytes, a multiple of 4. */
  readonly options?: ArrayLike<number> & Iterable<number>;
  /** IPv6: extension headers in order, their number and what follows the next header field. */
  readonly extensions?: readonly (readonly [number: number, ...body: number[]])[];
}

export const TCP_FLAGS = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const;

const NUMBERS = { tcp: 6, udp: 17, icmp: 1 } as const;
const ICMPV6 = 58;

const knownAddresses = new Map<string, number[]>();

/** The 4 or 16 bytes of an address. */
function addressBytes(text: string): number[] {
  const known = knownAddresses.get(text) ?? readAddress(text);
  knownAddresses.set(text, known);
  return known;
}

function readAddress(text: string): number[] {
  const words = parseAddress(text);
  assert(words !== null, `${text} is an address`);
  const bytes = words.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
  return text.includes(':') ? bytes : bytes.slice(12);
}

const u16 = (value: number): number[] => [(value >> 8) & 255, value & 255];

function transport(spec: FrameSpec, protocol: number): number[] {
  const { sourcePort = 40000, destinationPort = 80, flags = TCP_FLAGS.syn, payload = 0 } = spec;
  const ports = [...u16(sourcePort), ...u16(destinationPort)];
  const body = Array<number>(payload).fill(0);
  if (protocol === 6) return [...ports, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0, ...body];
  if (protocol === 17) return [...ports, ...u16(8 + payload), 0, 0, ...body];
  if (protocol === 1) return [8, 0, 0, 0, 0, 1, 0, 1, ...body];
  if (protocol === ICMPV6) return [128, 0, 0, 0, 0, 1, 0, 1, ...body];
  return body;
}

function ipv4(spec: FrameSpec, protocol: number, body: readonly number[]): number[] {
  const { source, destination, fragment = 0, options = [] } = spec;
  const length = 20 + options.length;
  const start = [0x40 + length / 4, 0, ...u16(length + body.length), 0, 1, ...u16(fragment), 64, protocol, 0, 0];
  return [...start, ...addressBytes(source), ...addressBytes(destination), ...options, ...body];
}

function ipv6(spec: FrameSpec, protocol: number, body: readonly number[]): number[] {
  const { source, destination, extensions = [] } = spec;
  const chain = [...extensions.map(([number]) => number), protocol];
  const payload = [...extensions.flatMap(([, ...rest], i) => [chain[i + 1] ?? protocol, ...rest]), ...body];
  const start = [0x60, 0, 0, 0, ...u16(payload.length), chain[0] ?? protocol, 64];
  return [...start, ...addressBytes(source), ...addressBytes(destination), ...payload];
}

/** An Ethernet frame, unpadded. */
export function frame(spec: FrameSpec): Uint8Array {
  const isV6 = spec.source.includes(':');
  const named = spec.protocol ?? 'tcp';
  let protocol = typeof named === 'number' ? named : NUMBERS[named];
  if (isV6 && named === 'icmp') protocol = ICMPV6;
  const body = transport(spec, protocol);
  const tags = (spec.vlans ?? []).flatMap((vlan) => [0x81, 0x00, ...u16(vlan)]);
  const link = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...tags, ...(isV6 ? [0x86, 0xdd] : [0x08, 0x00])];
  return Uint8Array.from([...link, ...(isV6 ? ipv6 : ipv4)(spec, protocol, body)]);
}

/** A copy with other bytes from `at` on: a field that lies. */
export function patched(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

export interface TimedFrame {
  readonly bytes: Uint8Array;
  readonly timeMs?: number;
  readonly wireLength?: number;
  readonly segmentSize?: number;
  readonly vlanTag?: number;
}

/**
 * One block with the frames in order; each frame's memory follows the one before. As in a probe's blocks, the arrays go
 * on behind the count: the last frame stands there again.
 */
export function blockOf(frames: readonly TimedFrame[], linkType = LINKTYPE_ETHERNET): FrameBlock {
  const all = [...frames, ...frames.slice(-1)];
  let end = 0;
  const offsets = Uint32Array.from(all, (one) => (end += one.bytes.length) - one.bytes.length);
  return {
    bytes: Buffer.concat(all.map((one) => one.bytes)),
    linkType,
    count: frames.length,
    offsets,
    capturedLengths: Uint32Array.from(all, (one) => one.bytes.length),
    wireLengths: Uint32Array.from(all, (one) => one.wireLength ?? one.bytes.length),
    timesMs: Float64Array.from(all, (one) => one.timeMs ?? 0),
    segmentSizes: Uint16Array.from(all, (one) => one.segmentSize ?? 0),
    vlanTags: Uint32Array.from(all, (one) => one.vlanTag ?? 0),
    flags: new Uint8Array(all.length),
  };
}

/** Where the addresses stand in an untagged frame, and how many words they have. */
const ADDRESS_AT = {
  4: { source: 26, destination: 30, words: 1 },
  6: { source: 22, destination: 38, words: 4 },
} as const;

/** Writes over the source or destination of frame `i`; `random` gives each word. The frames are without VLAN tags. */
export function readdress(
  block: FrameBlock,
  i: number,
  family: 4 | 6,
  end: 'source' | 'destination',
  random: () => number,
): void {
  const { words, [end]: at } = ADDRESS_AT[family];
  const start = block.bytes.byteOffset + (block.offsets[i] ?? 0);
  const view = new DataView(block.bytes.buffer, start, block.capturedLengths[i]);
  for (let word = 0; word < words; word++) view.setUint32(at + word * 4, random());
}
