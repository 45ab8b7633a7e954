/** Live capture on one interface through a TPACKET_V3 ring: waits for frames, and for the interface that went away. */
import type { FrameBlock, PacketProbe, ProbeState, ProbeStatistics } from '../probe.ts';
import type { RingBlock } from './blockReader.ts';
import { InterfaceWatch, noSuchInterface } from './interfaceWatch.ts';
import { IFF_RUNNING, IFF_UP, type Libc, loadLibc, POLLERR, POLLIN } from '../libc.ts';
import { MappedRing } from './mappedRing.ts';
import { ENODEV, ProbeError } from '../probeError.ts';
import { RING_DEFAULTS, type RingOptions } from './ringOptions.ts';

/** The longest uninterrupted wait: how soon a new interface of the old name is found, and how late a thread may stop. */
const LONGEST_WAIT_MS = 250;
/** Set up, and with a carrier; the kernel may take a second to say so of the carrier (net/core/link_watch.c). */
const CAN_RECEIVE = IFF_UP | IFF_RUNNING;
/** Offsets into the ring are kept in 31 bits, where V8 counts fastest. */
const LARGEST_RING_BYTES = 2 ** 31 - 1;

/**
 * Starts capturing, in the network namespace of the calling thread; needs CAP_NET_RAW. At most one block can be
 * outstanding: the arrays of a block are those of the block before, filled again.
 * Throws ProbeError: no such interface, not permitted, ring too large, koffi missing.
 */
export function openRing(options: Partial<RingOptions> & Pick<RingOptions, 'interface'>): PacketProbe {
  const ringOptions = { ...RING_DEFAULTS, ...options };
  const { blocks, blockBytes } = ringOptions;
  if (blocks * blockBytes > LARGEST_RING_BYTES) {
    throw new ProbeError(
      `Cannot make a ring of ${blocks} × ${blockBytes} bytes on ${ringOptions.interface}: must be below 2 GiB ` +
        '(lower interfaces[].ring.blocks or interfaces[].ring.blockSize)',
    );
  }
  return new Ring(loadLibc(), ringOptions);
}

class Ring implements PacketProbe {
  readonly #libc: Libc;
  readonly #options: RingOptions;
  readonly #watch: InterfaceWatch;
  /** struct pollfd: int fd, short events, short returned events. */
  readonly #pollfd = new DataView(new ArrayBuffer(8));
  /** On the interface that is, or on the one that was; null: there was none yet. */
  #ring: MappedRing | null = null;
  #outstanding: RingBlock | null = null;
  #state: ProbeState = 'absent';
  #received = 0;
  #dropped = 0;
  #attached = 0;
  #isClosed = false;

  constructor(libc: Libc, options: RingOptions) {
    this.#libc = libc;
    this.#options = options;
    this.#watch = new InterfaceWatch(libc, options.interface);
    this.#pollfd.setInt16(4, POLLIN, true);
    try {
      const index = this.#watch.index();
      if (index !== null) this.#attach(index);
      if (this.#ring === null && !options.waitForInterface) throw noSuchInterface(options.interface);
      this.#look();
    } catch (error) {
      this.#watch.close();
      throw error;
    }
  }

  next(timeoutMs: number): FrameBlock | null {
    if (this.#isClosed) throw new ProbeError(`Cannot read the ring of ${this.#options.interface}: it is closed`);
    if (this.#outstanding !== null) {
      throw new ProbeError(`Cannot read the ring of ${this.#options.interface}: the last block was not released`);
    }
    if (this.#watch.isSuperseded(this.#ring?.interfaceIndex ?? null)) this.#attachToNewInterface();
    let remainingMs = timeoutMs;
    for (;;) {
      this.#outstanding = this.#ring?.receive() ?? null;
      if (this.#outstanding !== null || remainingMs <= 0) return this.#outstanding;
      const waitMs = Math.min(remainingMs, LONGEST_WAIT_MS);
      remainingMs -= waitMs;
      const events = this.#poll(waitMs);
      if ((events & POLLIN) === 0 && this.#stateChanged(events)) return null;
    }
  }

  release(block: FrameBlock): void {
    if (this.#isClosed) return;
    if (block !== this.#outstanding) {
      throw new ProbeError(`Cannot release a block of ${this.#options.interface}: it is not the last one read`);
    }
    this.#outstanding = null;
    this.#ring?.release();
  }

  statistics(): ProbeStatistics {
    if (!this.#isClosed) {
      this.#count();
      this.#look();
    }
    return {
      received: this.#received,
      dropped: this.#dropped,
      state: this.#state,
      reattached: Math.max(0, this.#attached - 1),
    };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#count();
    this.#isClosed = true;
    this.#state = 'ended';
    this.#ring?.close();
    this.#watch.close();
  }

  /** Returned events; 0: the time is over, or a signal came. */
  #poll(timeoutMs: number): number {
    this.#pollfd.setInt32(0, this.#ring?.socket.fd ?? -1, true); // poll(2) only waits when it is negative
    const ready = this.#libc.poll(this.#pollfd, 1, Math.ceil(timeoutMs));
    return ready > 0 ? this.#pollfd.getInt16(6, true) : 0;
  }

  #stateChanged(events: number): boolean {
    const before = this.#state;
    if ((events & POLLERR) !== 0) this.#ring?.socket.clearError();
    // The ring of a deleted interface is given up once a wait was in vain, so that its last frames are read.
    if (events === 0) this.#attachToNewInterface();
    this.#look();
    return this.#state !== before;
  }

  #look(): void {
    const isAttached = this.#ring !== null && this.#watch.index() === this.#ring.interfaceIndex;
    if (!isAttached) this.#state = 'absent';
    else this.#state = (this.#watch.flags() & CAN_RECEIVE) === CAN_RECEIVE ? 'up' : 'down';
  }

  #attachToNewInterface(): void {
    const index = this.#watch.index();
    if (index === null || index === this.#ring?.interfaceIndex) return;
    this.#count();
    this.#ring?.close();
    this.#ring = null;
    this.#attach(index);
  }

  #attach(interfaceIndex: number): void {
    try {
      this.#ring = new MappedRing(this.#libc, interfaceIndex, this.#options);
      this.#attached++;
    } catch (error) {
      const isGoneAgain = error instanceof ProbeError && error.errno === ENODEV;
      if (!isGoneAgain) throw error;
    }
  }

  #count(): void {
    const counted = this.#ring?.takeStatistics() ?? { received: 0, dropped: 0 };
    this.#received += counted.received;
    this.#dropped += counted.dropped;
  }
}
