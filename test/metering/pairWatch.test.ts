import assert from 'node:assert/strict';
import { Meter } from '../../daemon/metering/meter.ts';
import { mergeWindow } from '../../daemon/metering/mergeWindow.ts';
import { formatAddress } from '../../daemon/metering/address.ts';
import { type PairLine, type Sighting, SIGHTINGS } from '../../daemon/metering/pairTable.ts';
import { TABLES, Window } from '../../daemon/metering/window.ts';
import { FRAME_OUTGOING, type FrameBlock } from '../../probes/probe.ts';
import { blockOf, frame, type FrameSpec, patched, TCP_FLAGS } from '../support/frames.ts';
import { testContext } from '../support/windowBuilder.ts';

const { directory, tenants } = testContext();
const SEED = 0x5eed;
const { syn, ack, rst, fin, psh, urg } = TCP_FLAGS;

/** A meter of its own, so that nothing is known yet; blocks are given in windows of their own. */
class Bed {
  readonly #window = new Window({ tenants: tenants.length, ...TABLES.internet });
  readonly #meter: Meter;
  #startMs = 0;

  constructor(portTenant = 0) {
    this.#meter = new Meter(directory, this.#window, { seed: SEED, portTenant });
  }

  see(block: FrameBlock): Window {
    this.#meter.open(this.#window, this.#startMs);
    this.#startMs += 250;
    this.#meter.observeFrames(block, 0, block.count);
    return this.#meter.closeWindow(this.#startMs, block.count, 0);
  }

  sightings(...frames: readonly Uint8Array[]): string[] {
    return sightingsOf(this.see(blockOf(frames.map((bytes) => ({ bytes })))));
  }
}

const nameOf = ({ sighting }: PairLine): Sighting | undefined => SIGHTINGS[sighting];

/** `syn 192.0.2.1 > 198.51.100.9 80 × 2` */
function sightingsOf({ pairs }: Window): string[] {
  return [...pairs.lines()].map((line) => {
    const { initiator, responder, port, packets, of } = line;
    const what = ['answered', 'refused', 'strayRefused'].includes(nameOf(line) ?? '') ? ` ${SIGHTINGS[of]}` : '';
    const ends = `${formatAddress(...initiator)} > ${formatAddress(...responder)}`;
    return `${nameOf(line)}${what} ${ends}${port < 0 ? '' : ` ${port}`}${packets === 1 ? '' : ` × ${packets}`}`;
  });
}

const [a, b] = ['192.0.2.1', '198.51.100.9'];
const to = (spec: Partial<FrameSpec>): Uint8Array => frame({ source: a, destination: b, ...spec });
const back = (spec: Partial<FrameSpec>): Uint8Array =>
  frame({ source: b, destination: a, sourcePort: 80, destinationPort: 40_000, ...spec });
const udp = { protocol: 'udp' } as const;
const TTL_AT = 22;
const SEQUENCE_AT = 38;
const expiring = (spec: Partial<FrameSpec>): Uint8Array => patched(to(spec), TTL_AT, 1);
/** A SYN with four bytes of options. */
const withOptions = (...options: number[]): Uint8Array =>
  patched(patched(to({ payload: 4 }), 46, 0x60, 2), 54, ...options);
const icmp = { protocol: 'icmp' } as const;
const ICMP_AT = 34;
const ICMPV6_AT = 54;

/** An ICMP "destination unreachable" about a packet, which it quotes. */
function unreachable(from: string, about: Uint8Array, code: number): Uint8Array {
  const isV6 = about[12] === 0x86;
  const quoted = about.subarray(14);
  const [source = 0, length = 0] = isV6 ? [8, 16] : [12, 4];
  const destination = isV6
    ? formatAddress(...words(quoted.subarray(source, source + length)))
    : quoted.subarray(source, source + length).join('.');
  const icmpFrame = frame({ source: from, destination, protocol: 'icmp', payload: quoted.length });
  const at = isV6 ? ICMPV6_AT : ICMP_AT;
  return patched(patched(icmpFrame, at, isV6 ? 1 : 3, code), at + 8, ...quoted);
}

