import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { decodeFrame } from '../../daemon/metering/decode.ts';
import { DECODED_LINK_TYPES } from '../../daemon/metering/decodeLinks.ts';
import { FRAME_IP, FRAME_UNREADABLE, Header } from '../../daemon/metering/header.ts';
import { DECODE_REASONS, FRAGMENT, PACKET_KINDS } from '../../daemon/metering/decodeResult.ts';
import { LINKTYPE_ETHERNET } from '../../probes/probe.ts';
import { capturesOrPending, isClassicPcap, readCapture } from '../support/captures.ts';
import { frame } from '../support/frames.ts';
import { randomFrom } from '../support/random.ts';

const LINK_TYPES = [...DECODED_LINK_TYPES];

const header = new Header();

/** Decodes what lies alone in memory, so that a read before or behind it throws a RangeError; and doubts the result. */
function decodeAlone(bytes: Uint8Array, captured: number, wireLength: number, linkType: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, captured);
  const result = decodeFrame(view, 0, captured, wireLength, linkType, header);
  if (isPlausible(result, Math.max(captured, wireLength))) return;
  const hex = Buffer.from(bytes.subarray(0, captured)).toString('hex');
  assert.fail(`class ${result}, ${JSON.stringify(header)} of ${hex}, ${wireLength} on the wire, link type ${linkType}`);
}

const isPort = (port: number): boolean => Number.isInteger(port) && port >= -1 && port <= 65_535;

function isPlausible(result: number, length: number): boolean {
  const { reason, kind, protocol, sourcePort, destinationPort, headerLength, flags } = header;
  if (DECODE_REASONS[reason] === undefined || result < FRAME_IP || result > FRAME_UNREADABLE) return false;
  if (result !== FRAME_IP) return result !== FRAME_UNREADABLE || reason !== 0;
  return (
    PACKET_KINDS[kind] !== undefined &&
    protocol === (protocol & 255) &&
    flags === (flags & 0xffff) &&
    isPort(sourcePort) &&
    isPort(destinationPort) &&
    headerLength >= 20 &&
    (headerLength <= length || reason !== 0)
  );
}

const V4 = { source: '192.0.2.1', destination: '198.51.100.9' } as const;
const V6 = { source: '2001:db8:f::1', destination: '2001:db8:8::9' } as const;
const EMPTY = [0, 1, 4, 0, 0, 0, 0] as const;
const FIRST_FRAGMENT = [44, 0, 0, 1, 0, 0, 0, 7] as const;

/** One of everything that the decoder looks into. */
const seeds: readonly Uint8Array[] = [V4, V6].flatMap((ends) =>
  (['tcp', 'udp', 'icmp', 50] as const).flatMap((protocol) => [
    frame({ ...ends, protocol, payload: 12 }),
    frame({ ...ends, protocol, vlans: [8, 9] }),
    frame({ ...ends, protocol, options: [1, 1, 1, 1], extensions: [[0, ...EMPTY], FIRST_FRAGMENT] }),
    frame({
      ...ends,
      protocol,
      fragment: 0x2000,
      extensions: [
        [60, ...EMPTY],
        [51, 1, ...Array<number>(10).fill(0)],
      ],
    }),
  ]),
);

const MUTATIONS = 1_000_000;

/** What a fragment says of itself stays in the header until the next one. */
function meaningful(all: Header): Header {
  if (all.kind === FRAGMENT) return all;
  const none = { fragmentId: 0, fragmentOffset: 0, fragmentLength: 0, hasMoreFragments: false };
  return Object.assign(new Header(), all, none);
}

describe('decodeFrame', () => {
  for (const folder of ['malformed', 'spoof-anomalies', 'formats'])
    it(`reads nothing but the frame, of every prefix of every frame of ${folder}`, function () {
      this.timeout(60_000);
      const paths = capturesOrPending(this, folder);
      const classic = paths.filter(isClassicPcap);
      const left = paths.filter((path) => !isClassicPcap(path)).map((path) => basename(path));
      let frames = 0;
      for (const path of classic) {
        for (const { bytes, wireLength, linkType } of readCapture(path)) {
          frames += 1;
          for (const other of LINK_TYPES) decodeAlone(bytes, bytes.length, wireLength, other);
          for (let captured = 0; captured <= bytes.length; captured++) {
            decodeAlone(bytes, captured, captured, linkType);
            decodeAlone(bytes, captured, wireLength, linkType);
          }
        }
      }
      assert(frames > 0);
      if (this.test !== undefined)
        this.test.title += `: ${frames} frames of ${classic.length} files; not classic pcap, left out: ${left.join(' ')}`;
    });

  it(`reads nothing but the frame, of ${MUTATIONS} mutations`, function () {
    this.timeout(30_000);
    const random = randomFrom(0x5eed);
    const under = (limit: number): number => random() % limit;
    for (let i = 0; i < MUTATIONS; i++) {
      const seed = seeds[i % seeds.length] ?? assert.fail();
      const bytes = seed.slice();
      for (let edits = under(5); edits > 0; edits--) bytes[under(bytes.length)] = random();
      const captured = under(4) === 0 ? under(bytes.length + 1) : bytes.length;
      const wireLength = [captured, bytes.length, under(128), random() >>> under(32)][under(4)] ?? 0;
      const linkType = under(4) === 0 ? (LINK_TYPES[under(LINK_TYPES.length)] ?? 0) : LINKTYPE_ETHERNET;
      decodeAlone(bytes, captured, wireLength, linkType);
    }
  });

  it('gives the same wherever the frame lies', () => {
    const at = 129;
    const other = new Header();
    for (const seed of seeds) {
      const memory = new Uint8Array(at + seed.length + 64).fill(0xff);
      memory.set(seed, at);
      for (let captured = 0; captured <= seed.length; captured++) {
        for (const wireLength of [captured, seed.length]) {
          const alone = decodeFrame(new DataView(seed.buffer, 0, captured), 0, captured, wireLength, 1, header);
          assert.equal(decodeFrame(new DataView(memory.buffer), at, captured, wireLength, 1, other), alone);
          if (alone === FRAME_IP) assert.deepEqual(meaningful(other), meaningful(header));
          else assert.equal(other.reason, header.reason);
        }
      }
    }
  });
});
