import assert from 'node:assert/strict';
import { type Decoded, decoded } from '../support/decoded.ts';
import { frame, type FrameSpec, patched, TCP_FLAGS } from '../support/frames.ts';

const V4 = { source: '192.0.2.1', destination: '198.51.100.9' } as const;
const V6 = { source: '2001:db8:f::1', destination: '2001:db8:8::9' } as const;
const v4 = (spec: Partial<FrameSpec> = {}): Uint8Array => frame({ ...V4, ...spec });
const v6 = (spec: Partial<FrameSpec> = {}): Uint8Array => frame({ ...V6, ...spec });

/** Where headers and their fields stand in an untagged frame. */
const IP = 14;
const TCP_OVER_V4 = IP + 20;
const TCP_OVER_V6 = IP + 40;
const TOTAL_LENGTH = IP + 2;
const PAYLOAD_LENGTH = IP + 4;
const PORTS = { sourcePort: 40000, destinationPort: 80 } as const;
const NO_PORTS = { sourcePort: -1, destinationPort: -1 } as const;
const MORE_FRAGMENTS = 0x2000;

/** An extension header of 8 bytes with nothing in it. */
const EMPTY = [0, 1, 4, 0, 0, 0, 0] as const;
/** A fragment header (RFC 8200 section 4.5) after its next header field. */
const fragment = (offset: number, more: 0 | 1): [number, ...number[]] => {
  const field = (offset << 3) | more;
  return [44, 0, field >> 8, field & 255, 0, 0, 0, 7];
};
/** An authentication header of `length` bytes: a multiple of 4, from 12. */
const authentication = (length: number): [number, ...number[]] => [
  51,
  length / 4 - 2,
  ...Array<number>(length - 2).fill(0),
];

type Row = readonly [criterion: string, bytes: Uint8Array, expected: Partial<Decoded>];

