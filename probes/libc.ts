/**
 * The calls of the C library that the ring is made of (koffi, no native code of our own), and the kernel's constants
 * beside the structures they belong to. Layouts and numbers are those of 64-bit little-endian Linux (x86_64, arm64).
 */
import { createRequire } from 'node:module';
import type koffi from 'koffi';
import { ProbeError } from './probeError.ts';

/** socket(2), asm-generic/socket.h */
export const AF_UNIX = 1;
export const AF_PACKET = 17;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const SO_ATTACH_FILTER = 26;

/** packet(7), linux/if_packet.h, linux/if_ether.h */
export const SOL_PACKET = 263;
export const PACKET_ADD_MEMBERSHIP = 1;
export const PACKET_RX_RING = 5;
export const PACKET_STATISTICS = 6;
export const PACKET_VERSION = 10;
export const PACKET_VNET_HDR = 15;
export const PACKET_IGNORE_OUTGOING = 23;
export const TPACKET_V3 = 2;
export const ETH_P_ALL = 3;

/** mmap(2) */
export const PROT_READ_WRITE = 3;
export const MAP_SHARED = 1;
export const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/** poll(2) */
export const POLLIN = 1;
export const POLLERR = 8;

/** netdevice(7) */
export const SIOCGIFFLAGS = 0x8913;
export const SIOCGIFINDEX = 0x8933;
export const IFF_UP = 1;
export const IFF_RUNNING = 0x40;

/** struct sockaddr_ll of packet(7): bytes 2-3 protocol (network order), 4-7 interface index, 8-9 ARPHRD_* type. */
export const SOCKADDR_LL_BYTES = 20;
export const SLL_HATYPE = 8;

export function sockaddrLl(interfaceIndex: number, protocol: number): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(SOCKADDR_LL_BYTES));
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol, false);
  view.setInt32(4, interfaceIndex, true);
  return view;
}

/** struct tpacket_req3: block size, blocks, frame size, frames, retire timeout in ms, private bytes, features. */
export function tpacketReq3(blockBytes: number, blocks: number, retireMs: number): Uint32Array<ArrayBuffer> {
  // TPACKET_V3 packs frames of any size one after the other; the frame size only has to add up.
  const frameBytes = 2048;
  return Uint32Array.of(blockBytes, blocks, frameBytes, Math.floor(blockBytes / frameBytes) * blocks, retireMs, 0, 0);
}

/** struct packet_mreq of type PACKET_MR_PROMISC: int interface index, u16 type, u16 address length, 8 bytes of address. */
export function promiscuousMembership(interfaceIndex: number): Int32Array<ArrayBuffer> {
  const PACKET_MR_PROMISC = 1;
  return Int32Array.of(interfaceIndex, PACKET_MR_PROMISC, 0, 0);
}

/** A pointer argument: memory to read or write in place, an address, or NULL. */
type Pointer = ArrayBufferView | bigint | null;

export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Pointer, length: number): number;
  getsockname(fd: number, address: Pointer, length: Pointer): number;
  setsockopt(fd: number, level: number, option: number, value: Pointer, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Pointer, length: Pointer): number;
  mmap(address: Pointer, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  munmap(address: bigint, length: number): number;
  poll(pollfds: Pointer, count: number, timeoutMs: number): number;
  ioctl(fd: number, request: number, argument: Pointer): number;
  close(fd: number): number;
  /** The error number of this thread's last call. */
  errno(): number;
  /** Where memory lies; it must outlive the use. */
  address(memory: ArrayBufferView): bigint;
  /** Foreign memory as an ArrayBuffer, without a copy. */
  view(address: bigint, length: number): ArrayBuffer;
  /** Any other function of the C library, by its C prototype. */
  declare(prototype: string): (...args: (Pointer | number)[]) => number;
}

let loaded: Libc | undefined;

/** Loads the C library on first use, so that a missing koffi is an error of opening a ring, not of importing it. */
export function loadLibc(): Libc {
  loaded ??= declareLibc(requireKoffi());
  return loaded;
}

function requireKoffi(): typeof koffi {
  try {
    const ffi: typeof koffi = createRequire(import.meta.url)('koffi');
    return ffi;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    throw new ProbeError(`Cannot load koffi: ${why} (run npm ci; it has binaries for x86_64 and arm64 Linux)`);
  }
}

function declareLibc(ffi: typeof koffi): Libc {
  const library = ffi.load(null); // the process itself: whichever C library Node is linked with
  return {
    socket: library.func('int socket(int domain, int type, int protocol)'),
    bind: library.func('int bind(int fd, void *address, uint32_t length)'),
    getsockname: library.func('int getsockname(int fd, void *address, void *length)'),
    setsockopt: library.func('int setsockopt(int fd, int level, int option, void *value, uint32_t length)'),
    getsockopt: library.func('int getsockopt(int fd, int level, int option, void *value, void *length)'),
    mmap: library.func('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)'),
    munmap: library.func('int munmap(void *address, size_t length)'),
    poll: library.func('int poll(void *pollfds, unsigned long count, int timeout)'),
    ioctl: library.func('int ioctl(int fd, unsigned long request, void *argument)'),
    close: library.func('int close(int fd)'),
    errno: () => ffi.errno(),
    // Asking for its buffer moves a small typed array off V8's heap, where it would not stay in its place.
    address: (memory) => ffi.address(memory.buffer) + BigInt(memory.byteOffset),
    view: (address, length) => ffi.view(address, length),
    declare: (prototype) => library.func(prototype),
  };
}