function words(bytes: Uint8Array): [number, number, number, number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return [view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12)];
}

const arp = (operation: number, sender: string, target: string): Uint8Array => {
  const bytes = new Uint8Array(42);
  bytes.set([255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, operation, 2, 0, 0, 0, 0, 9]);
  bytes.set(sender.split('.').map(Number), 28);
  bytes.set(target.split('.').map(Number), 38);
  return bytes;
};

const UDP_PAYLOAD_AT = 42;
const fromPhone = (payload: number): Uint8Array => to({ ...udp, sourcePort: 5060, destinationPort: 5160, payload });

const request = to({ ...udp, sourcePort: 5000, destinationPort: 53 });
const query6 = frame({ source: '2001:db8:f::1', destination: '2001:db8:8::9', ...udp, destinationPort: 33_434 });

const seen: readonly (readonly [criterion: string, frames: readonly Uint8Array[], sightings: readonly string[]])[] = [
  ['a SYN that nobody answers', [to({})], [`syn ${a} > ${b} 80`]],
  ['a SYN sent again, once', [to({}), to({ sourcePort: 40_001 })], [`syn ${a} > ${b} 80`]],
  ['SYNs to two ports', [to({}), to({ destinationPort: 81 })], [`syn ${a} > ${b} 80`, `syn ${a} > ${b} 81`]],
  ['a handshake', [to({}), back({ flags: syn | ack })], [`syn ${a} > ${b} 80`, `answered syn ${a} > ${b} 80`]],
  ['a closed port', [to({}), back({ flags: rst | ack })], [`syn ${a} > ${b} 80`, `refused syn ${a} > ${b} 80`]],
  [
    'a connection that is answered and reset as one',
    [to({}), back({ flags: syn | ack }), back({ flags: rst | ack }), to({ flags: rst })],
    [`syn ${a} > ${b} 80`, `answered syn ${a} > ${b} 80`],
  ],
  ['segments in the middle of a connection as nothing', [to({ flags: ack }), back({ flags: psh | ack })], []],
  ['a SYN-ACK that nobody asked for', [back({ flags: syn | ack })], [`straySynAck ${b} > ${a} 80`]],
  [
    'a bare RST to an ACK of no connection',
    [to({ flags: ack }), back({ flags: rst })],
    [`strayRefused syn ${a} > ${b} 80`],
  ],
  ['the end of a connection that began unseen as nothing', [back({ flags: rst | ack })], []],
  ['a FIN alone', [to({ flags: fin })], [`fin ${a} > ${b} 80`, `tcpFlags ${a} > ${b}`]],
  ['no flags', [to({ flags: 0 })], [`null ${a} > ${b} 80`, `tcpFlags ${a} > ${b}`]],
  ['FIN, PSH and URG', [to({ flags: fin | psh | urg })], [`xmas ${a} > ${b} 80`, `tcpFlags ${a} > ${b}`]],
  ['SYN and FIN', [to({ flags: syn | fin })], [`odd ${a} > ${b} 80`, `tcpFlags ${a} > ${b}`]],
  [
    'that a closed port answers a FIN with',
    [to({ flags: fin }), back({ flags: rst | ack })],
    [`fin ${a} > ${b} 80`, `tcpFlags ${a} > ${b}`, `refused fin ${a} > ${b} 80`],
  ],
  ['a datagram', [request], [`udp ${a} > ${b} 53`]],
  [
    'a datagram from another port to the same as nothing new',
    [request, to({ ...udp, destinationPort: 53 })],
    [`udp ${a} > ${b} 53`],
  ],
  [
    'a datagram and its answer',
    [request, back({ ...udp, sourcePort: 53, destinationPort: 5000 }), request],
    [`udp ${a} > ${b} 53`, `answered udp ${a} > ${b} 53`],
  ],
  [
    'the answer of a service that nobody asked',
    [back({ ...udp, sourcePort: 53 }), back({ ...udp, sourcePort: 53 })],
    [`response ${b} > ${a} 53 × 2`],
  ],
  [
    'phones that ask from port 5060, and are answered',
    [
      patched(fromPhone(20), UDP_PAYLOAD_AT, ...Buffer.from('OPTIONS sip:')),
      back({ ...udp, sourcePort: 5160, destinationPort: 5060, payload: 20 }),
      fromPhone(4),
    ],
    [`udp ${a} > ${b} 5160`, `answered udp ${a} > ${b} 5160`],
  ],
  [
    'responses of SIP that nobody asked for',
    [patched(fromPhone(20), UDP_PAYLOAD_AT, ...Buffer.from('SIP/2.0 401 '))],
    [`response ${a} > ${b} 5060`],
  ],
  [
    'a port that is closed to datagrams',
    [request, unreachable(b, request, 3)],
    [`udp ${a} > ${b} 53`, `refused udp ${a} > ${b} 53`],
  ],
  [
    'the same of IPv6',
    [query6, unreachable('2001:db8:8::9', query6, 4)],
    ['udp 2001:db8:f::1 > 2001:db8:8::9 33434', 'refused udp 2001:db8:f::1 > 2001:db8:8::9 33434'],
  ],
  [
    'a router that refuses for somebody',
    [request, unreachable('203.0.113.1', request, 13)],
    [`udp ${a} > ${b} 53`, `refused udp ${a} > ${b} 53`],
  ],
  [
    'a refusal of what was not seen as nothing',
    [unreachable(b, request, 3), unreachable('203.0.113.1', to({}), 13)],
    [],
  ],
  [
    'a refusal of what was answered as nothing',
    [to({}), back({ flags: syn | ack }), unreachable('203.0.113.1', to({}), 13)],
    [`syn ${a} > ${b} 80`, `answered syn ${a} > ${b} 80`],
  ],
  [
    'a refusal that comes twice, once',
    [request, unreachable(b, request, 3), unreachable(b, request, 3)],
    [`udp ${a} > ${b} 53`, `refused udp ${a} > ${b} 53`],
  ],
  ['an echo', [to(icmp), patched(back(icmp), ICMP_AT, 0)], [`echo ${a} > ${b}`, `answered echo ${a} > ${b}`]],
  [
    'another protocol',
    [to({ protocol: 47 }), back({ protocol: 47 })],
    [`protocol ${a} > ${b} 47`, `answered protocol ${a} > ${b} 47`],
  ],
  [
    'a protocol that is not spoken',
    [to({ protocol: 99, payload: 8 }), unreachable(b, to({ protocol: 99, payload: 8 }), 2)],
    [`protocol ${a} > ${b} 99`, `refused protocol ${a} > ${b} 99`],
  ],
  ['who asks for an address', [arp(1, a, b)], [`arp ${a} > ${b}`]],
  ['who has it', [arp(1, a, b), arp(2, b, a)], [`arp ${a} > ${b}`, `answered arp ${a} > ${b}`, `arpReply ${b} > ${a}`]],
  ['probes for an address that is not taken yet as nothing', [arp(1, '0.0.0.0', a), arp(2, '0.0.0.0', a)], []],
  ['who announces himself', [arp(1, a, a)], [`arpReply ${a} > ${a}`]],
  [
    'who speaks to himself from the port to the same',
    [frame({ source: a, destination: a, sourcePort: 80 })],
    [`syn ${a} > ${a} 80`, `land ${a} > ${a}`],
  ],
  ['who speaks to himself from another port as usual', [frame({ source: a, destination: a })], [`syn ${a} > ${a} 80`]],
  [
    'source routing',
    [to({ ...udp, options: [131, 7, 4, 10, 0, 0, 1, 0] })],
    [`udp ${a} > ${b} 80`, `sourceRoute ${a} > ${b}`],
  ],
  [
    'a recorded route',
    [to({ ...udp, options: [1, 7, 7, 4, 0, 0, 0, 0] })],
    [`udp ${a} > ${b} 80`, `recordRoute ${a} > ${b}`],
  ],
  ['router alerts as usual', [to({ protocol: 2, options: [148, 4, 0, 0] })], [`protocol ${a} > ${b} 2`]],
  [
    'data and resets that end at the next router',
    [expiring({ flags: ack | psh, payload: 8 }), expiring({ flags: rst | ack })],
    [`expiringSegment ${a} > ${b} × 2`],
  ],
  [
    'data of IPv6 that ends there',
    [patched(frame({ source: '2001:db8:f::1', destination: '2001:db8:8::9', flags: ack, payload: 8 }), 21, 1)],
    ['expiringSegment 2001:db8:f::1 > 2001:db8:8::9'],
  ],
  ['a TTL of 0', [patched(to(udp), TTL_AT, 0)], [`udp ${a} > ${b} 80`, `ttlZero ${a} > ${b}`]],
  [
    'what else ends at the next router as usual: traceroute, routing protocols, groups',
    [
      expiring({ ...udp, destinationPort: 33_434, payload: 24 }),
      expiring(icmp),
      expiring({}),
      expiring({ flags: ack }),
      expiring({ protocol: 89, payload: 44 }),
      expiring({ flags: ack, destinationPort: 179, payload: 19 }),
      expiring({ ...udp, destination: '224.0.0.9', sourcePort: 520, destinationPort: 520, payload: 24 }),
      expiring({ protocol: 2, destination: '224.0.0.22', options: [148, 4, 0, 0] }),
    ],
    [
      `udp ${a} > ${b} 33434`,
      `echo ${a} > ${b}`,
      `syn ${a} > ${b} 80`,
      `protocol ${a} > ${b} 89`,
      `udp ${a} > 224.0.0.9 520`,
      `protocol ${a} > 224.0.0.22 2`,
    ],
  ],
  [
    'SYNs with options that have no length, one that is not theirs, or more than there is',
    [
      withOptions(29, 3, 97, 0),
      withOptions(2, 3, 5, 0),
      withOptions(29, 1, 0, 0),
      withOptions(1, 1, 8, 10),
      withOptions(1, 1, 1, 8),
      withOptions(2, 4, 5, 180),
      withOptions(1, 0, 9, 9),
    ],
    [`syn ${a} > ${b} 80`, `tcpOption ${a} > ${b} × 5`],
  ],
  ['port 0', [to({ ...udp, destinationPort: 0 })], [`udp ${a} > ${b} 0`, `portZero ${a} > ${b}`]],
  ['the reserved flag', [to({ ...udp, fragment: 0x8000 })], [`udp ${a} > ${b} 80`, `reservedBits ${a} > ${b}`]],
  ['a length that cannot be', [patched(to(udp), 17, 200)], [`udp ${a} > ${b} 80`, `badLength ${a} > ${b}`]],
  [
    'a first fragment without its whole header',
    [patched(to({ fragment: 0x2000 }), 17, 28).subarray(0, 42)],
    [`syn ${a} > ${b} 80`, `tinyFragment ${a} > ${b}`],
  ],
  [
    'fragments that overlap',
    [to({ ...udp, fragment: 0x2000, payload: 504 }), to({ ...udp, fragment: 0x003f, payload: 504 })],
    [`overlappingFragment ${a} > ${b}`],
  ],
  [
    'fragments side by side, some of them twice, as usual',
    [0x2000, 0x2000, 0x2040, 0x0080, 0x0080].map((fragment) => to({ ...udp, fragment, payload: 504 })),
    [],
  ],
  [
    'IPv6 fragments of which one comes twice',
    [0, 64, 64, 128].map((unit, i) =>
      frame({
        source: '2001:db8:f::1',
        destination: '2001:db8:8::9',
        ...udp,
        payload: 504,
        extensions: [[44, 0, (unit << 3) >> 8, ((unit << 3) & 255) | Number(i < 3), 0, 0, 0, 7]],
      }),
    ),
    ['overlappingFragment 2001:db8:f::1 > 2001:db8:8::9'],
  ],
  [
    'IPv6 fragments that all come twice as usual',
    [0, 0, 64, 64, 128, 128].map((unit, i) =>
      frame({
        source: '2001:db8:f::1',
        destination: '2001:db8:8::9',
        ...udp,
        payload: 504,
        extensions: [[44, 0, (unit << 3) >> 8, ((unit << 3) & 255) | Number(i < 4), 0, 0, 0, 7]],
      }),
    ),
    [],
  ],
  [
    'an IPv6 fragment without the headers behind it',
    [
      patched(
        frame({ source: '2001:db8:f::1', destination: '2001:db8:8::9', extensions: [[44, 0, 0, 0, 0, 0, 0, 7]] }),
        18,
        0,
        8,
      ).subarray(0, 62),
    ],
    ['tinyFragment 2001:db8:f::1 > 2001:db8:8::9', 'badLength 2001:db8:f::1 > 2001:db8:8::9'],
  ],
  [
    'IPv6 source routing of type 0',
    [frame({ source: '2001:db8:f::1', destination: '2001:db8:8::9', ...udp, extensions: [[43, 0, 0, 1, 0, 0, 0, 0]] })],
    ['routingHeader 2001:db8:f::1 > 2001:db8:8::9'],
  ],
  [
    'hop-by-hop options that are not the first header',
    [
      frame({
        source: '2001:db8:f::1',
        destination: '2001:db8:8::9',
        ...udp,
        extensions: [
          [60, 0, 1, 4, 0, 0, 0, 0],
          [0, 0, 1, 4, 0, 0, 0, 0],
        ],
      }),
    ],
    ['extensionOrder 2001:db8:f::1 > 2001:db8:8::9'],
  ],
];

