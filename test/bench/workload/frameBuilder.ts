/** The frame of a workload under construction: Ethernet, IPv4 or IPv6, UDP or TCP, over one buffer that serves all frames. */
import { ipv6Words } from './addresses.ts';

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
const ICMPV6 = 58;
const ETHERNET_BYTES = 14;
/** Of an IPv6 packet on Ethernet. */
const LARGEST_PAYLOAD = 1460;
/** The shortest Ethernet frame, without its FCS: a TCP segment of IPv4 without payload is padded to it. */
export const SHORTEST = 60;

export const ACK = 0x10;
export const SYN = 0x02;
export const SYN_ACK = 0x12;
export const PSH_ACK = 0x18;
export const FIN_ACK = 0x11;

const EXPEDITED = 0xb8;
const DONT_FRAGMENT = 0x4000;
/** Of what is ever kept of a frame, with some to spare. */
const BUFFER_BYTES = 256;

export interface IpHeader {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  /** Bytes of the frame on the wire, were it IPv4. */
  readonly length: number;
  readonly ttl: number;
  /** Sent by a tenant. */
  readonly outbound: boolean;
}

export class FrameBuilder {
  readonly bytes = new Uint8Array(BUFFER_BYTES);
  /** Bytes of the frame on the wire. */
  wireLength = 0;
  readonly #view = new DataView(this.bytes.buffer);
  readonly #version: 4 | 6;
  #transport = 0;
  #identification = 0;

  constructor(version: 4 | 6) {
    this.#version = version;
  }

  /** Begins a frame anew: an Ethernet header, all behind it zero. */
  ethernet(etherType: number, outbound: boolean): void {
    this.bytes.fill(0);
    this.bytes[0] = 2;
    this.bytes[5] = outbound ? 2 : 1;
    this.bytes[6] = 2;
    this.bytes[11] = outbound ? 1 : 2;
    this.u16(12, etherType);
  }

  /** Begins a frame of the workload's IP version. */
  ip(header: IpHeader): void {
    if (this.#version === 4) this.#ipv4(header);
    else this.#ipv6(header);
  }

  #ipv4({ source, destination, protocol, length, ttl, outbound }: IpHeader): void {
    const at = ETHERNET_BYTES;
    this.ethernet(0x0800, outbound);
    this.bytes[at] = 0x45;
    this.bytes[at + 1] = protocol === UDP ? EXPEDITED : 0;
    this.u16(at + 2, protocol === TCP && length === SHORTEST ? 40 : length - at);
    this.u16(at + 4, this.#identification++);
    this.u16(at + 6, DONT_FRAGMENT);
    this.bytes[at + 8] = ttl;
    this.bytes[at + 9] = protocol;
    this.u32(at + 12, source);
    this.u32(at + 16, destination);
    this.u16(at + 10, this.#checksum(at, 20));
    this.wireLength = length;
    this.#transport = at + 20;
  }

  /** Its payload is that of the IPv4 frame, as far as a frame holds it; nothing needs padding. */
  #ipv6({ source, destination, protocol, length, ttl, outbound }: IpHeader): void {
    const at = ETHERNET_BYTES;
    const payload = protocol === TCP && length === SHORTEST ? 20 : Math.min(length - 34, LARGEST_PAYLOAD);
    this.ethernet(0x86dd, outbound);
    this.u16(at, protocol === UDP ? 0x6000 | (EXPEDITED << 4) : 0x6000);
    this.u16(at + 4, payload);
    this.bytes[at + 6] = protocol === ICMP ? ICMPV6 : protocol;
    this.bytes[at + 7] = ttl;
    ipv6Words(source).forEach((word, i) => this.u32(at + 8 + i * 4, word));
    ipv6Words(destination).forEach((word, i) => this.u32(at + 24 + i * 4, word));
    this.wireLength = at + 40 + payload;
    this.#transport = at + 40;
  }

  udp(sourcePort: number, destinationPort: number, payload: number): void {
    const at = this.#transport;
    this.u16(at, sourcePort);
    this.u16(at + 2, destinationPort);
    this.u16(at + 4, 8 + payload);
    this.#transport = at + 8;
  }

  tcp(sourcePort: number, destinationPort: number, sequence: number, acknowledged: number, flags: number): void {
    const at = this.#transport;
    this.u16(at, sourcePort);
    this.u16(at + 2, destinationPort);
    this.u32(at + 4, sequence);
    this.u32(at + 8, acknowledged);
    this.bytes[at + 12] = 0x50;
    this.bytes[at + 13] = flags;
    this.u16(at + 14, 64_240);
    this.u16(at + 16, 0x1234);
  }

  echo(isReply: boolean, identifier: number, sequence: number): void {
    const at = this.#transport;
    const [request, reply] = this.#version === 4 ? [8, 0] : [128, 129];
    this.bytes[at] = isReply ? reply : request;
    this.u16(at + 4, identifier);
    this.u16(at + 6, sequence);
  }

  /** Where the payload of a UDP datagram starts. */
  get payload(): number {
    return this.#transport;
  }

  u16(at: number, value: number): void {
    this.#view.setUint16(at, value);
  }

  u32(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** RFC 1071. */
  #checksum(at: number, length: number): number {
    let sum = 0;
    for (let i = at; i < at + length; i += 2) sum += this.#view.getUint16(i);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    return ~sum & 0xffff;
  }
}
