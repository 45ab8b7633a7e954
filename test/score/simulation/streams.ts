/** Traffic that goes on: calls, and transfers at a rate; a quarter of a second of it is one super-packet each way, as GRO makes them. */
import type { Milliseconds } from '../../../probes/probe.ts';
import type { Activity } from './agenda.ts';
import { ACK, blankPacket, type FrameWriter, type Packet, PSH, TCP, UDP } from './frameWriter.ts';

const STEP_MS = 250;
/** G.711 with RTP's header, 50 packets a second. */
const VOICE_PAYLOAD = 172;
const VOICE_PACKETS = [12, 13];
const REPORT_STEPS = 20;
const REPORT_PAYLOAD = 80;

export interface StreamEnds {
  readonly from: number;
  readonly to: number;
  readonly fromPort: number;
  readonly toPort: number;
}

export type Speaks = 'both' | 'first';

/** 50 packets a second, until `endMs`: both ways, or to somebody who only listens and reports every 5 s (RTCP). */
export class Call implements Activity {
  readonly #writer: FrameWriter;
  readonly #packet: Packet = blankPacket();
  readonly #ends: StreamEnds;
  readonly #endMs: Milliseconds;
  readonly #whenOver: (timeMs: Milliseconds) => void;
  readonly #speaks: Speaks;
  #steps = 0;

  constructor(
    writer: FrameWriter,
    ends: StreamEnds,
    endMs: Milliseconds,
    whenOver: (timeMs: Milliseconds) => void,
    speaks: Speaks = 'both',
  ) {
    this.#speaks = speaks;
    this.#writer = writer;
    this.#ends = ends;
    this.#endMs = endMs;
    this.#whenOver = whenOver;
    this.#packet.protocol = UDP;
    this.#packet.segment = VOICE_PAYLOAD;
  }

  step(timeMs: Milliseconds): Milliseconds {
    const { from, to, fromPort, toPort } = this.#ends;
    const packet = this.#packet;
    packet.timeMs = timeMs;
    packet.payload = VOICE_PAYLOAD * VOICE_PACKETS[this.#steps & 1]!;
    this.#steps += 1;
    address(packet, from, to, fromPort, toPort);
    this.#writer.write(packet);
    if (this.#speaks === 'both') this.#answer(from, to, fromPort, toPort);
    else if (this.#steps % REPORT_STEPS === 0) {
      packet.payload = REPORT_PAYLOAD;
      this.#answer(from, to, fromPort + 1, toPort + 1);
    }
    if (timeMs + STEP_MS < this.#endMs) return timeMs + STEP_MS;
    this.#whenOver(timeMs + STEP_MS);
    return Infinity;
  }

  #answer(from: number, to: number, fromPort: number, toPort: number): void {
    address(this.#packet, to, from, toPort, fromPort);
    this.#writer.write(this.#packet);
  }
}

export interface Transfer {
  readonly protocol: typeof TCP | typeof UDP;
  /** Of layer 2, at a time; 0: nothing is sent just then. */
  readonly rateBpsAt: (timeMs: Milliseconds) => number;
  readonly endMs: Milliseconds;
  /** One packet back for so many. */
  readonly packetsPerAcknowledgement: number;
}

const SEGMENT = 1448;
const OVERHEAD = 54;
/** UDP ends at 64 KiB; longer frames than these of TCP are not counted whole. */
const MAX_SEGMENTS = { [UDP]: 43, [TCP]: 340 } as const;
const MIN_STEP_MS = 5;

/** One way at a rate, with acknowledgements. */
export class Stream implements Activity {
  readonly #writer: FrameWriter;
  readonly #ends: StreamEnds;
  readonly #transfer: Transfer;
  readonly #packet: Packet = blankPacket();
  #owedBits = 0;
  #lastMs: Milliseconds | null = null;
  #unacknowledged = 0;

  constructor(writer: FrameWriter, ends: StreamEnds, transfer: Transfer) {
    this.#writer = writer;
    this.#ends = ends;
    this.#transfer = transfer;
    this.#packet.protocol = transfer.protocol;
  }

  step(timeMs: Milliseconds): Milliseconds {
    const { rateBpsAt, endMs, protocol } = this.#transfer;
    const rate = rateBpsAt(timeMs);
    this.#owedBits += (rate * (timeMs - (this.#lastMs ?? timeMs))) / 1000;
    this.#lastMs = timeMs;
    this.#send(timeMs);
    // A super-packet is as large as it may be, or holds what a quarter of a second brings.
    const fullMs = (MAX_SEGMENTS[protocol] * (SEGMENT + OVERHEAD) * 8 * 1000) / Math.max(rate, 1);
    const next = timeMs + Math.max(MIN_STEP_MS, Math.min(STEP_MS, fullMs));
    return next < endMs ? next : Infinity;
  }

  #send(timeMs: Milliseconds): void {
    const { from, to, fromPort, toPort } = this.#ends;
    const { protocol, packetsPerAcknowledgement } = this.#transfer;
    const most = MAX_SEGMENTS[protocol];
    const packet = this.#packet;
    const segments = Math.floor(this.#owedBits / ((SEGMENT + OVERHEAD) * 8));
    this.#owedBits -= segments * (SEGMENT + OVERHEAD) * 8;
    packet.timeMs = timeMs;
    for (let left = segments; left > 0; left -= most) {
      address(packet, from, to, fromPort, toPort);
      packet.payload = SEGMENT * Math.min(left, most);
      packet.segment = SEGMENT;
      packet.flags = PSH | ACK;
      this.#writer.write(packet);
    }
    this.#unacknowledged += segments;
    const acknowledgements = Math.floor(this.#unacknowledged / packetsPerAcknowledgement);
    this.#unacknowledged -= acknowledgements * packetsPerAcknowledgement;
    if (acknowledgements === 0) return;
    address(packet, to, from, toPort, fromPort);
    // GRO does not join bare acknowledgements of TCP, but for the counts that is all one.
    packet.payload = protocol === TCP ? 0 : 40 * acknowledgements;
    packet.segment = protocol === TCP ? 0 : 40;
    packet.flags = ACK;
    for (let i = 0; i < (protocol === TCP ? acknowledgements : 1); i++) this.#writer.write(packet);
  }
}

function address(
  packet: Packet,
  source: number,
  destination: number,
  sourcePort: number,
  destinationPort: number,
): void {
  packet.source = source;
  packet.destination = destination;
  packet.sourcePort = sourcePort;
  packet.destinationPort = destinationPort;
}
