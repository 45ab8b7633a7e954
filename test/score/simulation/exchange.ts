/** A conversation by a script: who says what when, for a client and a server that are drawn anew each time. */
import type { Milliseconds } from '../../../probes/probe.ts';
import type { Activity } from './agenda.ts';
import { ACK, FIN, type FrameWriter, ICMP, PORT_UNREACHABLE, PSH, RST, SYN, TCP, UDP } from './frameWriter.ts';

export interface Line {
  /** In round-trip times from the start, and milliseconds on top. */
  readonly roundTrips: number;
  readonly afterMs?: number;
  readonly fromClient: boolean;
  readonly protocol: number;
  readonly flags: number;
  readonly payload: number;
  readonly segment?: number;
}

export type Script = readonly Line[];

export interface Ends {
  readonly client: number;
  readonly server: number;
  readonly clientPort: number;
  readonly serverPort: number;
  readonly roundTripMs: number;
}

const TCP_LINE = { protocol: TCP, payload: 0 };
const client = (roundTrips: number, flags: number, payload = 0): Line => ({
  ...TCP_LINE,
  roundTrips,
  fromClient: true,
  flags,
  payload,
});
const server = (roundTrips: number, flags: number, payload = 0): Line => ({
  ...TCP_LINE,
  roundTrips,
  fromClient: false,
  flags,
  payload,
});

const MTU_PAYLOAD = 1460;
const HANDSHAKE: Script = [client(0, SYN), server(1, SYN | ACK), client(1.01, ACK)];
const END: Script = [client(0, FIN | ACK), server(1, FIN | ACK), client(1.01, ACK)];

const later = (script: Script, roundTrips: number): Script =>
  script.map((line) => ({ ...line, roundTrips: line.roundTrips + roundTrips }));

/** A request and its answer, which is as long as this; closed by the client. */
export function request(answerBytes: number): Script {
  const answer: Script = [
    client(1.02, PSH | ACK, 420),
    server(2.1, ACK),
    { ...server(2.6, PSH | ACK, answerBytes), segment: answerBytes > MTU_PAYLOAD ? MTU_PAYLOAD : 0 },
    client(3.1, ACK),
  ];
  return [...HANDSHAKE, ...answer, ...later(END, 3.3)];
}

/** Closed by a reset, as browsers and phones do. */
export const REQUEST_THEN_RESET: Script = [...request(3000).slice(0, 7), client(3.3, RST | ACK)];
export const REFUSED: Script = [client(0, SYN), server(1, RST | ACK)];
/** Linux tries again after 1, 3 and 7 s (RFC 6298: 1 s, doubled). */
export const UNANSWERED: Script = [0, 1000, 3000, 7000].map((afterMs) => ({ ...client(0, SYN), afterMs }));
/** Somebody looks whether a port is open, and leaves. */
export const CHECK: Script = [...HANDSHAKE, ...later(END, 1.1)];
/** A mail: eight lines to and fro, then the text. */
export const MAIL: Script = [
  ...HANDSHAKE,
  ...Array.from({ length: 8 }, (_, i) => [client(2 + i, PSH | ACK, 40), server(2.5 + i, PSH | ACK, 60)]).flat(),
  { ...client(11, PSH | ACK, 24_000), segment: MTU_PAYLOAD },
  server(12, PSH | ACK, 40),
  ...later(END, 13),
];

const datagram = (roundTrips: number, fromClient: boolean, payload: number, afterMs = 0): Line => ({
  roundTrips,
  afterMs,
  fromClient,
  protocol: UDP,
  flags: 0,
  payload,
});

export const asked = (questionBytes: number, answerBytes: number): Script => [
  datagram(0, true, questionBytes),
  datagram(1, false, answerBytes),
];
export const unanswered = (questionBytes: number, timesMs: readonly number[] = [0]): Script =>
  timesMs.map((afterMs) => datagram(0, true, questionBytes, afterMs));
