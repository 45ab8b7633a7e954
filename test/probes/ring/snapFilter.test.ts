import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../../../probes/probe.ts';
import { AF_UNIX, loadLibc, SO_ATTACH_FILTER, SOCK_DGRAM, SOL_SOCKET } from '../../../probes/libc.ts';
import {
  filterProgram,
  MOST_SIGNALLING_PORTS,
  SIGNALLING_SNAP_LENGTH,
  snapFilter,
  type SnapRule,
} from '../../../probes/ring/snapFilter.ts';
import { frame, type FrameSpec } from '../../support/frames.ts';

const SNAP = 128;
const LONG = 600;

/** The kernel itself runs the program: on datagrams between two sockets, the second of which has the filter. */
class FilteredPair {
  readonly #libc = loadLibc();
  readonly #send = this.#libc.declare('int send(int fd, void *bytes, size_t length, int flags)');
  readonly #receive = this.#libc.declare('int recv(int fd, void *bytes, size_t length, int flags)');
  readonly #ends = new Int32Array(2);
  readonly #received = new Uint8Array(70_000);

  constructor(rule: SnapRule) {
    const libc = this.#libc;
    const socketpair = libc.declare('int socketpair(int domain, int type, int protocol, void *ends)');
    assert.equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, this.#ends), 0);
    const filter = snapFilter(rule);
    const program = filterProgram(filter, libc.address(filter));
    const result = libc.setsockopt(this.#ends[1]!, SOL_SOCKET, SO_ATTACH_FILTER, program, program.byteLength);
    assert.equal(result, 0, `the kernel refuses the program: errno ${libc.errno()}`);
  }

  /** How many bytes the filter lets pass; a dropped frame fails. */
  captured(bytes: Uint8Array): number {
    assert.equal(this.#send(this.#ends[0]!, bytes, bytes.length, 0), bytes.length, 'the filter dropped the frame');
    return this.#receive(this.#ends[1]!, this.#received, this.#received.length, 0);
  }

  close(): void {
    for (const end of this.#ends) this.#libc.close(end);
  }
}

function captured(rule: SnapRule, bytes: Uint8Array): number {
  const pair = new FilteredPair(rule);
  try {
    return pair.captured(bytes);
  } finally {
    pair.close();
  }
}

const V4 = { source: '192.0.2.1', destination: '198.51.100.1', payload: LONG } as const;
const V6 = { source: '2001:db8::1', destination: '2001:db8::2', payload: LONG } as const;
const SIP = { protocol: 'udp', sourcePort: 40_000, destinationPort: 5060 } as const;
const TLS = { protocol: 'tcp', sourcePort: 5061, destinationPort: 40_000 } as const;
const rule = { linkType: LINKTYPE_ETHERNET, snapLength: SNAP, signallingPorts: [5060, 5061] };

describe('snapFilter', () => {
  const whole: readonly [string, FrameSpec][] = [
    ['IPv4 UDP to a signalling port', { ...V4, ...SIP }],
    ['IPv4 TCP from a signalling port', { ...V4, ...TLS }],
    ['IPv6 UDP to a signalling port', { ...V6, ...SIP }],
    ['IPv6 TCP from a signalling port', { ...V6, ...TLS }],
    ['IPv4 with the longest options', { ...V4, ...SIP, options: new Uint8Array(40) }],
    ['a first fragment', { ...V4, ...SIP, fragment: 0x2000 }],
    ['IPv4 in a VLAN tag', { ...V4, ...SIP, vlans: [5] }],
    ['IPv6 in a VLAN tag', { ...V6, ...SIP, vlans: [5] }],
    ['IPv4 in two VLAN tags', { ...V4, ...TLS, vlans: [5, 6] }],
  ];
  for (const [what, spec] of whole) {
    it(`captures the whole of ${what}`, () => assert.equal(captured(rule, frame(spec)), frame(spec).length));
  }

  const snapped: readonly [string, FrameSpec][] = [
    ['other ports', { ...V4, protocol: 'udp', sourcePort: 10_000, destinationPort: 20_000 }],
    ['other ports in IPv6', { ...V6, protocol: 'tcp', sourcePort: 443, destinationPort: 40_000 }],
    ['ICMP that looks like a port', { ...V4, protocol: 'icmp' }],
    ['another protocol', { ...V4, ...SIP, protocol: 47 }],
    ['a later fragment', { ...V4, ...SIP, fragment: 0x2001 }],
    ['three VLAN tags', { ...V4, ...SIP, vlans: [5, 6, 7] }],
  ];
  for (const [what, spec] of snapped) {
    it(`captures ${SNAP} bytes of ${what}`, () => assert.equal(captured(rule, frame(spec)), SNAP));
  }

  it('captures 128 bytes of neither IP nor VLAN', () => {
    assert.equal(captured(rule, new Uint8Array(LONG)), SNAP);
  });

  it('looks for the IP header at once where there is no layer 2', () => {
    const raw = { ...rule, linkType: LINKTYPE_RAW };
    for (const spec of [
      { ...V4, ...SIP },
      { ...V6, ...TLS },
    ]) {
      const packet = frame(spec).subarray(14);
      assert.equal(captured(raw, packet), packet.length);
    }
    assert.equal(
      captured(raw, frame({ ...V4, protocol: 'udp', sourcePort: 1, destinationPort: 2 }).subarray(14)),
      SNAP,
    );
  });

  it('captures nothing whole without signalling ports', () => {
    assert.equal(captured({ ...rule, signallingPorts: [] }, frame({ ...V4, ...SIP })), SNAP);
  });

  it('takes as many ports as it says, and no more', () => {
    const ports = Array.from({ length: MOST_SIGNALLING_PORTS }, (_, i) => 5060 + i);
    const last = { ...V4, ...SIP, sourcePort: ports.at(-1)!, destinationPort: 1 };
    assert.equal(captured({ ...rule, signallingPorts: ports }, frame(last)), frame(last).length);
    assert.throws(() => snapFilter({ ...rule, signallingPorts: [...ports, 1] }), RangeError);
  });

  it('refuses a snap length that would drop every frame', () => {
    assert.throws(() => snapFilter({ ...rule, snapLength: 0 }), RangeError);
  });

  it('captures a whole super-packet up to its limit', () => {
    const long = new Uint8Array(66_000);
    long.set(frame({ ...V4, ...SIP }));
    assert.equal(captured(rule, long), SIGNALLING_SNAP_LENGTH);
  });

  it('never drops a frame, whatever is in it and however short it is', () => {
    const starts = [frame({ ...V4, ...SIP }), frame({ ...V6, ...TLS }), frame({ ...V4, ...SIP, vlans: [1, 2] })];
    const bytes = fc
      .tuple(fc.constantFrom(...starts), fc.integer({ min: 1, max: 300 }), fc.array(fc.tuple(fc.nat(99), fc.nat(255))))
      .map(([start, length, changes]) => {
        const changed = start.slice(0, length);
        for (const [at, byte] of changes) if (at < length) changed[at] = byte;
        return changed;
      });
    for (const linkType of [LINKTYPE_ETHERNET, LINKTYPE_RAW]) {
      for (const snapLength of [14, 64, SNAP]) {
        const pair = new FilteredPair({ ...rule, linkType, snapLength });
        fc.assert(
          fc.property(bytes, (one) => {
            const length = pair.captured(one);
            assert.ok(length === one.length || length === Math.min(snapLength, one.length), `${length} bytes`);
          }),
        );
        pair.close();
      }
    }
  });
});
