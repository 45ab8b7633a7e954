/** Sends frames on an interface as fast as this machine can, or at a rate (AF_PACKET, sendmmsg(2)). Needs root. */
import assert from 'node:assert/strict';
import type { FrameBlock } from '../../probes/probe.ts';
import { InterfaceWatch } from '../../probes/ring/interfaceWatch.ts';
import {
  AF_PACKET,
  loadLibc,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOCKADDR_LL_BYTES,
  sockaddrLl,
  SOL_PACKET,
  SOL_SOCKET,
} from '../../probes/libc.ts';

const PACKET_QDISC_BYPASS = 20;
const SO_SNDBUFFORCE = 32;
const EAGAIN = 11;
const ENOBUFS = 105;

/** Frames to send: as much of a FrameBlock as that takes. A frame is padded with zeros to its wire length. */
export type SendableFrames = Pick<FrameBlock, 'bytes' | 'count' | 'offsets' | 'capturedLengths' | 'wireLengths'>;

export interface SendPlan {
  /** Absent: as fast as possible. */
  readonly packetsPerSecond?: number;
  /** The frames are sent over and over until one of these is reached; with neither, each is sent once. */
  readonly seconds?: number;
  readonly packets?: number;
}

export interface SendReport {
  readonly sent: number;
  readonly bytes: number;
  readonly seconds: number;
  /** How often the interface had no room. */
  readonly refused: number;
}

/** Blocks the thread until everything is sent. */
export function sendFrames(interfaceName: string, frames: SendableFrames, plan: SendPlan = {}): SendReport {
  const { packetsPerSecond = Infinity, seconds = Infinity } = plan;
  const packets = plan.packets ?? (plan.seconds === undefined ? frames.count : Infinity);
  const socket = new SendSocket(interfaceName);
  const batch = new Batch(frames);
  const startMs = performance.now();
  let sent = 0;
  let bytes = 0;
  for (;;) {
    const elapsed = (performance.now() - startMs) / 1000;
    if (sent >= packets || elapsed >= seconds) break;
    const due = packetsPerSecond === Infinity ? BATCH : Math.floor(elapsed * packetsPerSecond) + 1 - sent;
    if (due <= 0) {
      waitMs(0.05);
      continue;
    }
    const size = Math.min(due, BATCH, packets - sent);
    bytes += batch.fill(size);
    socket.send(batch, size);
    sent += size;
  }
  socket.close();
  return { sent, bytes, seconds: (performance.now() - startMs) / 1000, refused: socket.refused };
}

/** Frames handed to the kernel by one call. */
const BATCH = 64;

const sleeper = new Int32Array(new SharedArrayBuffer(4));
const waitMs = (ms: number): unknown => Atomics.wait(sleeper, 0, 0, ms);

class SendSocket {
  refused = 0;
  readonly #libc = loadLibc();
  readonly #sendmmsg = this.#libc.declare('int sendmmsg(int fd, void *messages, unsigned int count, int flags)');
  readonly #fd: number;

  constructor(interfaceName: string) {
    const libc = this.#libc;
    const watch = new InterfaceWatch(libc, interfaceName);
    const index = watch.index();
    watch.close();
    assert(index !== null, `no interface ${interfaceName}`);
    this.#fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    assert(this.#fd >= 0, 'sending frames needs root');
    libc.setsockopt(this.#fd, SOL_PACKET, PACKET_QDISC_BYPASS, Int32Array.of(1), 4);
    libc.setsockopt(this.#fd, SOL_SOCKET, SO_SNDBUFFORCE, Int32Array.of(16 << 20), 4);
    assert.equal(libc.bind(this.#fd, sockaddrLl(index, 0), SOCKADDR_LL_BYTES), 0);
  }

  send(batch: Batch, size: number): void {
    let done = 0;
    while (done < size) {
      const count = this.#sendmmsg(this.#fd, batch.from(done), size - done, 0);
      if (count > 0) {
        done += count;
        continue;
      }
      const errno = this.#libc.errno();
      assert(errno === EAGAIN || errno === ENOBUFS, `sendmmsg: errno ${errno}`);
      this.refused++;
    }
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}

/** struct mmsghdr in 32-bit words: address of the iovec at 4, its length at 6. */
const MESSAGE_WORDS = 16;
const IOVEC_WORDS = 4;
const LONGEST_PADDING = 1 << 16;

/** BATCH messages of two iovecs each, the frame and its padding, that walk through the frames round and round. */
class Batch {
  readonly #frames: SendableFrames;
  readonly #messages = new Uint32Array(new ArrayBuffer(BATCH * MESSAGE_WORDS * 4));
  readonly #iovecs = new Uint32Array(new ArrayBuffer(BATCH * 2 * IOVEC_WORDS * 4));
  readonly #padding = new Uint8Array(new ArrayBuffer(LONGEST_PADDING));
  readonly #framesAddress: number;
  #next = 0;

  constructor(frames: SendableFrames) {
    const libc = loadLibc();
    const addressOf = (memory: ArrayBufferView): number => Number(libc.address(memory));
    this.#frames = frames;
    this.#framesAddress = addressOf(frames.bytes);
    const iovecs = addressOf(this.#iovecs);
    for (let i = 0; i < BATCH; i++) {
      setPointer(this.#messages, i * MESSAGE_WORDS + 4, iovecs + i * 2 * IOVEC_WORDS * 4);
      setPointer(this.#iovecs, (i * 2 + 1) * IOVEC_WORDS, addressOf(this.#padding));
    }
  }

  /** Sets up the next `size` frames; returns their bytes. */
  fill(size: number): number {
    const { count, offsets, capturedLengths, wireLengths } = this.#frames;
    let bytes = 0;
    for (let i = 0; i < size; i++) {
      const frame = this.#next++ % count;
      const iovec = i * 2 * IOVEC_WORDS;
      const padding = wireLengths[frame]! - capturedLengths[frame]!;
      setPointer(this.#iovecs, iovec, this.#framesAddress + offsets[frame]!);
      this.#iovecs[iovec + 2] = capturedLengths[frame]!;
      this.#iovecs[iovec + IOVEC_WORDS + 2] = padding;
      this.#messages[i * MESSAGE_WORDS + 6] = padding === 0 ? 1 : 2;
      bytes += wireLengths[frame]!;
    }
    return bytes;
  }

  /** The messages from number `index` on. */
  from(index: number): Uint32Array {
    return index === 0 ? this.#messages : this.#messages.subarray(index * MESSAGE_WORDS);
  }
}

function setPointer(words: Uint32Array, index: number, address: number): void {
  words[index] = address;
  words[index + 1] = address / 2 ** 32;
}