export const unreachable = (questionBytes: number): Script => [
  datagram(0, true, questionBytes),
  { roundTrips: 1, fromClient: false, protocol: ICMP, flags: PORT_UNREACHABLE, payload: 28 + questionBytes },
];
/** REGISTER, 401, REGISTER with a password, 200. */
export const REGISTER: Script = [
  ...asked(600, 500),
  ...asked(780, 520).map((line) => ({ ...line, roundTrips: line.roundTrips + 1.1 })),
];
/** RFC 3261, timer E: 0.5 s, doubled up to 4 s. */
export const SIP_UNANSWERED: Script = unanswered(600, [0, 500, 1500, 3500, 7500, 11_500]);
/** INVITE, 100, 180, 200, ACK. */
export const INVITE: Script = [
  datagram(0, true, 900),
  datagram(1, false, 350),
  datagram(1, false, 500, 200),
  datagram(1, false, 900, 3000),
  datagram(2, true, 450, 3000),
];
export const BYE = asked(480, 350);

export const ping = (requestFlags: number, replyFlags: number): Script => [
  { roundTrips: 0, fromClient: true, protocol: ICMP, flags: requestFlags, payload: 56 },
  { roundTrips: 1, fromClient: false, protocol: ICMP, flags: replyFlags, payload: 56 },
];

export class Exchange implements Activity {
  readonly #writer: FrameWriter;
  readonly #script: Script;
  readonly #startMs: Milliseconds;
  readonly #ends: Ends;
  #next = 0;
  /** Sequence numbers of the client and the server. */
  #clientSequence: number;
  #serverSequence: number;

  constructor(writer: FrameWriter, script: Script, startMs: Milliseconds, ends: Ends) {
    this.#writer = writer;
    this.#script = script;
    this.#startMs = startMs;
    this.#ends = ends;
    this.#clientSequence = (ends.client ^ (ends.clientPort << 16)) >>> 0;
    this.#serverSequence = (ends.server ^ (ends.clientPort << 15)) >>> 0;
  }

  /** When it begins. */
  get firstMs(): Milliseconds {
    return this.#timeOf(0);
  }

  step(timeMs: Milliseconds): Milliseconds {
    this.#say(timeMs, this.#script[this.#next]!);
    this.#next += 1;
    return this.#next < this.#script.length ? Math.max(timeMs, this.#timeOf(this.#next)) : Infinity;
  }

  #timeOf(index: number): Milliseconds {
    const { roundTrips, afterMs = 0 } = this.#script[index]!;
    return this.#startMs + roundTrips * this.#ends.roundTripMs + afterMs;
  }

  #say(timeMs: Milliseconds, { fromClient, protocol, flags, payload, segment = 0 }: Line): void {
    const { client: clientAddress, server: serverAddress, clientPort, serverPort } = this.#ends;
    const { packet } = this.#writer;
    packet.fragment = 0;
    packet.timeMs = timeMs;
    packet.protocol = protocol;
    packet.source = fromClient ? clientAddress : serverAddress;
    packet.destination = fromClient ? serverAddress : clientAddress;
    packet.sourcePort = fromClient ? clientPort : serverPort;
    packet.destinationPort = fromClient ? serverPort : clientPort;
    packet.flags = flags;
    packet.sequence = fromClient ? this.#clientSequence : this.#serverSequence;
    if (flags === SYN && this.#next > 0) packet.sequence = (this.#clientSequence - 1) >>> 0;
    packet.acknowledged = (flags & ACK) === 0 ? 0 : fromClient ? this.#serverSequence : this.#clientSequence;
    packet.payload = payload;
    packet.segment = segment;
    this.#writer.write(packet);
    if (protocol !== TCP) return;
    // A SYN that comes again has the number that it had.
    if (flags === SYN && this.#next > 0) return;
    const consumed = payload + ((flags & (SYN | FIN)) === 0 ? 0 : 1);
    if (fromClient) this.#clientSequence = (this.#clientSequence + consumed) >>> 0;
    else this.#serverSequence = (this.#serverSequence + consumed) >>> 0;
  }
}
