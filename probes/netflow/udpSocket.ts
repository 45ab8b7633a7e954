/**
 * A UDP socket read in batches (recvmmsg(2)) into memory of its own: no object, and a sixty-fourth of a system call, a
 * datagram. dgram of Node.js costs some 6 µs each.
 */
import { type Libc, loadLibc, SOCK_DGRAM, SOL_SOCKET } from '../libc.ts';
import {
  isIPv4,
  type ListenAddress,
  openInetSocket,
  type Peer,
  portOf,
  readPeer,
  sockaddrBytes,
} from './inetSocket.ts';

const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
/** getsockopt(2) with SK_MEMINFO_VARS words; the counter that /proc/net/udp shows as `drops` (linux/sock_diag.h). */
const SO_MEMINFO = 55;
const SK_MEMINFO_VARS = 9;
const SK_MEMINFO_DROPS = 8;
const MSG_DONTWAIT = 0x40;

export const BATCH = 64;
/** The longest datagram that UDP can carry fits, so that none is ever cut. Not a power of 2, for the sake of the caches' sets. */
const SLOT_BYTES = 65_536 + 1536;
const NAME_BYTES = 32;

/** struct mmsghdr in 32-bit words: name, its length, iovec, their number, control, its length, flags; then the datagram's length. */
const MESSAGE_WORDS = 16;
const NAME = 0;
const NAME_LENGTH = 2;
const IOVEC = 4;
const IOVEC_COUNT = 6;
const DATAGRAM_LENGTH = 14;
const IOVEC_WORDS = 4;

type Receive = (fd: number, messages: Uint32Array, count: number, flags: number, timeout: null) => number;

export class UdpSocket {
  readonly fd: number;
  readonly port: number;
  /** Datagram i lies at `offset(i)`, as long as `length(i)`, until the next `receive()`. */
  readonly bytes = new Uint8Array(new ArrayBuffer(BATCH * SLOT_BYTES));
  /** What the kernel granted, and what it was asked for. */
  readonly receiveBufferBytes: number;
  readonly receiveBufferAskedBytes: number;
  readonly address: ListenAddress;
  readonly #libc: Libc;
  readonly #receive: Receive;
  readonly #isIPv4: boolean;
  readonly #names = new DataView(new ArrayBuffer(BATCH * NAME_BYTES));
  readonly #iovecs = new Uint32Array(new ArrayBuffer(BATCH * IOVEC_WORDS * 4));
  readonly #messages = new Uint32Array(new ArrayBuffer(BATCH * MESSAGE_WORDS * 4));
  readonly #memory = new Uint32Array(SK_MEMINFO_VARS);
  #dropped = 0;

  /** Throws a ProbeError; then nothing is left open. */
  constructor(address: ListenAddress, receiveBufferBytes: number, libc: Libc = loadLibc()) {
    this.#libc = libc;
    this.#receive = libc.declare('int recvmmsg(int fd, void *messages, unsigned int count, int flags, void *timeout)');
    this.address = address;
    this.#isIPv4 = isIPv4(address);
    this.fd = openInetSocket(libc, address, SOCK_DGRAM);
    this.port = portOf(libc, this.fd);
    this.receiveBufferAskedBytes = receiveBufferBytes;
    this.receiveBufferBytes = this.#enlarge(receiveBufferBytes);
    this.#describe();
  }

  /** How many datagrams lie there now; 0: none has come. Never blocks. */
  receive(): number {
    return Math.max(this.#receive(this.fd, this.#messages, BATCH, MSG_DONTWAIT, null), 0);
  }

  offset(index: number): number {
    return index * SLOT_BYTES;
  }

  length(index: number): number {
    return this.#messages[index * MESSAGE_WORDS + DATAGRAM_LENGTH]!;
  }

  peer(index: number, into: Peer): void {
    readPeer(this.#names, index * NAME_BYTES, this.#isIPv4, into);
  }

  /** Datagrams that the kernel dropped for want of room since the socket was opened; null: it does not say (before Linux 4.12). */
  dropped(): number | null {
    const memory = this.#memory;
    const length = Uint32Array.of(memory.byteLength);
    if (this.#libc.getsockopt(this.fd, SOL_SOCKET, SO_MEMINFO, memory, length) !== 0) return null;
    // A counter of 32 bits, which turns over.
    this.#dropped += (memory[SK_MEMINFO_DROPS]! - this.#dropped) >>> 0;
    return this.#dropped;
  }

  close(): void {
    this.#libc.close(this.fd);
  }

  /** With CAP_NET_ADMIN beyond net.core.rmem_max. The kernel takes twice what it is asked for, and says so (socket(7)). */
  #enlarge(bytes: number): number {
    const { fd } = this;
    const wanted = Int32Array.of(bytes);
    if (this.#libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, wanted, 4) !== 0)
      this.#libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, wanted, 4);
    const granted = Int32Array.of(0);
    this.#libc.getsockopt(fd, SOL_SOCKET, SO_RCVBUF, granted, Uint32Array.of(4));
    return granted[0]! / 2;
  }

  /** Tells the kernel once where each datagram and its sender's address go. */
  #describe(): void {
    const [bytes, names, iovecs] = [this.bytes, this.#names, this.#iovecs].map((each) => this.#libc.address(each));
    for (let i = 0; i < BATCH; i++) {
      setPointer(this.#iovecs, i * IOVEC_WORDS, bytes! + BigInt(this.offset(i)));
      this.#iovecs[i * IOVEC_WORDS + 2] = SLOT_BYTES;
      const message = i * MESSAGE_WORDS;
      setPointer(this.#messages, message + NAME, names! + BigInt(i * NAME_BYTES));
      this.#messages[message + NAME_LENGTH] = sockaddrBytes(this.address);
      setPointer(this.#messages, message + IOVEC, iovecs! + BigInt(i * IOVEC_WORDS * 4));
      this.#messages[message + IOVEC_COUNT] = 1;
    }
  }
}

function setPointer(words: Uint32Array, index: number, address: bigint): void {
  words[index] = Number(address & 0xffff_ffffn);
  words[index + 1] = Number(address >> 32n);
}
