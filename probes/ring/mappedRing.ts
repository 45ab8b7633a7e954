/** The ring of one packet socket in this process's memory: whose turn each block is, and the way back to the kernel. */
import { BLOCK_STATUS, makeRingBlock, readBlock, type RingBlock } from './blockReader.ts';
import { type Libc, MAP_FAILED, MAP_SHARED, PROT_READ_WRITE } from '../libc.ts';
import { PacketSocket } from './packetSocket.ts';
import { ENOMEM, ProbeError } from '../probeError.ts';
import type { RingOptions } from './ringOptions.ts';

/** block_status */
const TP_STATUS_KERNEL = 0;
const TP_STATUS_USER = 1;

export class MappedRing {
  readonly interfaceIndex: number;
  readonly socket: PacketSocket;
  readonly #libc: Libc;
  readonly #options: RingOptions;
  readonly #address: bigint;
  readonly #memory: ArrayBuffer;
  readonly #words: Uint32Array;
  readonly #statuses: Int32Array;
  readonly #block: RingBlock;
  #current = 0;
  #unreadable = 0;

  /** Captures from here on. Throws a ProbeError; then nothing is left open. */
  constructor(libc: Libc, interfaceIndex: number, options: RingOptions) {
    this.#libc = libc;
    this.#options = options;
    this.interfaceIndex = interfaceIndex;
    this.socket = new PacketSocket(libc, interfaceIndex, options);
    const { fd, linkType } = this.socket;
    this.#address = libc.mmap(null, this.#byteLength, PROT_READ_WRITE, MAP_SHARED, fd, 0);
    if (this.#address === MAP_FAILED) {
      const errno = libc.errno();
      this.socket.close();
      throw ProbeError.ofErrno(`map the ring of ${options.interface}`, errno, {
        [ENOMEM]: 'lower interfaces[].ring.blocks',
      });
    }
    this.#memory = libc.view(this.#address, this.#byteLength);
    this.#words = new Uint32Array(this.#memory);
    this.#statuses = new Int32Array(this.#memory);
    this.#block = makeRingBlock(this.#memory, linkType, options.blockBytes);
    try {
      this.socket.start(interfaceIndex);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The next block that the kernel has handed over; null: there is none yet. Valid until `release`. */
  receive(): RingBlock | null {
    const { blockBytes } = this.#options;
    while ((Atomics.load(this.#statuses, this.#statusIndex) & TP_STATUS_USER) !== 0) {
      const start = this.#current * blockBytes;
      this.#unreadable += readBlock(this.#words, start, start + blockBytes, this.#block);
      if (this.#block.count > 0) return this.#block;
      this.release();
    }
    return null;
  }

  /** Hands the block that `receive` returned back to the kernel. */
  release(): void {
    Atomics.store(this.#statuses, this.#statusIndex, TP_STATUS_KERNEL);
    this.#current = (this.#current + 1) % this.#options.blocks;
  }

  /** Packets readable from the ring, and lost, since the last call. */
  takeStatistics(): { received: number; dropped: number } {
    const { received, dropped } = this.socket.takeStatistics();
    const unreadable = this.#unreadable;
    this.#unreadable = 0;
    return { received: received - unreadable, dropped: dropped + unreadable };
  }

  close(): void {
    this.#memory.transfer(); // empties every view, so that a late reader finds nothing instead of unmapped memory
    this.#libc.munmap(this.#address, this.#byteLength);
    this.socket.close();
  }

  get #byteLength(): number {
    return this.#options.blockBytes * this.#options.blocks;
  }

  get #statusIndex(): number {
    return (this.#current * this.#options.blockBytes) / 4 + BLOCK_STATUS;
  }
}