const ipv4: readonly Row[] = [
  [
    'TCP',
    v4(),
    { frame: 'ip', ...V4, kind: 'tcpSyn', protocol: 6, ...PORTS, headerLength: 54, flags: 2, reason: 'none' },
  ],
  ['UDP', v4({ protocol: 'udp' }), { ...V4, kind: 'udp', protocol: 17, ...PORTS, headerLength: 42, reason: 'none' }],
  ['a UDP port of 65535', v4({ protocol: 'udp', sourcePort: 65535 }), { sourcePort: 65535, destinationPort: 80 }],
  ['ICMP', v4({ protocol: 'icmp' }), { kind: 'icmp', headerLength: 42, flags: 0x0800, reason: 'none' }],
  [
    'ICMP "port unreachable"',
    patched(v4({ protocol: 'icmp' }), IP + 20, 3, 3),
    { kind: 'icmp', sourcePort: -1, destinationPort: 0x0303, flags: 0x0303, reason: 'none' },
  ],
  [
    'GRE',
    v4({ protocol: 47 }),
    { kind: 'other', protocol: 47, ...NO_PORTS, headerLength: 34, flags: 0, reason: 'none' },
  ],
  ['addresses with the top bit set', v4({ source: '255.254.253.252' }), { source: '255.254.253.252' }],
  ['options', v4({ options: [7, 7, 4, 0, 0, 0, 0, 0] }), { ...PORTS, headerLength: 62, reason: 'none' }],
  ['40 bytes of options', v4({ options: Array<number>(40).fill(1) }), { ...PORTS, headerLength: 94, reason: 'none' }],
  ['padding to 60 bytes', Uint8Array.from([...v4(), 0, 0, 0, 0, 0, 0]), { ...PORTS, headerLength: 54, reason: 'none' }],
  ['total length 0, a super-packet', patched(v4(), TOTAL_LENGTH, 0, 0), { ...PORTS, reason: 'none' }],
  [
    'a total length beyond the frame',
    patched(v4(), TOTAL_LENGTH, 0xff, 0xff),
    { ...V4, ...PORTS, kind: 'tcpSyn', reason: 'ipv4TotalLength' },
  ],
  ['a total length one byte beyond', patched(v4(), TOTAL_LENGTH, 0, 41), { ...PORTS, reason: 'ipv4TotalLength' }],
  [
    'a total length beyond the frame, of UDP',
    patched(v4({ protocol: 'udp' }), TOTAL_LENGTH, 0, 29, 0, 1, 0, 0, 64, 17),
    { kind: 'udp', ...PORTS, reason: 'ipv4TotalLength' },
  ],
  [
    'a total length shorter than the header',
    patched(v4(), TOTAL_LENGTH, 0, 19),
    { ...PORTS, reason: 'ipv4TotalLength' },
  ],
  [
    'a total length that cuts the TCP header',
    patched(v4(), TOTAL_LENGTH, 0, 39),
    { ...V4, kind: 'other', protocol: 6, ...NO_PORTS, reason: 'tcpTruncated' },
  ],
  ['19 bytes of header', v4().subarray(0, IP + 19), { frame: 'unreadable', reason: 'ipv4Truncated' }],
  ['no header at all', v4().subarray(0, IP), { frame: 'unreadable', reason: 'ipv4Truncated' }],
  ['version 5', patched(v4(), IP, 0x55), { frame: 'unreadable', reason: 'ipv4Version' }],
  ['version 6', patched(v4(), IP, 0x65), { frame: 'unreadable', reason: 'ipv4Version' }],
  ['a header length of 16', patched(v4(), IP, 0x44), { frame: 'unreadable', reason: 'ipv4HeaderLength' }],
  [
    'a header length beyond the frame',
    patched(v4().subarray(0, IP + 24), IP, 0x4f),
    { ...V4, kind: 'other', ...NO_PORTS, reason: 'tcpTruncated' },
  ],
  [
    'a header length beyond the frame, of a later fragment without a total length',
    patched(v4({ fragment: 185 }).subarray(0, IP + 24), IP, 0x4f, 0, 0, 0),
    { ...V4, kind: 'fragment', ...NO_PORTS, reason: 'ipv4HeaderLength' },
  ],
  ['the "do not fragment" bit', v4({ fragment: 0x4000 }), { kind: 'tcpSyn', ...PORTS, reason: 'none' }],
  ['the reserved bit', v4({ fragment: 0x8000 }), { kind: 'tcpSyn', ...PORTS, reason: 'none' }],
  [
    'a first fragment',
    v4({ protocol: 'udp', fragment: MORE_FRAGMENTS, payload: 8 }),
    { kind: 'fragment', protocol: 17, ...PORTS, headerLength: 42, reason: 'none' },
  ],
  [
    "a first fragment whose datagram's length is that of the whole",
    patched(v4({ protocol: 'udp', fragment: MORE_FRAGMENTS, payload: 8 }), IP + 24, 0x10, 0),
    { kind: 'fragment', ...PORTS, reason: 'none' },
  ],
  [
    'a first fragment too short for TCP (RFC 3128)',
    patched(v4({ fragment: MORE_FRAGMENTS }).subarray(0, IP + 28), TOTAL_LENGTH, 0, 28),
    { kind: 'fragment', protocol: 6, ...NO_PORTS, reason: 'tcpTruncated' },
  ],
  [
    'a later fragment',
    v4({ protocol: 'udp', fragment: MORE_FRAGMENTS | 185 }),
    { ...V4, kind: 'fragment', protocol: 17, ...NO_PORTS, headerLength: 34, flags: 0, reason: 'none' },
  ],
  ['the last fragment', v4({ fragment: 0x1fff }), { kind: 'fragment', ...NO_PORTS, headerLength: 34, reason: 'none' }],
];

