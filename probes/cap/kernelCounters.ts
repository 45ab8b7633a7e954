/** What the kernel counts for the packet socket that libpcap opened in this process; `cap` does not tell. */
import { readdirSync } from 'node:fs';
import { type Libc, PACKET_STATISTICS, SOL_PACKET } from '../libc.ts';

/** struct tpacket_stats: packets, drops; TPACKET_V3 has a third word. */
const STATISTICS_BYTES = 12;

/** Takes the counters over from libpcap, which reads them only where its user asks for statistics. */
export class KernelCounters {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #counters = new Uint32Array(STATISTICS_BYTES / 4);
  readonly #length = new Uint32Array(1);
  #dropped = 0;

  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  /** Packets that the ring had no room for, since it was made; null: the socket does not say. */
  dropped(): number | null {
    this.#length[0] = STATISTICS_BYTES;
    const result = this.#libc.getsockopt(this.#fd, SOL_PACKET, PACKET_STATISTICS, this.#counters, this.#length);
    if (result < 0) return null;
    this.#dropped += this.#counters[1]!; // reading sets it back to 0
    return this.#dropped;
  }
}

/** The only AF_PACKET socket of this process; null: libpcap captures in another way, as from USB. */
export function findPacketSocket(libc: Libc): KernelCounters | null {
  const sockets = readdirSync('/proc/self/fd').map((fd) => new KernelCounters(libc, Number(fd)));
  return sockets.find((each) => each.dropped() !== null) ?? null;
}
