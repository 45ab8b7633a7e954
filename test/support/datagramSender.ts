/** Sends UDP datagrams to loopback as fast as this machine can, or at a rate (sendmmsg(2)). */
import assert from 'node:assert/strict';
import { loadLibc, SOCK_CLOEXEC, SOCK_DGRAM, SOL_SOCKET } from '../../probes/libc.ts';

const AF_INET = 2;
const SO_SNDBUFFORCE = 32;
const BATCH = 32;
const LOOPBACK = 0x7f00_0001;
/** struct mmsghdr and iovec in 64-bit words: the iovec's address and number at 2 and 3. */
const MESSAGE_WORDS = 8;

export interface DatagramPlan {
  readonly port: number;
  readonly datagrams: readonly Uint8Array[];
  /** The sender's address, of 127.0.0.0/8, as a number; 127.0.0.1 by default. */
  readonly source?: number;
  /** Absent: as fast as possible. */
  readonly perSecond?: number;
  /** The datagrams are sent over and over until then; absent: each once. */
  readonly seconds?: number;
}

export interface DatagramReport {
  readonly sent: number;
  readonly seconds: number;
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the thread until all is sent. */
export function sendDatagrams(plan: DatagramPlan): DatagramReport {
  const { perSecond = Infinity, seconds = Infinity, datagrams } = plan;
  const total = plan.seconds === undefined ? datagrams.length : Infinity;
  const socket = new LoopbackSocket(plan);
  const startMs = performance.now();
  let sent = 0;
  for (;;) {
    const elapsed = (performance.now() - startMs) / 1000;
    if (sent >= total || elapsed >= seconds) break;
    const due = perSecond === Infinity ? BATCH : Math.floor(elapsed * perSecond) + 1 - sent;
    if (due <= 0) Atomics.wait(sleeper, 0, 0, 0.05);
    else sent += socket.send(sent, Math.min(due, BATCH, total - sent));
  }
  socket.close();
  return { sent, seconds: (performance.now() - startMs) / 1000 };
}

class LoopbackSocket {
  readonly #libc = loadLibc();
  readonly #sendmmsg = this.#libc.declare('int sendmmsg(int fd, void *messages, unsigned int count, int flags)');
  readonly #fd: number;
  readonly #datagrams: readonly { readonly at: bigint; readonly length: bigint }[];
  readonly #memory: readonly Uint8Array[];
  readonly #messages = new BigUint64Array(new ArrayBuffer(BATCH * MESSAGE_WORDS * 8));
  readonly #iovecs = new BigUint64Array(new ArrayBuffer(BATCH * 16));

  constructor({ port, datagrams, source = LOOPBACK }: DatagramPlan) {
    const libc = this.#libc;
    const connect = libc.declare('int connect(int fd, void *address, uint32_t length)');
    this.#fd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    libc.setsockopt(this.#fd, SOL_SOCKET, SO_SNDBUFFORCE, Int32Array.of(16 << 20), 4);
    assert.equal(libc.bind(this.#fd, sockaddr(source, 0), 16), 0);
    assert.equal(connect(this.#fd, sockaddr(LOOPBACK, port), 16), 0);
    this.#memory = datagrams.map((each) => new Uint8Array(each));
    this.#datagrams = this.#memory.map((each) => ({ at: libc.address(each), length: BigInt(each.length) }));
    const iovecs = libc.address(this.#iovecs);
    for (let i = 0; i < BATCH; i++) {
      this.#messages[i * MESSAGE_WORDS + 2] = iovecs + BigInt(i * 16);
      this.#messages[i * MESSAGE_WORDS + 3] = 1n;
    }
  }

  /** How many of `count` the kernel took; `first` numbers the first of them. */
  send(first: number, count: number): number {
    for (let i = 0; i < count; i++) {
      const datagram = this.#datagrams[(first + i) % this.#datagrams.length];
      this.#iovecs[i * 2] = datagram?.at ?? 0n;
      this.#iovecs[i * 2 + 1] = datagram?.length ?? 0n;
    }
    return Math.max(this.#sendmmsg(this.#fd, this.#messages, count, 0), 0);
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}

function sockaddr(address: number, port: number): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  view.setUint32(4, address);
  return view;
}
