/** One AF_PACKET socket that captures on one interface into a TPACKET_V3 ring (packet(7), packet_mmap.rst). */
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../probe.ts';
import {
  AF_PACKET,
  ETH_P_ALL,
  type Libc,
  PACKET_ADD_MEMBERSHIP,
  PACKET_IGNORE_OUTGOING,
  PACKET_RX_RING,
  PACKET_STATISTICS,
  PACKET_VERSION,
  PACKET_VNET_HDR,
  promiscuousMembership,
  SLL_HATYPE,
  SO_ATTACH_FILTER,
  SO_ERROR,
  SOCK_CLOEXEC,
  SOCK_RAW,
  sockaddrLl,
  SOCKADDR_LL_BYTES,
  SOL_PACKET,
  SOL_SOCKET,
  TPACKET_V3,
  tpacketReq3,
} from '../libc.ts';
import { EINVAL, ENOMEM, EPERM, ProbeError } from '../probeError.ts';
import type { RingOptions } from './ringOptions.ts';
import { filterProgram, snapFilter } from './snapFilter.ts';

const ARPHRD_LOOPBACK = 772;
/** How a frame starts, by ARPHRD_* type (linux/if_arp.h): a device without a header of layer 2 hands over bare IP packets. */
const LINK_TYPES = new Map([
  [1, LINKTYPE_ETHERNET],
  [ARPHRD_LOOPBACK, LINKTYPE_ETHERNET],
  [512, LINKTYPE_RAW], // ppp
  [519, LINKTYPE_RAW], // rawip: cellular modems
  [768, LINKTYPE_RAW], // ipip
  [769, LINKTYPE_RAW], // ip6tnl
  [776, LINKTYPE_RAW], // sit
  [65_534, LINKTYPE_RAW], // none: tun, wireguard
]);

const RING_ADVICE = {
  [ENOMEM]: 'lower interfaces[].ring.blocks or interfaces[].ring.blockSize',
  [EINVAL]: 'interfaces[].ring.blockSize must be a multiple of the page size',
};

export class PacketSocket {
  readonly fd: number;
  readonly linkType: number;
  readonly #libc: Libc;
  readonly #interface: string;

  /** Captures nothing before `start`. Throws a ProbeError; then nothing is left open. */
  constructor(libc: Libc, interfaceIndex: number, options: RingOptions) {
    this.#libc = libc;
    this.#interface = options.interface;
    this.fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    this.#check('open a packet socket', this.fd, {
      [EPERM]: 'needs CAP_NET_RAW: run as root or through the weir.service unit',
    });
    try {
      this.linkType = this.#configure(interfaceIndex, options);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Last of all, so that no packet arrives that the filter has not seen, nor one of another interface. */
  start(interfaceIndex: number): void {
    this.#bind(interfaceIndex, ETH_P_ALL);
  }

  /** Packets put into the ring, and lost for want of room there, since the last call (struct tpacket_stats_v3). */
  takeStatistics(): { received: number; dropped: number } {
    const counters = new Uint32Array(3);
    this.#getOption(SOL_PACKET, PACKET_STATISTICS, counters);
    const [packets = 0, drops = 0] = counters; // the kernel counts a dropped packet among the packets, too
    return { received: packets - drops, dropped: drops };
  }

  /** Takes the pending error (ENETDOWN) off the socket, so that poll(2) waits again. */
  clearError(): void {
    this.#getOption(SOL_SOCKET, SO_ERROR, new Uint32Array(1));
  }

  close(): void {
    this.#libc.close(this.fd);
  }

  #configure(interfaceIndex: number, options: RingOptions): number {
    const { blockBytes, blocks, retireMs, snapLength, signallingPorts } = options;
    const hardwareType = this.#bind(interfaceIndex, 0);
    const linkType = LINK_TYPES.get(hardwareType);
    if (linkType === undefined) {
      throw new ProbeError(`Cannot capture on ${this.#interface}: link type ${hardwareType} is not supported`);
    }
    this.#setOption('PACKET_VERSION', PACKET_VERSION, Int32Array.of(TPACKET_V3));
    // Refused once there is a ring. The kernel drops, and counts, super-packets of what virtio has no name for: SCTP.
    this.#setOption('PACKET_VNET_HDR', PACKET_VNET_HDR, Int32Array.of(1));
    if (hardwareType === ARPHRD_LOOPBACK) {
      // What this device sends it receives: each packet would be seen twice.
      this.#setOption('PACKET_IGNORE_OUTGOING', PACKET_IGNORE_OUTGOING, Int32Array.of(1));
    }
    if (options.promiscuous) {
      this.#setOption('PACKET_ADD_MEMBERSHIP', PACKET_ADD_MEMBERSHIP, promiscuousMembership(interfaceIndex));
    }
    this.#attachFilter(snapFilter({ linkType, snapLength, signallingPorts }));
    const ring = tpacketReq3(blockBytes, blocks, retireMs);
    this.#check(
      `make a ring of ${blocks} × ${blockBytes} bytes`,
      this.#libc.setsockopt(this.fd, SOL_PACKET, PACKET_RX_RING, ring, ring.byteLength),
      RING_ADVICE,
    );
    return linkType;
  }

  /** Returns the interface's ARPHRD_* type. Protocol 0: nothing is received. */
  #bind(interfaceIndex: number, protocol: number): number {
    const address = sockaddrLl(interfaceIndex, protocol);
    this.#check('bind a packet socket', this.#libc.bind(this.fd, address, SOCKADDR_LL_BYTES));
    const length = Uint32Array.of(SOCKADDR_LL_BYTES);
    this.#check('look at a packet socket', this.#libc.getsockname(this.fd, address, length));
    return address.getUint16(SLL_HATYPE, true);
  }

  #attachFilter(filter: Uint8Array): void {
    const program = filterProgram(filter, this.#libc.address(filter));
    const result = this.#libc.setsockopt(this.fd, SOL_SOCKET, SO_ATTACH_FILTER, program, program.byteLength);
    this.#check('attach the snap-length filter', result);
  }

  #setOption(name: string, option: number, value: Int32Array): void {
    this.#check(`set ${name}`, this.#libc.setsockopt(this.fd, SOL_PACKET, option, value, value.byteLength));
  }

  #getOption(level: number, option: number, value: Uint32Array): void {
    const length = Uint32Array.of(value.byteLength);
    this.#check(`read option ${option}`, this.#libc.getsockopt(this.fd, level, option, value, length));
  }

  #check(act: string, result: number, advice?: Readonly<Record<number, string>>): void {
    if (result < 0) throw ProbeError.ofErrno(`${act} on ${this.#interface}`, this.#libc.errno(), advice);
  }
}