/** With the same number, 512 bytes from `unit` eights on. */
function fragmentOf(family: 4 | 6, unit: number, hasMore: boolean): Uint8Array {
  if (family === 4) return to({ ...udp, fragment: unit | (hasMore ? 0x2000 : 0), payload: 504 });
  const offset = (unit << 3) | Number(hasMore);
  const extensions = [[44, 0, offset >> 8, offset & 255, 0, 0, 0, 7]] as const;
  return frame({ source: '2001:db8:f::1', destination: '2001:db8:8::9', ...udp, payload: 504, extensions });
}

/** Number 7 is acknowledged by 8. */
const shake = (source: string, acknowledged: number): Uint8Array[] => [
  to({ source }),
  patched(back({ destination: source, flags: syn | ack }), SEQUENCE_AT, 0, 0, 0, 7),
  patched(to({ source, flags: ack }), SEQUENCE_AT + 4, 0, 0, 0, acknowledged),
];
const established = (texts: readonly string[]): number => texts.filter((text) => text.startsWith('established')).length;

const direction = (isOutgoing: readonly boolean[], ...frames: readonly Uint8Array[]): FrameBlock => {
  const block = blockOf(frames.map((bytes) => ({ bytes })));
  isOutgoing.forEach((is, i) => (block.flags[i] = is ? FRAME_OUTGOING : 0));
  return block;
};
/** As a host that forwards has sent before. */
const forwarded = (bytes: Uint8Array): FrameBlock =>
  direction(Array<boolean>(16).fill(true), ...Array<Uint8Array>(16).fill(bytes));
