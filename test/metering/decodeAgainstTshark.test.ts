import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { DECODED_LINK_TYPES } from '../../daemon/metering/decodeLinks.ts';
import { capturesOrPending, readCapture } from '../support/captures.ts';
import { type Decoded, decoded } from '../support/decoded.ts';
import { frame, type FrameSpec } from '../support/frames.ts';
import { behind, LINK_HEADERS } from '../support/linkFrames.ts';
import { pcapOf, withFolder, writeIn } from '../support/pcapFile.ts';
import { type Dissection, dissect } from '../support/tshark.ts';

const FIELDS =
  'frame.protocols ip.src ip.dst ip.proto ip.hdr_len ip.frag_offset ip.flags.mf ip.opt.type ipv6.src ipv6.dst ipv6.fraghdr.offset ipv6.fraghdr.more arp.opcode arp.src.proto_ipv4 arp.dst.proto_ipv4 tcp.srcport tcp.dstport tcp.flags tcp.hdr_len udp.srcport udp.dstport icmp.type icmp.code icmpv6.type icmpv6.code'.split(
    ' ',
  );

/** Bytes of the header that a protocol of tshark's stands for; those that are missing here differ from frame to frame. */
const LINK_BYTES: Readonly<Record<string, number>> = {
  eth: 14,
  ethertype: 0,
  vlan: 4,
  ieee8021ad: 4,
  pppoes: 6,
  llc: 8,
  null: 4,
  raw: 0,
  chdlc: 4,
  fddi: 13,
};
/** What can stand before the first IP header. */
const LINKS = new Set([...Object.keys(LINK_BYTES), 'mpls', 'ppp', 'sll', 'loop', 'nflog']);
/** Extension headers of IPv6. */
const EXTENSION = /^(?:ipv6\..*|ah|mipv6)$/;

/** What both say; without what one of them does not. */
type Headers = Partial<Decoded>;

/** Null: neither IP nor ARP could be read. */
function theirs(fields: Dissection): Headers | null {
  const field = (name: string): string => fields.get(name) ?? '';
  const protocols = field('frame.protocols').split(':');
  const at = protocols.findIndex((name) => !LINKS.has(name));
  const version = protocols[at];
  if (version === 'arp') return theirArp(field);
  if ((version !== 'ip' && version !== 'ipv6') || field(`${version}.src`) === '') return null;
  const addresses = { frame: 'ip', source: field(`${version}.src`), destination: field(`${version}.dst`) } as const;
  const fragment = version === 'ip' ? ['ip.frag_offset', 'ip.flags.mf'] : ['ipv6.fraghdr.offset', 'ipv6.fraghdr.more'];
  const isExtended = EXTENSION.test(protocols[at + 1] ?? '');
  if ((version === 'ip' || isExtended) && fragment.some((name) => Number(field(name)) !== 0))
    return { ...addresses, kind: 'fragment' };
  const transport = protocols.slice(at + 1).find((name) => !EXTENSION.test(name)) ?? '';
  const link = protocols.slice(0, at).reduce((sum, name) => sum + (LINK_BYTES[name] ?? Number.NaN), 0);
  const ip = version === 'ip' ? Number(field('ip.hdr_len')) : 40;
  const start = isExtended ? Number.NaN : link + ip;
  return { ...addresses, ...theirTransport(transport, start, field) };
}

/** RARP (RFC 903), of opcodes 3 and 4, has a type of its own. */
function theirArp(field: (name: string) => string): Headers | null {
  const [source, destination] = [field('arp.src.proto_ipv4'), field('arp.dst.proto_ipv4')];
  return source === '' || Number(field('arp.opcode')) > 2 ? null : { frame: 'arp', source, destination };
}

function theirTransport(name: string, start: number, field: (name: string) => string): Headers {
  const number = (suffix: string): number => Number(field(`${name}.${suffix}`));
  const ports = { sourcePort: number('srcport'), destinationPort: number('dstport') };
  switch (name) {
    case 'tcp':
      return { protocol: 6, ...ports, flags: number('flags') & 255, ...headerLength(start + number('hdr_len')) };
    case 'udp':
      return { protocol: 17, ...ports, flags: 0, ...headerLength(start + 8) };
    case 'icmp':
    case 'icmpv6': {
      const typeAndCode = (number('type') << 8) | number('code');
      const protocol = name === 'icmp' ? 1 : 58;
      return { protocol, destinationPort: typeAndCode, flags: typeAndCode, ...headerLength(start + 8) };
    }
    default:
      return { kind: 'other', sourcePort: -1, destinationPort: -1, flags: 0, ...headerLength(start) };
  }
}

