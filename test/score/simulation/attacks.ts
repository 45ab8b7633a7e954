/** Attacks by packet time: each an activity that notes when its packets went out, and what must be named of it. */
import type { Milliseconds } from '../../../probes/probe.ts';
import type { Named } from '../trial.ts';
import type { Activity, Agenda } from './agenda.ts';
import {
  ACK,
  blankPacket,
  ECHO_REQUEST,
  type FrameWriter,
  ICMP,
  type Packet,
  PORT_UNREACHABLE,
  RST,
  SYN,
  TCP,
  UDP,
} from './frameWriter.ts';
import type { Random } from './random.ts';

/** What an attack sends, one after another. */
export interface Plan {
  readonly expected: Named;
  readonly packetsPerSecond: number;
  /** How many it sends; each may bring an answer, which is not counted. */
  readonly packets: number;
  /** Fills in the packet of this number. */
  readonly shape: (packet: Packet, index: number) => void;
  /** Fills in what comes back for it, if something does. */
  readonly answer?: (packet: Packet, index: number) => boolean;
}

const ANSWER_MS = 20;

export class Attack implements Activity {
  readonly timesMs: Milliseconds[] = [];
  readonly plan: Plan;
  readonly #writer: FrameWriter;
  readonly #agenda: Agenda;
  readonly #packet = blankPacket();

  constructor(writer: FrameWriter, agenda: Agenda, plan: Plan) {
    this.plan = plan;
    this.#writer = writer;
    this.#agenda = agenda;
  }

  step(timeMs: Milliseconds): Milliseconds {
    const { shape, answer, packets, packetsPerSecond } = this.plan;
    const index = this.timesMs.length;
    shape(this.#packet, index);
    this.#packet.timeMs = timeMs;
    this.#writer.write(this.#packet);
    this.timesMs.push(timeMs);
    if (answer !== undefined) this.#answer(timeMs, answer, index);
    return this.timesMs.length < packets ? timeMs + 1000 / packetsPerSecond : Infinity;
  }

  #answer(timeMs: Milliseconds, answer: (packet: Packet, index: number) => boolean, index: number): void {
    const reply = { ...this.#packet };
    if (!answer(reply, index)) return;
    const step = (atMs: Milliseconds): Milliseconds => {
      reply.timeMs = atMs;
      this.#writer.write(reply);
      return Infinity;
    };
    this.#agenda.add({ step }, timeMs + ANSWER_MS);
  }
}

const back = (packet: Packet): void => {
  const { source, sourcePort } = packet;
  packet.source = packet.destination;
  packet.sourcePort = packet.destinationPort;
  packet.destination = source;
  packet.destinationPort = sourcePort;
};

/** A port that is closed. */
export function refuse(packet: Packet): boolean {
  back(packet);
  packet.flags = RST | ACK;
  packet.acknowledged = (packet.sequence + 1) >>> 0;
  packet.sequence = 0;
  return true;
}

/** One that is open. */
export function accept(packet: Packet): boolean {
  refuse(packet);
  packet.flags = SYN | ACK;
  return true;
}

/** A datagram to a port where nobody listens. */
export function unreachable(packet: Packet): boolean {
  back(packet);
  packet.protocol = ICMP;
  packet.flags = PORT_UNREACHABLE;
  packet.sequence = 0;
  packet.payload = 28;
  return true;
}

export function syn(
  packet: Packet,
  source: number,
  destination: number,
  sourcePort: number,
  destinationPort: number,
): void {
  packet.protocol = TCP;
  packet.flags = SYN;
  packet.payload = 0;
  packet.source = source;
  packet.destination = destination;
  packet.sourcePort = sourcePort;
  packet.destinationPort = destinationPort;
  packet.sequence = (packet.sequence + 64_000) >>> 0;
}

export function datagram(
  packet: Packet,
  source: number,
  destination: number,
  ports: readonly [from: number, to: number],
  payload: number,
): void {
  packet.protocol = UDP;
  packet.source = source;
  packet.destination = destination;
  packet.sourcePort = ports[0];
  packet.destinationPort = ports[1];
  packet.payload = payload;
}

export function echo(packet: Packet, source: number, destination: number): void {
  packet.protocol = ICMP;
  packet.flags = ECHO_REQUEST;
  packet.source = source;
  packet.destination = destination;
  packet.payload = 56;
}

/** An address on the internet that is nobody's in particular, and no bogon: of 20/8 … 79/8. */
export const anybody = (random: Random): number => (((20 + random.below(60)) << 24) | (random.word() & 0xffffff)) >>> 0;