const ipv6: readonly Row[] = [
  [
    'TCP',
    v6(),
    { frame: 'ip', ...V6, kind: 'tcpSyn', protocol: 6, ...PORTS, headerLength: 74, flags: 2, reason: 'none' },
  ],
  ['UDP', v6({ protocol: 'udp' }), { ...V6, kind: 'udp', protocol: 17, ...PORTS, headerLength: 62, reason: 'none' }],
  ['ICMPv6', v6({ protocol: 'icmp' }), { kind: 'icmp', protocol: 58, headerLength: 62, flags: 0x8000, reason: 'none' }],
  ['no next header', v6({ protocol: 59 }), { kind: 'other', protocol: 59, ...NO_PORTS, headerLength: 54, flags: 0 }],
  ['ESP', v6({ protocol: 50 }), { kind: 'other', protocol: 50, ...NO_PORTS, headerLength: 54, reason: 'none' }],
  ...[0, 43, 60, 135, 139, 140].map((number): Row => {
    const long = [1, ...Array<number>(14).fill(0)];
    const bytes = v6({ protocol: 'udp', extensions: [[number, ...long]] });
    return [`extension header ${number}`, bytes, { kind: 'ipv6Extension', ...PORTS, headerLength: 78, reason: 'none' }];
  }),
  ...[12, 16, 24, 44].map((length): Row => {
    const bytes = v6({ extensions: [authentication(length)] });
    return [
      `an authentication header of ${length} bytes`,
      bytes,
      { kind: 'ipv6Extension', ...PORTS, headerLength: 74 + length },
    ];
  }),
  [
    'a chain of extension headers',
    v6({ protocol: 'icmp', extensions: [[0, ...EMPTY], [60, ...EMPTY], [43, ...EMPTY], authentication(24)] }),
    { kind: 'ipv6Extension', protocol: 58, headerLength: 110, reason: 'none' },
  ],
  [
    '8 extension headers',
    v6({ extensions: Array.from({ length: 8 }, () => [60, ...EMPTY] as const) }),
    { kind: 'ipv6Extension', ...PORTS, headerLength: 138, reason: 'none' },
  ],
  [
    '9 extension headers',
    v6({ extensions: Array.from({ length: 9 }, () => [60, ...EMPTY] as const) }),
    { ...V6, kind: 'other', protocol: 60, ...NO_PORTS, reason: 'ipv6ExtensionTooMany' },
  ],
  ['an atomic fragment (RFC 6946)', v6({ extensions: [fragment(0, 0)] }), { kind: 'tcpSyn', ...PORTS, reason: 'none' }],
  [
    'a first fragment',
    v6({ protocol: 'udp', extensions: [fragment(0, 1)] }),
    { kind: 'fragment', protocol: 17, ...PORTS, headerLength: 70, reason: 'none' },
  ],
  [
    "a first fragment whose datagram's length is that of the whole",
    patched(v6({ protocol: 'udp', extensions: [fragment(0, 1)] }), IP + 52, 0x10, 0),
    { kind: 'fragment', ...PORTS, reason: 'none' },
  ],
  [
    'a later fragment',
    v6({ protocol: 'udp', extensions: [fragment(181, 1)] }),
    { ...V6, kind: 'fragment', protocol: 17, ...NO_PORTS, headerLength: 62, reason: 'none' },
  ],
  [
    'the last fragment, of an extension header',
    v6({ protocol: 60, extensions: [[0, ...EMPTY], fragment(8191, 0)] }),
    { kind: 'fragment', protocol: 60, ...NO_PORTS, headerLength: 70, reason: 'none' },
  ],
  [
    'a jumbogram (RFC 2675)',
    patched(v6({ payload: 100, extensions: [[0, 0, 0xc2, 4, 0, 1, 0, 0]] }), PAYLOAD_LENGTH, 0, 0),
    { kind: 'tcpSyn', ...PORTS, headerLength: 82, reason: 'none' },
  ],
  [
    'a payload length beyond the frame',
    patched(v6(), PAYLOAD_LENGTH, 0xff, 0xff),
    { ...V6, ...PORTS, reason: 'ipv6Truncated' },
  ],
  ['padding behind the payload', Uint8Array.from([...v6({ protocol: 'udp' }), 0, 0]), { ...PORTS, reason: 'none' }],
  [
    'a payload length that cuts the transport header',
    patched(v6(), PAYLOAD_LENGTH, 0, 19),
    { kind: 'other', protocol: 6, ...NO_PORTS, reason: 'tcpTruncated' },
  ],
  [
    'an extension header that is cut',
    v6({ extensions: [[0, ...EMPTY]] }).subarray(0, TCP_OVER_V6 + 7),
    { ...V6, kind: 'other', protocol: 0, ...NO_PORTS, reason: 'ipv6ExtensionTruncated' },
  ],
  ...([6, 17, 58, 59, 60, 132] as const).map((next): Row => [
    `an extension header that ends behind the packet, before ${next}`,
    v6({ protocol: next, extensions: [[0, 255, 1, 4, 0, 0, 0, 0]] }),
    { ...V6, kind: 'other', ...NO_PORTS, headerLength: 54, reason: 'ipv6ExtensionTruncated' },
  ]),
  ['39 bytes of header', v6().subarray(0, IP + 39), { frame: 'unreadable', reason: 'ipv6Truncated' }],
  ['version 4', patched(v6(), IP, 0x45), { frame: 'unreadable', reason: 'ipv6Version' }],
  [
    'a source that would pass for IPv4',
    patched(v6(), IP + 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
    { frame: 'unreadable', reason: 'ipv6MappedAddress' },
  ],
  [
    'a destination that would pass for IPv4',
    patched(v6(), IP + 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
    { frame: 'unreadable', reason: 'ipv6MappedAddress' },
  ],
];

const { fin, syn, rst, psh, ack, urg, ece, cwr } = TCP_FLAGS;
const flagged = (flags: number): Uint8Array => v4({ flags });

const transport: readonly Row[] = [
  ['SYN', flagged(syn), { kind: 'tcpSyn' }],
  ['SYN with ECE and CWR (RFC 3168)', flagged(syn | ece | cwr), { kind: 'tcpSyn', flags: 0xc2 }],
  ['SYN and ACK', flagged(syn | ack), { kind: 'tcpSynAck' }],
  ['ACK', flagged(ack), { kind: 'tcpAck' }],
  ['PSH and ACK', flagged(psh | ack), { kind: 'tcpAck' }],
  ['URG and ACK', flagged(urg | ack), { kind: 'tcpAck' }],
  ['FIN and ACK', flagged(fin | ack), { kind: 'tcpFin' }],
  ['FIN, PSH and ACK', flagged(fin | psh | ack), { kind: 'tcpFin' }],
  ['RST', flagged(rst), { kind: 'tcpRst' }],
  ['RST and ACK', flagged(rst | ack), { kind: 'tcpRst' }],
  ['no flag', flagged(0), { kind: 'tcpOdd' }],
  ['FIN alone', flagged(fin), { kind: 'tcpOdd' }],
  ['FIN, PSH and URG (Xmas)', flagged(fin | psh | urg), { kind: 'tcpOdd' }],
  ['SYN and FIN', flagged(syn | fin), { kind: 'tcpOdd' }],
  ['SYN and RST', flagged(syn | rst), { kind: 'tcpOdd' }],
  ['FIN and RST', flagged(fin | rst), { kind: 'tcpOdd' }],
  ['all flags', flagged(255), { kind: 'tcpOdd', flags: 255 }],
  [
    'a TCP header of 19 bytes',
    patched(v4().subarray(0, 53), TOTAL_LENGTH, 0, 39),
    { kind: 'other', protocol: 6, ...NO_PORTS, reason: 'tcpTruncated' },
  ],
  [
    'a TCP data offset of 16 bytes',
    patched(v4(), TCP_OVER_V4 + 12, 0x40),
    { kind: 'tcpSyn', ...PORTS, headerLength: 50, reason: 'tcpHeaderLength' },
  ],
  [
    'a TCP data offset beyond the packet',
    patched(v4(), TCP_OVER_V4 + 12, 0xf0),
    { kind: 'tcpSyn', ...PORTS, reason: 'tcpHeaderLength' },
  ],
  ['TCP options', patched(v4({ payload: 12 }), TCP_OVER_V4 + 12, 0x80), { headerLength: 66, reason: 'none' }],
  [
    'a UDP header of 7 bytes',
    patched(v4({ protocol: 'udp' }).subarray(0, 41), TOTAL_LENGTH, 0, 27),
    { kind: 'udp', protocol: 17, ...NO_PORTS, reason: 'udpTruncated' },
  ],
  [
    'a UDP length of 7',
    patched(v4({ protocol: 'udp' }), TCP_OVER_V4 + 4, 0, 7),
    { kind: 'udp', ...PORTS, reason: 'udpLength' },
  ],
  [
    'a UDP length beyond the packet',
    patched(v4({ protocol: 'udp', payload: 4 }), TCP_OVER_V4 + 4, 0, 13),
    { kind: 'udp', ...PORTS, reason: 'udpLength' },
  ],
  ['a UDP length of 0', patched(v4({ protocol: 'udp' }), TCP_OVER_V4 + 4, 0, 0), { ...PORTS, reason: 'none' }],
  [
    'a UDP length shorter than the packet',
    patched(v4({ protocol: 'udp', payload: 9 }), TCP_OVER_V4 + 4, 0, 9),
    { ...PORTS, reason: 'none' },
  ],
  [
    'an ICMP header of 7 bytes',
    patched(v4({ protocol: 'icmp' }).subarray(0, 41), TOTAL_LENGTH, 0, 27),
    { kind: 'icmp', ...NO_PORTS, reason: 'icmpTruncated' },
  ],
];

/** Cut by the snap length, so that the wire had all of it. */
const snapped: readonly (readonly [
  criterion: string,
  captured: number,
  bytes: Uint8Array,
  expected: Partial<Decoded>,
])[] = [
  ['nothing', 0, v4(), { frame: 'unreadable', reason: 'snapped' }],
  ['13 bytes', 13, v4(), { frame: 'unreadable', reason: 'snapped' }],
  ['half a tag', 16, v4({ vlans: [8] }), { frame: 'unreadable', reason: 'snapped' }],
  ['half an IPv4 header', 33, v4(), { frame: 'unreadable', reason: 'snapped' }],
  ['half an IPv6 header', 53, v6(), { frame: 'unreadable', reason: 'snapped' }],
  ['all but a byte of an IPv4 packet that has no more', 33, v4({ protocol: 59 }), { reason: 'snapped' }],
  ['all but a byte of an IPv6 packet that has no more', 53, v6({ protocol: 59 }), { reason: 'snapped' }],
  ['all but a byte of an ICMP packet that has no more', 41, v4({ protocol: 'icmp' }), { reason: 'none' }],
  ['TCP up to its flags', 48, v4(), { kind: 'tcpSyn', ...PORTS, headerLength: 54, reason: 'none' }],
  ['TCP before its flags', 47, v4(), { ...V4, kind: 'other', protocol: 6, ...NO_PORTS, reason: 'snapped' }],
  ['half a UDP header', 41, v4({ protocol: 'udp' }), { ...V4, kind: 'udp', ...NO_PORTS, reason: 'snapped' }],
  ["ICMP's type and code", 36, v4({ protocol: 'icmp' }), { kind: 'icmp', flags: 0x0800, reason: 'none' }],
  ["ICMP's type only", 35, v4({ protocol: 'icmp' }), { kind: 'icmp', flags: 0, reason: 'snapped' }],
  [
    'half an extension header',
    58,
    v6({ extensions: [[0, ...EMPTY]] }),
    { ...V6, kind: 'other', ...NO_PORTS, reason: 'snapped' },
  ],
  ['all headers, of a long packet', 54, v4({ payload: 1400 }), { kind: 'tcpSyn', ...PORTS, reason: 'none' }],
];

function check(actual: Decoded, expected: Partial<Decoded>): void {
  const stated = Object.fromEntries(Object.entries(actual).filter(([key]) => key in expected));
  assert.deepEqual(stated, expected);
}

describe('decodeFrame', () => {
  for (const [layer, rows] of Object.entries({ IPv4: ipv4, IPv6: ipv6, transport })) {
    for (const [criterion, bytes, expected] of rows)
      it(`reads ${layer}: ${criterion}`, () => check(decoded(bytes), expected));
  }
  for (const [criterion, captured, bytes, expected] of snapped)
    it(`tells what the snap length cut from what was never there: ${criterion}`, () => {
      check(decoded(bytes, undefined, { captured }), expected);
    });
});
