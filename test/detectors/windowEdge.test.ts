/** What is asked at the end of one window and answered in the next is no flood, in either of them. */
import assert from 'node:assert/strict';
import { frame, patched, TCP_FLAGS, type TimedFrame } from '../support/frames.ts';
import { at, each, opened, PBX, PEER, START_MS, stranger } from './frameBed.ts';

/** 30 ms before the end of the first window. */
const EDGE_MS = 220;
const { syn, ack, fin, psh, rst } = TCP_FLAGS;

/** So many within 20 ms. */
const within = (i: number, count: number): number => (i * 20) / count;

interface Connection {
  readonly from: string;
  readonly to: string;
  readonly afterMs: number;
  readonly roundTripMs: number;
  readonly port: number;
}

/** Opened, used once, and ended. */
function connection({ from, to, afterMs, roundTripMs, port }: Connection): TimedFrame[] {
  const there = { source: from, destination: to, sourcePort: port, destinationPort: 443 };
  const back = { source: to, destination: from, sourcePort: 443, destinationPort: port };
  return [
    at(afterMs, { ...there, flags: syn }),
    at(afterMs + roundTripMs, { ...back, flags: syn | ack }),
    at(afterMs + roundTripMs + 0.1, { ...there, flags: ack }),
    at(afterMs + roundTripMs + 0.2, { ...there, flags: ack | psh, payload: 300 }),
    at(afterMs + 2 * roundTripMs, { ...back, flags: ack | psh, payload: 900 }),
    at(afterMs + 2 * roundTripMs + 0.1, { ...there, flags: ack | fin }),
    at(afterMs + 3 * roundTripMs, { ...back, flags: ack | fin }),
    at(afterMs + 3 * roundTripMs + 0.1, { ...there, flags: ack }),
  ];
}

function ping(afterMs: number, from: string, to: string): TimedFrame[] {
  const reply = frame({ source: to, destination: from, protocol: 'icmp' });
  return [
    at(afterMs, { source: from, destination: to, protocol: 'icmp' }),
    { bytes: patched(reply, 34, 0), timeMs: START_MS + afterMs + 40 },
  ];
}

const honest: readonly (readonly [what: string, frames: () => TimedFrame[]])[] = [
  [
    'a tenant that opens 200 connections to a server at once',
    () =>
      each(200, (i) =>
        connection({ from: PBX, to: PEER, afterMs: EDGE_MS + within(i, 200), roundTripMs: 80, port: 20_000 + i }),
      ),
  ],
  [
    '200 phones that connect at once',
    () =>
      each(200, (i) =>
        connection({
          from: stranger(i),
          to: PBX,
          afterMs: EDGE_MS + within(i, 200),
          roundTripMs: 80,
          port: 20_000 + i,
        }),
      ),
  ],
  [
    '400 connections that are completed at once',
    () =>
      each(400, (i) =>
        connection({ from: PEER, to: PBX, afterMs: 5 + within(i, 400), roundTripMs: 1, port: 20_000 + i }),
      ),
  ],
  [
    'a monitoring system that connects to 500 hosts at once',
    () =>
      each(500, (i) =>
        connection({
          from: PBX,
          to: stranger(i),
          afterMs: EDGE_MS + within(i, 500),
          roundTripMs: 40,
          port: 20_000 + i,
        }),
      ),
  ],
  [
    'a monitoring system that pings 500 hosts at once',
    () => each(500, (i) => ping(EDGE_MS + within(i, 500), PBX, stranger(i))),
  ],
  [
    'a server that ends 400 connections at once, and the resets of its clients',
    () =>
      each(400, (i) => {
        const [afterMs, port] = [EDGE_MS + within(i, 400), 20_000 + i];
        return [
          at(afterMs, { source: PBX, destination: stranger(i), destinationPort: port, flags: fin | ack }),
          at(afterMs + 60, { source: stranger(i), destination: PBX, sourcePort: port, flags: rst }),
        ];
      }),
  ],
];

const attacks: readonly (readonly [what: string, frames: () => TimedFrame[], told: string[]])[] = [
  [
    'a burst of 200 SYNs that nobody completes',
    () => each(200, (i) => [at(EDGE_MS + within(i, 200), { source: stranger(i), destination: PBX })]),
    [`synFlood inbound null > ${PBX}`],
  ],
  [
    'a burst of 800 SYNs',
    () => each(800, (i) => [at(EDGE_MS + within(i, 800), { source: stranger(i), destination: PBX })]),
    [`synFlood inbound null > ${PBX}`],
  ],
  [
    'a burst of 500 SYN-ACKs that nobody asked for',
    () =>
      each(500, (i) => [
        at(EDGE_MS + within(i, 500), { source: stranger(i), destination: PBX, sourcePort: 443, flags: syn | ack }),
      ]),
    [`tcpFlood inbound null > ${PBX}`],
  ],
  [
    '1,500 resets a second, none of which is asked for',
    () =>
      each(600, (i) => [
        at(i / 1.5, { source: stranger(i), destination: PBX, destinationPort: 30_000 + i, flags: rst | ack }),
      ]),
    [`tcpFlood inbound null > ${PBX}`],
  ],
  [
    'a burst of 500 echo replies that nobody asked for',
    () => each(500, (i) => ping(EDGE_MS + within(i, 500), PBX, stranger(i)).slice(1)),
    [`icmpFlood inbound null > ${PBX}`],
  ],
];

describe('detectors at the edge of a window', () => {
  for (const [what, frames] of honest) {
    it(`are silent on ${what}`, () => {
      assert.deepEqual(opened(frames()), []);
    });
  }
  for (const [what, frames, expected] of attacks) {
    it(`name ${what}`, () => {
      assert.deepEqual(opened(frames()), expected);
    });
  }
});
