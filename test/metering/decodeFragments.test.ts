import assert from 'node:assert/strict';
import { decodeFrame } from '../../daemon/metering/decode.ts';
import { ANOMALIES, DECODE_REASONS, PACKET_KINDS } from '../../daemon/metering/decodeResult.ts';
import { Header } from '../../daemon/metering/header.ts';
import { LINKTYPE_ETHERNET } from '../../probes/probe.ts';
import { frame, type FrameSpec, patched } from '../support/frames.ts';

const V4 = { source: '192.0.2.1', destination: '198.51.100.9' } as const;
const V6 = { source: '2001:db8:f::1', destination: '2001:db8:8::9' } as const;
/** The first fragment header of an IPv6 packet stands behind 14 bytes of Ethernet and 40 of IPv6. */
const FRAGMENT_HEADER = 54;

type Extension = [number: number, ...body: number[]];

const fragment = (offset: number, more: 0 | 1): Extension => [44, 0, offset >> 8, (offset & 255) | more, 1, 2, 3, 4];
/** Destination options of `octets`, padded. */
const options = (octets: number): Extension => [60, octets / 8 - 1, ...Array<number>(octets - 2).fill(0)];

interface Told {
  readonly kind: string | undefined;
  readonly reason: string | undefined;
  readonly anomalies: readonly string[];
  readonly offset: number;
  readonly length: number;
  readonly more: boolean;
  readonly id: number;
}

/** What the header says of the fragment that `bytes` are, of which `captured` are there. */
function told(bytes: Uint8Array, captured = bytes.length): Told {
  const header = new Header();
  const view = new DataView(bytes.slice(0, captured).buffer);
  decodeFrame(view, 0, captured, bytes.length, LINKTYPE_ETHERNET, header);
  return {
    kind: PACKET_KINDS[header.kind],
    reason: DECODE_REASONS[header.reason],
    anomalies: ANOMALIES.filter((_, bit) => (header.anomalies & (1 << bit)) !== 0),
    offset: header.fragmentOffset,
    length: header.fragmentLength,
    more: header.hasMoreFragments,
    id: header.fragmentId,
  };
}

const v6 = (extensions: readonly Extension[], spec: Partial<FrameSpec> = {}): Uint8Array =>
  frame({ ...V6, extensions, ...spec });

const FIRST = { kind: 'fragment', offset: 0, more: true, id: 0x0102_0304 } as const;

/** RFC 8200 section 4.5: the length of a fragment is what stands behind its Fragment header. */
const rows: readonly (readonly [criterion: string, told: Told, expected: Partial<Told>])[] = [
  ['of IPv6, a first one', told(v6([fragment(0, 1)], { payload: 492 })), { ...FIRST, length: 512, anomalies: [] }],
  [
    'of IPv6, a first one with extension headers in front of its fragment header and behind it',
    told(v6([options(16), fragment(0, 1), options(24)], { payload: 468 })),
    { ...FIRST, length: 512, anomalies: [] },
  ],
  [
    'of IPv6, a later one of a packet with extension headers',
    told(v6([options(16), fragment(512, 0)], { protocol: 60, payload: 100 })),
    { kind: 'fragment', offset: 512, more: false, length: 100, anomalies: [] },
  ],
  [
    'of IPv6, whose other headers are not captured',
    told(v6([fragment(0, 1), options(256)], { payload: 236 }), FRAGMENT_HEADER + 12),
    { ...FIRST, reason: 'snapped', length: 512, anomalies: [] },
  ],
  [
    'of IPv6, that ends within an extension header (RFC 7112)',
    told(patched(v6([fragment(0, 1), options(128)], { protocol: 59 }), FRAGMENT_HEADER + 9, 255)),
    { ...FIRST, reason: 'ipv6ExtensionTruncated', length: 128, anomalies: ['tinyFragment'] },
  ],
  [
    'of IPv6, that ends before an extension header (RFC 7112)',
    told(patched(v6([fragment(0, 1), options(128)], { protocol: 60 }), FRAGMENT_HEADER + 8 + 128)),
    { ...FIRST, reason: 'ipv6ExtensionTruncated', length: 128, anomalies: ['tinyFragment'] },
  ],
  [
    'of IPv6, that ends within the options of its TCP header (RFC 7112)',
    told(patched(v6([fragment(0, 1), options(128)], { payload: 4 }), FRAGMENT_HEADER + 8 + 128 + 12, 0xf0)),
    { ...FIRST, reason: 'tcpHeaderLength', anomalies: ['tinyFragment'] },
  ],
  [
    'of IPv6, with more extension headers than there are kinds of',
    told(v6([fragment(0, 1), ...Array.from({ length: 8 }, () => options(16))], { payload: 108 })),
    { ...FIRST, reason: 'ipv6ExtensionTooMany', length: 256, anomalies: ['extensionOrder'] },
  ],
  [
    'of IPv6, an atomic one that ends within an extension header is a packet like any',
    told(patched(v6([fragment(0, 0), options(8)], { protocol: 59 }), FRAGMENT_HEADER + 9, 1)),
    { kind: 'other', reason: 'ipv6ExtensionTruncated', anomalies: ['tinyFragment'] },
  ],
  [
    'of IPv6, a first one that holds an atomic one',
    told(v6([fragment(0, 1), fragment(0, 0)], { payload: 484 })),
    { ...FIRST, length: 512, anomalies: ['extensionOrder'] },
  ],
  [
    'of IPv6, a later one behind an atomic one',
    told(v6([fragment(0, 0), fragment(512, 1)], { payload: 492 })),
    { ...FIRST, offset: 512, length: 512, anomalies: ['extensionOrder'] },
  ],
  [
    'of IPv6, of a packet that says it is longer than it is',
    told(patched(v6([fragment(0, 1)], { payload: 4 }).subarray(0, 14 + 40 + 8 + 12), 18, 2, 0)),
    { ...FIRST, reason: 'tcpTruncated', anomalies: [] },
  ],
  [
    'of IPv4, of a packet that says it is longer than it is',
    told(patched(frame({ ...V4, fragment: 0x2000 }).subarray(0, 14 + 20 + 13), 16, 2, 0)),
    { kind: 'fragment', reason: 'tcpTruncated', anomalies: [] },
  ],
];

describe('decodeFrame of a fragment', () => {
  for (const [criterion, is, expected] of rows) it(criterion, () => assert.deepEqual(is, { ...is, ...expected }));
});
