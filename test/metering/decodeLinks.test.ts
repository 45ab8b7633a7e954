import assert from 'node:assert/strict';
import { DECODED_LINK_TYPES } from '../../daemon/metering/decodeLinks.ts';
import {
  LINKTYPE_C_HDLC,
  LINKTYPE_ETHERNET,
  LINKTYPE_FDDI,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NFLOG,
  LINKTYPE_NULL,
  LINKTYPE_PPP,
  LINKTYPE_PPP_ETHER,
  LINKTYPE_PPP_HDLC,
  LINKTYPE_RAW,
} from '../../probes/probe.ts';
import { type Decoded, decoded } from '../support/decoded.ts';
import { frame, patched } from '../support/frames.ts';
import { behind, fddi, hex, label, MACS, nflog, PPPOE, sll, sll2, snap, tagged } from '../support/linkFrames.ts';

const V4 = frame({ source: '192.0.2.1', destination: '198.51.100.9', protocol: 'udp' });
const V6 = frame({ source: '2001:db8:f::1', destination: '2001:db8:8::9', protocol: 'udp' });
const IN_V4 = { frame: 'ip', source: '192.0.2.1', destination: '198.51.100.9', kind: 'udp', reason: 'none' } as const;
const IN_V6 = { frame: 'ip', source: '2001:db8:f::1', destination: '2001:db8:8::9', kind: 'udp' } as const;
const ETHERNET = 14;
const UDP_OVER_V4 = 28;
const UDP_OVER_V6 = 48;

const arp = Uint8Array.from([...MACS, ...hex('0806 0001 0800 06 04 0001 020000000002 c0000201 000000000000 c6336409')]);
const labels = (count: number): number[] => Array.from({ length: count }, () => label()).flat();
const nflogOfNothing = Uint8Array.from([2, 0, 0, 40, ...hex('00000100'.repeat(70))]);
const NOTHING = new Uint8Array(0);
const OTHER = { frame: 'other', reason: 'none' } as const;
const TRUNCATED = { frame: 'unreadable', reason: 'linkTruncated' } as const;

type Row = readonly [criterion: string, linkType: number, bytes: Uint8Array, expected: Partial<Decoded>];