const spoofs = (window: Window): string[] => sightingsOf(window).filter((text) => /Source /.test(text));

describe('PairWatch', () => {
  for (const [criterion, frames, sightings] of seen)
    it(`shows ${criterion}`, () => assert.deepEqual(new Bed().sightings(...frames), sightings));

  it('shows a contact once in minutes, and again after them', () => {
    const bed = new Bed();
    const counts = Array.from({ length: 4 * 60 * 10 }, () => bed.sightings(request).length);
    assert.equal(counts[0], 1);
    const again = counts.indexOf(1, 1);
    assert.equal(again, -1, 'while it goes on it is not new');
    for (let i = 0; i < 4 * 60 * 10; i++) bed.sightings();
    assert.equal(bed.sightings(request).length, 1);
  });

  it('shows an answer that comes windows later', () => {
    const bed = new Bed();
    bed.sightings(to({}));
    bed.sightings();
    assert.deepEqual(bed.sightings(back({ flags: syn | ack })), [`answered syn ${a} > ${b} 80`]);
  });

  it('reads who, when and from where of a contact', () => {
    const block = blockOf([{ bytes: to({}), timeMs: 123 }]);
    const [line] = [...new Bed().see(block).pairs.lines()];
    assert.deepEqual(
      [
        line?.initiatorTenant,
        line?.responderTenant,
        line?.offsetMs,
        line?.ttl,
        line?.mac,
        line?.otherPort,
        line?.bytes,
      ],
      [0, 1, 123, 64, 0x020000000002, 40_000, 54],
    );
  });

  it("shows a source that is not the tenant's at its own port", () => {
    const bed = new Bed(1);
    bed.see(forwarded(to({ flags: ack })));
    const block = direction(
      [true, false, false, false],
      to({ flags: ack }),
      back({ flags: ack }),
      to({ flags: ack }),
      to({ flags: ack }),
    );
    assert.deepEqual(spoofs(bed.see(block)), [`foreignSource ${a} > ${b} × 2`]);
  });

  it("shows a tenant's source that comes from the internet, once the probe tells who sends", () => {
    const bed = new Bed();
    assert.deepEqual(spoofs(bed.see(direction([false, false], back({}), back({})))), []);
    bed.see(forwarded(back({})));
    assert.deepEqual(spoofs(bed.see(direction([true, false], back({}), back({})))), [`ownSource ${b} > ${a}`]);
  });

  it('takes a mirror port for one, whatever its host says itself', () => {
    const bed = new Bed();
    const mirrored = Array.from({ length: 40 }, () => back({}));
    const solicitation = frame({ source: 'fe80::1', destination: 'ff02::2', protocol: 'icmp' });
    const all = [...Array.from({ length: 20 }, () => solicitation), ...mirrored];
    const ways = all.map((_, i) => i < 20);
    for (let window = 0; window < 4; window++) assert.deepEqual(spoofs(bed.see(direction(ways, ...all))), []);
    // The host has an address of a tenant, and says less than is mirrored.
    const own = all.map((_, i) => i < 20 || i % 4 === 0);
    for (let window = 0; window < 4; window++) assert.deepEqual(spoofs(bed.see(direction(own, ...all))), []);
  });

  it('takes an address that is not configured yet for no forgery', () => {
    const bed = new Bed(1);
    const dhcp = frame({ source: '0.0.0.0', destination: '255.255.255.255', ...udp, destinationPort: 67 });
    const linkLocal = frame({ source: 'fe80::1', destination: 'ff02::1', ...udp });
    bed.see(forwarded(to({})));
    assert.deepEqual(spoofs(bed.see(direction([true, false, false], to({}), dhcp, linkLocal))), []);
  });

  it('bounds what one target takes, and goes on seeing the others', () => {
    const flood = Array.from({ length: 5000 }, (_, i) => to({ source: `10.1.${i >> 8}.${i & 255}` }));
    const probe = frame({ source: '203.0.113.7', destination: '198.51.100.17', destinationPort: 22 });
    const { pairs } = new Bed().see(blockOf([...flood, probe].map((bytes) => ({ bytes }))));
    const lines = [...pairs.lines()];
    assert(lines.length <= 257, `${lines.length} lines`);
    assert.equal(formatAddress(...(lines.at(-1)?.initiator ?? [0, 0, 0, 0])), '203.0.113.7');
    assert.equal(pairs.refused, 5001 - lines.length);
  });

  it("takes the SYN-ACKs of a flood's victim for no strays, once there is no more room for the SYNs", () => {
    const sources = Array.from({ length: 3000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
    const flood = sources.map((source) => to({ source }));
    const answers = sources.map((destination) => back({ destination, flags: syn | ack }));
    const bed = new Bed();
    const strays = [bed.sightings(...flood, ...answers), bed.sightings(...answers)].flat();
    assert.deepEqual(
      strays.filter((text) => text.startsWith('straySynAck')),
      [],
    );
    const stray = frame({ source: '203.0.113.7', destination: a, sourcePort: 80, flags: syn | ack });
    assert.deepEqual(bed.sightings(stray), [`straySynAck 203.0.113.7 > ${a} 80`], 'others are told as before');
  });

  it('takes no answer for unasked whose question came when there was no more time to look', () => {
    const bed = new Bed();
    const carpet = Array.from({ length: 20_000 }, (_, i) =>
      to({ ...udp, destination: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }),
    );
    const resolver = '198.51.100.10';
    const servers = Array.from({ length: 12 }, (_, i) => `203.0.113.${i + 1}`);
    const questions = servers.map((destination) =>
      frame({ ...udp, source: resolver, destination, destinationPort: 53 }),
    );
    const answers = servers.map((source) =>
      frame({ ...udp, source, destination: resolver, sourcePort: 53, destinationPort: 40_000 }),
    );
    bed.sightings(...carpet, ...questions);
    assert.deepEqual(bed.sightings(...answers), []);
    const unasked = frame({ ...udp, source: '203.0.113.98', destination: resolver, sourcePort: 53 });
    assert.deepEqual(bed.sightings(unasked), [`response 203.0.113.98 > ${resolver} 53`]);
    for (let i = 0; i < 20; i++) bed.sightings();
    assert.equal(bed.sightings(...answers).length, servers.length, 'seconds later nothing is known of a question');
  });

  for (const [family, keptMs] of [
    [4, 30_000],
    [6, 60_000],
  ] as const)
    it(`compares fragments of IPv${family} within ${keptMs / 1000} s of the first alone`, () => {
      const first = fragmentOf(family, 0, true);
      const other = fragmentOf(family, 63, false);
      const overlapping = (afterMs: number): string[] =>
        sightingsOf(
          new Bed().see(
            blockOf([
              { bytes: first, timeMs: 1_700_000_000_000 },
              { bytes: other, timeMs: 1_700_000_000_000 + afterMs },
            ]),
          ),
        );
      assert.equal(overlapping(keptMs).length, 1);
      assert.deepEqual(overlapping(keptMs + 1), [], 'the number is used again');
    });

  it('shows of a window some of the strangers that a tenant shook hands with, who acknowledge its number', () => {
    assert.deepEqual(new Bed().sightings(...shake(a, 8)).slice(2), [`established ${a} > ${b} 80`]);
    assert.deepEqual(new Bed().sightings(...shake(a, 9)).slice(2), []);
    const many = Array.from({ length: 60 }, (_, i) => shake(`203.0.113.${i + 1}`, 8)).flat();
    const bed = new Bed();
    assert.equal(established(bed.sightings(...many)), 32);
    assert.equal(established(bed.sightings(...many)), 32, 'and of the next one');
  });

  it('tells answers to ARP that were asked for from those that were not, and whose card they speak of', () => {
    const bed = new Bed();
    const replies = (...frames: readonly Uint8Array[]): [of: Sighting | undefined, mac: number, packets: number][] =>
      [...bed.see(blockOf(frames.map((bytes) => ({ bytes })))).pairs.lines()]
        .filter((line) => nameOf(line) === 'arpReply')
        .map(({ of, mac, packets }) => [of === 0 ? undefined : SIGHTINGS[of], mac, packets]);
    const card = 0x020000000009;
    assert.deepEqual(replies(arp(1, a, b), arp(2, b, a)), [['arp', card, 1]]);
    assert.deepEqual(replies(arp(1, a, b), arp(2, b, a)), [['arp', card, 1]], 'asked again');
    assert.deepEqual(replies(arp(2, b, a), arp(2, b, a)), [[undefined, card, 2]]);
    const lying = patched(arp(2, b, a), 6, 2, 0, 0, 0, 0, 7);
    assert.deepEqual(replies(lying), [[undefined, card, 1]], 'the frame says another');
  });

  it('adds up when windows are merged', () => {
    const halves = [
      [to({}), request],
      [back({ ...udp, sourcePort: 53 }), back({ ...udp, sourcePort: 53 })],
    ].map((frames) => new Bed().see(blockOf(frames.map((bytes) => ({ bytes })))));
    const [first, second] = halves;
    assert(first && second);
    const merged = new Window({ tenants: tenants.length, ...TABLES.internet });
    merged.open(0);
    mergeWindow(merged, first, SEED);
    mergeWindow(merged, second, SEED);
    mergeWindow(merged, second, SEED);
    assert.deepEqual(sightingsOf(merged), [`syn ${a} > ${b} 80`, `udp ${a} > ${b} 53`, `response ${b} > ${a} 53 × 4`]);
  });
});
