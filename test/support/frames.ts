/** Frames for tests: built header by header, and put into the blocks that probes give. */
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
  /** IPv4 option bytes, or IPv6 extension headers: [next header value, bytes] each. */
  readonly options?: Uint8Array;
}

export const TCP_FLAGS = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const;

const NUMBERS = { tcp: 6, udp: 17, icmp: 1 } as const;
const ICMPV6 = 58;

export function parseIPv4(text: string): number[] {
  return text.split('.').map(Number);
}

export function parseIPv6(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const first = groups(head);
  const last = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...Array<number>(zeros).fill(0), ...last].flatMap((group) => [group >> 8, group & 255]);
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

/** An Ethernet frame, unpadded. */
export function frame(spec: FrameSpec): Uint8Array {
  const isV6 = spec.source.includes(':');
  const named = spec.protocol ?? 'tcp';
  let protocol = typeof named === 'number' ? named : NUMBERS[named];
  if (isV6 && named === 'icmp') protocol = ICMPV6;
  const body = transport(spec, protocol);
  const tags = (spec.vlans ?? []).flatMap((vlan) => [0x81, 0x00, ...u16(vlan)]);
  const link = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...tags, ...(isV6 ? [0x86, 0xdd] : [0x08, 0x00])];
  const options = [...(spec.options ?? [])];
  const ip = isV6
    ? [0x60, 0, 0, 0, ...u16(body.length), protocol, 64, ...parseIPv6(spec.source), ...parseIPv6(spec.destination)]
    : [
        0x45 + options.length / 4,
        0,
        ...u16(20 + options.length + body.length),
        0,
        1,
        ...u16(spec.fragment ?? 0),
        64,
        protocol,
        0,
        0,
        ...parseIPv4(spec.source),
        ...parseIPv4(spec.destination),
        ...options,
      ];
  return Uint8Array.from([...link, ...ip, ...body]);
}

export interface TimedFrame {
  readonly bytes: Uint8Array;
  readonly timeMs?: number;
  readonly wireLength?: number;
  readonly segmentSize?: number;
  readonly vlanTag?: number;
}

/** One block with the frames in order; each frame's memory follows the one before. */
export function blockOf(frames: readonly TimedFrame[], linkType = LINKTYPE_ETHERNET): FrameBlock {
  const bytes = new Uint8Array(frames.reduce((sum, { bytes: one }) => sum + one.length, 0));
  const offsets = new Uint32Array(frames.length);
  let at = 0;
  frames.forEach(({ bytes: one }, i) => {
    bytes.set(one, at);
    offsets[i] = at;
    at += one.length;
  });
  return {
    bytes,
    linkType,
    count: frames.length,
    offsets,
    capturedLengths: Uint32Array.from(frames, (one) => one.bytes.length),
    wireLengths: Uint32Array.from(frames, (one) => one.wireLength ?? one.bytes.length),
    timesMs: Float64Array.from(frames, (one) => one.timeMs ?? 0),
    segmentSizes: Uint16Array.from(frames, (one) => one.segmentSize ?? 0),
    vlanTags: Uint32Array.from(frames, (one) => one.vlanTag ?? 0),
    flags: new Uint8Array(frames.length),
  };
}