const rows: readonly Row[] = [
  ['IPv4', LINKTYPE_ETHERNET, V4, { ...IN_V4, headerLength: ETHERNET + UDP_OVER_V4 }],
  ['IPv6', LINKTYPE_ETHERNET, V6, { ...IN_V6, headerLength: ETHERNET + UDP_OVER_V6 }],
  ['13 bytes', LINKTYPE_ETHERNET, V4.subarray(0, 13), { frame: 'unreadable', reason: 'linkTruncated' }],
  ['nothing', LINKTYPE_ETHERNET, V4.subarray(0, 0), { frame: 'unreadable', reason: 'linkTruncated' }],
  ['ARP', LINKTYPE_ETHERNET, arp, { frame: 'arp', source: '192.0.2.1', destination: '198.51.100.9', reason: 'none' }],
  ['half an ARP', LINKTYPE_ETHERNET, arp.subarray(0, 41), { frame: 'unreadable', reason: 'arpTruncated' }],
  ['LLC, with a length for a type', LINKTYPE_ETHERNET, patched(V4, 12, 0, 28), { frame: 'other', reason: 'none' }],
  ...[0x47, 0x48].map((type): Row => [
    `MPLS of type 0x88${type.toString(16)}, two labels`,
    LINKTYPE_ETHERNET,
    behind([...MACS, 0x88, type, ...label(), ...label(true)], V4),
    { ...IN_V4, headerLength: ETHERNET + 8 + UDP_OVER_V4 },
  ]),
  [
    'MPLS with IPv6 behind a tag',
    LINKTYPE_ETHERNET,
    behind([...tagged(0x8100), 0x88, 0x47, ...label(true)], V6),
    { ...IN_V6, headerLength: ETHERNET + 8 + UDP_OVER_V6 },
  ],
  ['MPLS with a pseudowire', LINKTYPE_ETHERNET, behind([...MACS, 0x88, 0x47, ...label(true), 0], V4), OTHER],
  ['16 labels', LINKTYPE_ETHERNET, behind([...MACS, 0x88, 0x47, ...labels(15), ...label(true)], V4), IN_V4],
  ['17 labels', LINKTYPE_ETHERNET, behind([...MACS, 0x88, 0x47, ...labels(16), ...label(true)], V4), OTHER],
  [
    'MPLS that ends with its label',
    LINKTYPE_ETHERNET,
    behind([...MACS, 0x88, 0x47, ...label(true)], NOTHING),
    TRUNCATED,
  ],
  ['PPPoE', LINKTYPE_ETHERNET, behind([...MACS, ...PPPOE, 0, 0x21], V4), { ...IN_V4, headerLength: 22 + UDP_OVER_V4 }],
  ['PPPoE with IPv6', LINKTYPE_ETHERNET, behind([...MACS, ...PPPOE, 0, 0x57], V6), IN_V6],
  ['PPPoE with LCP', LINKTYPE_ETHERNET, behind([...MACS, ...PPPOE, 0xc0, 0x21], V4), OTHER],
  ['PPPoE discovery', LINKTYPE_ETHERNET, patched(V4, 12, 0x88, 0x63), OTHER],
  ['half a PPPoE', LINKTYPE_ETHERNET, Uint8Array.from([...MACS, ...PPPOE]), TRUNCATED],
  [
    'SNAP',
    LINKTYPE_ETHERNET,
    behind([...MACS, 0, 50, ...snap(0x0800)], V4),
    { ...IN_V4, headerLength: 22 + UDP_OVER_V4 },
  ],
  [
    'SNAP with ARP',
    LINKTYPE_ETHERNET,
    behind([...MACS, 0, 36, ...snap(0x0806)], arp),
    { frame: 'arp', source: '192.0.2.1' },
  ],
  ['SNAP with AppleTalk', LINKTYPE_ETHERNET, behind([...MACS, 0, 50, ...snap(0x809b)], V4), OTHER],
  ['SNAP with another SNAP', LINKTYPE_ETHERNET, behind([...MACS, 0, 50, ...snap(50), ...snap(0x0800)], V4), OTHER],
  ['SNAP of an organisation', LINKTYPE_ETHERNET, behind([...MACS, 0, 50, ...hex('aaaa03 00000c 0800')], V4), OTHER],
  ['spanning tree', LINKTYPE_ETHERNET, behind([...MACS, 0, 7, ...hex('424203 00000000')], NOTHING), OTHER],
  ...[0x8100, 0x88a8, 0x9100].map((type): Row => [
    `a tag of type 0x${type.toString(16)}`,
    LINKTYPE_ETHERNET,
    behind([...tagged(type), 0x08, 0x00], V4),
    { ...IN_V4, headerLength: ETHERNET + 4 + UDP_OVER_V4 },
  ]),
  [
    'QinQ with IPv6',
    LINKTYPE_ETHERNET,
    behind([...tagged(0x88a8, 0x8100), 0x86, 0xdd], V6),
    { ...IN_V6, headerLength: ETHERNET + 8 + UDP_OVER_V6, reason: 'none' },
  ],
  [
    'a tag with ARP',
    LINKTYPE_ETHERNET,
    behind([...tagged(0x8100), 0x08, 0x06], arp),
    { frame: 'arp', source: '192.0.2.1' },
  ],
  [
    '4 tags',
    LINKTYPE_ETHERNET,
    behind([...tagged(0x8100, 0x8100, 0x8100, 0x8100), 0x08, 0x00], V4),
    { ...IN_V4, headerLength: ETHERNET + 16 + UDP_OVER_V4 },
  ],
  [
    '5 tags',
    LINKTYPE_ETHERNET,
    behind([...tagged(0x8100, 0x8100, 0x8100, 0x8100, 0x8100), 0x08, 0x00], V4),
    { frame: 'unreadable', reason: 'vlanTooDeep' },
  ],
  ['half a tag', LINKTYPE_ETHERNET, Uint8Array.from(tagged(0x8100)), { frame: 'unreadable', reason: 'linkTruncated' }],
  ['a tag with LLC', LINKTYPE_ETHERNET, behind([...tagged(0x8100), 0, 28], V4), { frame: 'other', reason: 'none' }],
  ['Linux cooked, IPv4', LINKTYPE_LINUX_SLL, behind(sll(0x0800), V4), { ...IN_V4, headerLength: 16 + UDP_OVER_V4 }],
  ['Linux cooked, IPv6', LINKTYPE_LINUX_SLL, behind(sll(0x86dd), V6), { ...IN_V6, headerLength: 16 + UDP_OVER_V6 }],
  ['Linux cooked, ARP', LINKTYPE_LINUX_SLL, behind(sll(0x0806), arp), { frame: 'arp', source: '192.0.2.1' }],
  ['Linux cooked, 802.2', LINKTYPE_LINUX_SLL, behind(sll(4), V4), { frame: 'other', reason: 'none' }],
  [
    'Linux cooked, tagged',
    LINKTYPE_LINUX_SLL,
    behind([...sll(0x8100), 0, 8, 0x08, 0x00], V4),
    { ...IN_V4, headerLength: 20 + UDP_OVER_V4 },
  ],
  [
    'Linux cooked, 15 bytes',
    LINKTYPE_LINUX_SLL,
    Uint8Array.from(sll(0x0800)).subarray(0, 15),
    { frame: 'unreadable', reason: 'linkTruncated' },
  ],
  ['Linux cooked 2, IPv4', LINKTYPE_LINUX_SLL2, behind(sll2(0x0800), V4), { ...IN_V4, headerLength: 20 + UDP_OVER_V4 }],
  ['Linux cooked 2, IPv6', LINKTYPE_LINUX_SLL2, behind(sll2(0x86dd), V6), { ...IN_V6, headerLength: 20 + UDP_OVER_V6 }],
  [
    'Linux cooked 2, 19 bytes',
    LINKTYPE_LINUX_SLL2,
    Uint8Array.from(sll2(0x0800)).subarray(0, 19),
    { frame: 'unreadable', reason: 'linkTruncated' },
  ],
  ['raw, IPv4', LINKTYPE_RAW, behind([], V4), { ...IN_V4, headerLength: UDP_OVER_V4 }],
  ['raw, IPv6', LINKTYPE_RAW, behind([], V6), { ...IN_V6, headerLength: UDP_OVER_V6 }],
  ['raw, nothing', LINKTYPE_RAW, new Uint8Array(0), { frame: 'unreadable', reason: 'linkTruncated' }],
  ['raw, version 0', LINKTYPE_RAW, new Uint8Array(40), { frame: 'unreadable', reason: 'ipv4Version' }],
  ['IPv4 only', LINKTYPE_IPV4, behind([], V4), IN_V4],
  ['IPv6 only', LINKTYPE_IPV6, behind([], V6), IN_V6],
  ['BSD loopback, little-endian', LINKTYPE_NULL, behind([2, 0, 0, 0], V4), { ...IN_V4, headerLength: 4 + UDP_OVER_V4 }],
  ['BSD loopback, big-endian', LINKTYPE_NULL, behind([0, 0, 0, 2], V4), IN_V4],
  ...[24, 28, 30].map((family): Row => [
    `BSD loopback, IPv6 as family ${family}`,
    LINKTYPE_NULL,
    behind([family, 0, 0, 0], V6),
    { ...IN_V6, headerLength: 4 + UDP_OVER_V6, reason: 'none' },
  ]),
  ['OpenBSD loopback', LINKTYPE_LOOP, behind([0, 0, 0, 24], V6), IN_V6],
  ['BSD loopback, 3 bytes', LINKTYPE_NULL, Uint8Array.of(2, 0, 0), { frame: 'unreadable', reason: 'linkTruncated' }],
  ['PPP', LINKTYPE_PPP, behind([0xff, 3, 0, 0x21], V4), { ...IN_V4, headerLength: 4 + UDP_OVER_V4 }],
  ['PPP with IPv6', LINKTYPE_PPP, behind([0xff, 3, 0, 0x57], V6), IN_V6],
  ['PPP without address and control', LINKTYPE_PPP, behind([0, 0x21], V4), { ...IN_V4, headerLength: 2 + UDP_OVER_V4 }],
  ['PPP with a short protocol', LINKTYPE_PPP, behind([0xff, 3, 0x21], V4), { ...IN_V4, headerLength: 3 + UDP_OVER_V4 }],
  ['PPP with nothing but a short protocol', LINKTYPE_PPP, behind([0x57], V6), IN_V6],
  ['PPP with LCP', LINKTYPE_PPP, behind([0xff, 3, 0xc0, 0x21], V4), OTHER],
  ['PPP, 1 byte', LINKTYPE_PPP, Uint8Array.of(0xff), TRUNCATED],
  ['PPP in HDLC', LINKTYPE_PPP_HDLC, behind([0xff, 3, 0, 0x21], V4), IN_V4],
  ['Cisco HDLC on a serial line', LINKTYPE_PPP_HDLC, behind([0x0f, 0, 8, 0], V4), IN_V4],
  [
    'PPPoE alone',
    LINKTYPE_PPP_ETHER,
    behind([...PPPOE.slice(2), 0, 0x21], V4),
    { ...IN_V4, headerLength: 8 + UDP_OVER_V4 },
  ],
  ['Cisco HDLC', LINKTYPE_C_HDLC, behind([0x0f, 0, 8, 0], V4), { ...IN_V4, headerLength: 4 + UDP_OVER_V4 }],
  ['Cisco HDLC, IPv6', LINKTYPE_C_HDLC, behind([0x8f, 0, 0x86, 0xdd], V6), IN_V6],
  ['Cisco HDLC, SLARP', LINKTYPE_C_HDLC, behind([0x8f, 0, 0x80, 0x35], V4), OTHER],
  ['Cisco HDLC, 3 bytes', LINKTYPE_C_HDLC, Uint8Array.of(0x0f, 0, 8), TRUNCATED],
  ['FDDI', LINKTYPE_FDDI, behind([...fddi(0x57), ...snap(0x0800)], V4), { ...IN_V4, headerLength: 21 + UDP_OVER_V4 }],
  ['FDDI, a token', LINKTYPE_FDDI, behind([...fddi(0x80), ...snap(0x0800)], V4), OTHER],
  ['FDDI, 12 bytes', LINKTYPE_FDDI, Uint8Array.from(fddi(0x50)).subarray(0, 12), TRUNCATED],
  ['NFLOG', LINKTYPE_NFLOG, behind(nflog(2, 28, true), V4), { ...IN_V4, headerLength: 24 + UDP_OVER_V4 }],
  ['NFLOG, big-endian', LINKTYPE_NFLOG, behind(nflog(2, 28, false), V4), { ...IN_V4, headerLength: 24 + UDP_OVER_V4 }],
  ['NFLOG, IPv6', LINKTYPE_NFLOG, behind(nflog(10, 48, true), V6), IN_V6],
  ['NFLOG of ARP', LINKTYPE_NFLOG, behind(nflog(3, 28, true), V4), OTHER],
  [
    'NFLOG, cut by the rule',
    LINKTYPE_NFLOG,
    behind(nflog(2, 24, true), V4.subarray(0, ETHERNET + 24)),
    { ...IN_V4, reason: 'snapped' },
  ],
  ['NFLOG, nothing by the rule', LINKTYPE_NFLOG, Uint8Array.from(nflog(2, 0, true)), { reason: 'snapped' }],
  ['NFLOG without a packet', LINKTYPE_NFLOG, Uint8Array.from(nflog(2, 0, true)).subarray(0, 20), TRUNCATED],
  ['NFLOG, 3 bytes', LINKTYPE_NFLOG, Uint8Array.of(2, 0, 0), TRUNCATED],
  ['NFLOG, nothing but empty attributes', LINKTYPE_NFLOG, nflogOfNothing, OTHER],
  ...[12, 14].map((linkType): Row => [`raw as type ${linkType}`, linkType, behind([], V6), IN_V6]),
  ['802.11', 105, V4, { frame: 'unreadable', reason: 'linkUnsupported' }],
  ['an unsupported link of no bytes', 105, new Uint8Array(0), { frame: 'unreadable', reason: 'linkUnsupported' }],
];

