/** Writes frames as probes give them: Ethernet, IPv4, and a transport's header, one after another into blocks that are used again and again. */
import { type FrameBlock, LINKTYPE_ETHERNET, type Milliseconds } from '../../../probes/probe.ts';

/** Of a block; what belongs together in time is never far apart. */
const FRAMES = 4096;
/** Room for all headers that are ever written. */
const FRAME_BYTES = 64;
const ETHERNET_BYTES = 14;
const IP_AT = ETHERNET_BYTES;
const TRANSPORT_AT = IP_AT + 20;
const SHORTEST = 60;

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;

export const ECHO_REPLY = 0x0000;
export const ECHO_REQUEST = 0x0800;
export const PORT_UNREACHABLE = 0x0303;

/** What of a frame differs; addresses as numbers, 0 … 2^32 - 1. */
export interface Packet {
  timeMs: Milliseconds;
  protocol: number;
  source: number;
  destination: number;
  sourcePort: number;
  destinationPort: number;
  /** TCP's flags; ICMP's type << 8 | code. */
  flags: number;
  sequence: number;
  acknowledged: number;
  /** Bytes behind the transport's header, of all segments together. */
  payload: number;
  /** Bytes of one segment of a super-packet; 0: it is none. */
  segment: number;
  /** IPv4's flags and fragment offset as it stands; 0: don't fragment. */
  fragment: number;
}

export const blankPacket = (): Packet => ({
  timeMs: 0,
  protocol: TCP,
  source: 0,
  destination: 0,
  sourcePort: 0,
  destinationPort: 0,
  flags: 0,
  sequence: 0,
  acknowledged: 0,
  payload: 0,
  segment: 0,
  fragment: 0,
});

export class FrameWriter {
  /** For whoever writes the next frame: all of its fields are as the one before has left them. */
  readonly packet = blankPacket();
  readonly #bytes = new Uint8Array(FRAMES * FRAME_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #offsets = Uint32Array.from({ length: FRAMES }, (_, i) => i * FRAME_BYTES);
  readonly #capturedLengths = new Uint32Array(FRAMES);
  readonly #wireLengths = new Uint32Array(FRAMES);
  readonly #timesMs = new Float64Array(FRAMES);
  readonly #segmentSizes = new Uint16Array(FRAMES);
  readonly #vlanTags = new Uint32Array(FRAMES);
  readonly #flags = new Uint8Array(FRAMES);
  readonly #take: (block: FrameBlock) => void;
  #count = 0;
  #identification = 0;

  /** `take` is given each block once it is full; it is not to be kept. */
  constructor(take: (block: FrameBlock) => void) {
    this.#take = take;
    for (let i = 0; i < FRAMES; i++) {
      const at = i * FRAME_BYTES;
      this.#bytes.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45], at);
      this.#view.setUint8(at + IP_AT + 8, 64);
    }
  }

  write(packet: Packet): void {
    const i = this.#count;
    const at = i * FRAME_BYTES;
    const view = this.#view;
    const { protocol, payload, segment } = packet;
    const headers = protocol === TCP ? 20 : 8;
    // A super-packet that is longer than IPv4 can say has a zero there (BIG TCP, Linux 6.3).
    const length = 20 + headers + payload > 0xffff ? 0 : 20 + headers + payload;
    view.setUint16(at + IP_AT + 2, length);
    view.setUint16(at + IP_AT + 4, this.#identification);
    this.#identification = (this.#identification + 1) & 0xffff;
    view.setUint16(at + IP_AT + 6, packet.fragment === 0 ? 0x4000 : packet.fragment);
    view.setUint8(at + IP_AT + 9, protocol);
    view.setUint32(at + IP_AT + 12, packet.source);
    view.setUint32(at + IP_AT + 16, packet.destination);
    this.#writeTransport(at + TRANSPORT_AT, packet);
    this.#capturedLengths[i] = TRANSPORT_AT + headers;
    this.#wireLengths[i] = Math.max(SHORTEST, TRANSPORT_AT + headers + payload);
    this.#timesMs[i] = packet.timeMs;
    this.#segmentSizes[i] = segment;
    this.#count += 1;
    if (this.#count === FRAMES) this.flush();
  }

  #writeTransport(
    at: number,
    { protocol, sourcePort, destinationPort, flags, sequence, acknowledged, payload }: Packet,
  ): void {
    const view = this.#view;
    if (protocol === ICMP) {
      view.setUint16(at, flags);
      view.setUint32(at + 4, sequence);
      return;
    }
    view.setUint16(at, sourcePort);
    view.setUint16(at + 2, destinationPort);
    if (protocol === UDP) {
      view.setUint16(at + 4, 8 + payload);
      view.setUint16(at + 6, 0);
      return;
    }
    view.setUint32(at + 4, sequence);
    view.setUint32(at + 8, acknowledged);
    view.setUint8(at + 12, 0x50);
    view.setUint8(at + 13, flags);
    view.setUint16(at + 14, 0xffff);
  }

  /** Gives away what has been written. */
  flush(): void {
    if (this.#count === 0) return;
    const count = this.#count;
    this.#count = 0;
    this.#take({
      bytes: this.#bytes,
      linkType: LINKTYPE_ETHERNET,
      count,
      offsets: this.#offsets,
      capturedLengths: this.#capturedLengths,
      wireLengths: this.#wireLengths,
      timesMs: this.#timesMs,
      segmentSizes: this.#segmentSizes,
      vlanTags: this.#vlanTags,
      flags: this.#flags,
    });
  }
}
