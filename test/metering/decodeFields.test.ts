import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { formatAddress } from '../../daemon/metering/address.ts';
import { decoded } from '../support/decoded.ts';
import { frame, type FrameSpec, TCP_FLAGS } from '../support/frames.ts';

const word = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const port = fc.integer({ min: 0, max: 65_535 });
const extensionHeader = fc.tuple(fc.constantFrom(0, 43, 60, 135, 139, 140), fc.integer({ min: 0, max: 3 }));

const fields = fc.record({
  isV6: fc.boolean(),
  source: fc.tuple(word, word, fc.integer({ min: 0, max: 0xfffe }), word),
  destination: fc.tuple(word, word, fc.integer({ min: 0, max: 0xfffe }), word),
  protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'icmp' as const, 47, 50, 59, 132),
  sourcePort: port,
  destinationPort: port,
  flags: fc.integer({ min: 0, max: 255 }),
  payload: fc.integer({ min: 0, max: 64 }),
  vlans: fc.array(port, { maxLength: 4 }),
  optionWords: fc.integer({ min: 0, max: 10 }),
  extensions: fc.array(extensionHeader, { maxLength: 7 }),
  fragment: fc.constantFrom('whole' as const, 'first' as const, 'later' as const),
});
type Fields = typeof fields extends fc.Arbitrary<infer T> ? T : never;

const ends = ({ isV6, source, destination }: Fields) => ({
  source: isV6 ? formatAddress(...source) : formatAddress(0, 0, 0xffff, source[3]),
  destination: isV6 ? formatAddress(...destination) : formatAddress(0, 0, 0xffff, destination[3]),
});

const FRAGMENT_FIELD = { whole: 0x4000, first: 0x2000, later: 0x2000 | 185 } as const;
const FRAGMENT_OFFSET_AND_MORE = { whole: 0, first: 1, later: (185 << 3) | 1 } as const;

function build(given: Fields): Uint8Array {
  const { optionWords, extensions, fragment, protocol } = given;
  const offsetAndMore = FRAGMENT_OFFSET_AND_MORE[fragment];
  const chain: FrameSpec['extensions'] = [
    ...extensions.map(([number, words]) => [number, words, ...Array<number>(6 + words * 8).fill(0)] as const),
    [44, 0, offsetAndMore >> 8, offsetAndMore & 255, 0, 0, 0, 7],
  ];
  return frame({
    ...given,
    ...ends(given),
    protocol,
    options: Array<number>(optionWords * 4).fill(1),
    extensions: chain,
    fragment: FRAGMENT_FIELD[fragment],
  });
}

/** What a segment with these flags is for. */
function segmentKind(flags: number): string {
  const has = (name: keyof typeof TCP_FLAGS): boolean => (flags & TCP_FLAGS[name]) !== 0;
  const names = (['syn', 'rst', 'fin', 'ack'] as const).filter(has).join('+');
  const kinds = new Map([
    ['syn', 'tcpSyn'],
    ['syn+ack', 'tcpSynAck'],
    ['rst', 'tcpRst'],
    ['rst+ack', 'tcpRst'],
    ['fin+ack', 'tcpFin'],
    ['ack', 'tcpAck'],
  ]);
  return kinds.get(names) ?? 'tcpOdd';
}

function expected(given: Fields) {
  const { isV6, protocol, vlans, optionWords, extensions, fragment, flags, sourcePort, destinationPort } = given;
  const before = 14 + vlans.length * 4;
  const ip = isV6 ? 48 + extensions.reduce((sum, [, words]) => sum + 8 + words * 8, 0) : 20 + optionWords * 4;
  const echo = isV6 ? 0x8000 : 0x0800;
  const noPorts = { sourcePort: -1, destinationPort: -1, flags: 0 };
  const transport = {
    tcp: { kind: segmentKind(flags), protocol: 6, length: 20, sourcePort, destinationPort, flags },
    udp: { kind: 'udp', protocol: 17, length: 8, sourcePort, destinationPort, flags: 0 },
    icmp: { kind: 'icmp', protocol: isV6 ? 58 : 1, length: 8, sourcePort: -1, destinationPort: echo, flags: echo },
  };
  const { length, ...rest } =
    typeof protocol === 'number' ? { kind: 'other', protocol, length: 0, ...noPorts } : transport[protocol];
  return {
    frame: 'ip',
    reason: 'none',
    ...ends(given),
    ...rest,
    ...(isV6 && extensions.length > 0 ? { kind: 'ipv6Extension' } : {}),
    ...(fragment === 'whole' ? {} : { kind: 'fragment' }),
    ...(fragment === 'later' ? noPorts : {}),
    headerLength: before + ip + (fragment === 'later' ? 0 : length),
  };
}

describe('decodeFrame', () => {
  it('gives the fields that a frame was built of', () => {
    fc.assert(
      fc.property(fields, (given) => assert.deepEqual(decoded(build(given)), expected(given))),
      { numRuns: 5000 },
    );
  });
});