describe('decodeFrame', () => {
  for (const [criterion, linkType, bytes, expected] of rows)
    it(`reads layer 2: ${criterion}`, () => {
      const actual = Object.entries(decoded(bytes, linkType)).filter(([key]) => key in expected);
      assert.deepEqual(Object.fromEntries(actual), expected);
    });

  it('says of which link types it decodes none', () => {
    for (let linkType = 0; linkType < 512; linkType++) {
      const { reason } = decoded(behind([], V4), linkType);
      assert.equal(reason !== 'linkUnsupported', DECODED_LINK_TYPES.has(linkType), `link type ${linkType}`);
    }
  });

  for (const [criterion, linkType, bytes] of [
    ['ARP', LINKTYPE_ETHERNET, arp],
    ['a tag with nothing', LINKTYPE_ETHERNET, Uint8Array.from([...tagged(0x8100), 0x12, 0x34])],
    ['Ethernet with nothing', LINKTYPE_ETHERNET, V4.subarray(0, ETHERNET)],
    ['Linux cooked with nothing', LINKTYPE_LINUX_SLL, Uint8Array.from(sll(4))],
    ['Linux cooked 2 with nothing', LINKTYPE_LINUX_SLL2, Uint8Array.from(sll2(4))],
    ['raw', LINKTYPE_RAW, Uint8Array.of(0x45)],
    ['a label with nothing', LINKTYPE_ETHERNET, Uint8Array.from([...MACS, 0x88, 0x47, ...label(true), 0x45])],
    ['PPPoE with nothing', LINKTYPE_ETHERNET, Uint8Array.from([...MACS, ...PPPOE, 0, 0x21])],
    ['SNAP with nothing', LINKTYPE_ETHERNET, Uint8Array.from([...MACS, 0, 50, ...snap(0x0800)])],
    ['PPP with nothing', LINKTYPE_PPP, Uint8Array.of(0, 0x21)],
    ['Cisco HDLC with nothing', LINKTYPE_C_HDLC, Uint8Array.of(0x0f, 0, 8, 0)],
    ['FDDI with nothing', LINKTYPE_FDDI, Uint8Array.from(fddi(0x50))],
    ['an attribute of NFLOG', LINKTYPE_NFLOG, Uint8Array.from(nflog(2, 0, true))],
  ] as const)
    it(`knows that all but a byte of it was captured: ${criterion}`, () => {
      const { frame: what, reason } = decoded(bytes, linkType, { captured: bytes.length - 1 });
      assert.deepEqual([what, reason], ['unreadable', 'snapped']);
    });
});