const headerLength = (bytes: number): Headers => (Number.isNaN(bytes) ? {} : { headerLength: bytes });

/** Loose and strict: tshark shows where it leads to in the end. */
const SOURCE_ROUTES = new Set(['131', '137']);

/** tshark shows ports and flags of headers that are not whole, too. */
function isComparable(key: string, { reason }: Decoded, fields: Dissection): boolean {
  if (key === 'destination' && SOURCE_ROUTES.has(fields.get('ip.opt.type') ?? '')) return false;
  return reason === 'none' || reason === 'snapped' || ['frame', 'source', 'destination'].includes(key);
}

function assertSame(ours: Decoded, fields: Dissection, where: string): void {
  const expected = theirs(fields);
  if (expected === null) return assert(ours.frame === 'other' || ours.frame === 'unreadable', where);
  const comparable = Object.fromEntries(Object.entries(expected).filter(([key]) => isComparable(key, ours, fields)));
  const actual = Object.entries(ours).filter(([key]) => key in comparable);
  return assert.deepEqual(Object.fromEntries(actual), comparable, where);
}

/** How many packets of each file could be compared. */
async function compare(paths: readonly string[]): Promise<number> {
  let count = 0;
  for (const [path, packets] of await dissect(paths, FIELDS)) {
    readCapture(path).forEach((one, i) => {
      if (!DECODED_LINK_TYPES.has(one.linkType)) return;
      const ours = decoded(one.bytes, one.linkType, one);
      assertSame(ours, packets[i] ?? assert.fail(), `${basename(path)}: packet ${i + 1}`);
      if (ours.frame === 'ip') count += 1;
    });
  }
  return count;
}

/** Each transport over both versions of IP, whole and as the first of several fragments. */
const SPECS: readonly FrameSpec[] = [
  { source: '192.0.2.1', destination: '198.51.100.9' },
  { source: '2001:db8:f::1', destination: '2001:db8:8::9' },
].flatMap((ends) =>
  (['tcp', 'udp', 'icmp', 47] as const).flatMap((protocol) => [
    { ...ends, protocol, payload: 20, sourcePort: 1234, destinationPort: 40_001 },
    { ...ends, protocol, payload: 24, fragment: 0x2000, extensions: [[44, 0, 0, 1, 0, 0, 0, 7]] },
  ]),
);

const versionOf = ({ source }: FrameSpec): 4 | 6 => (source.includes(':') ? 6 : 4);

function linkCapture([, linkType, header]: (typeof LINK_HEADERS)[number]): Buffer {
  const frames = SPECS.flatMap((spec) => {
    const packet = frame(spec);
    const before = header(versionOf(spec), packet.length - 14);
    return before === null ? [] : [{ bytes: behind(before, packet) }];
  });
  const capture = pcapOf(frames);
  capture.writeUInt32LE(linkType, 20);
  return capture;
}

describe('decodeFrame', () => {
  it('finds the headers that tshark finds, behind every link header that it knows', () =>
    withFolder(async (folder) => {
      const paths = LINK_HEADERS.map((header, i) => writeIn(folder, `${i}-${header[0]}.pcap`, linkCapture(header)));
      assert.deepEqual(new Set(LINK_HEADERS.map(([, linkType]) => linkType)), DECODED_LINK_TYPES);
      assert.equal(await compare(paths), (LINK_HEADERS.length - 1) * SPECS.length);
    }));

  for (const folder of [
    'benign',
    'floods',
    'formats',
    'netflow',
    'scans',
    'sip-rtp',
    'smtp',
    'spoof-anomalies',
    'worm-malware',
  ])
    it(`finds the headers that tshark finds, in ${folder}`, async function () {
      this.timeout(60_000);
      const paths = capturesOrPending(this, folder).filter((path) => /\.pcap(?:ng)?(?:\.gz)?$/.test(path));
      assert((await compare(paths)) > 100);
    });
});
