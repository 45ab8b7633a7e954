/** Sockets of IPv4 and IPv6 as the collector opens them: addresses in the kernel's form, options, and errors with advice. */
import { type Libc, SO_ERROR, SOCK_CLOEXEC, SOL_SOCKET } from '../libc.ts';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, ProbeError } from '../probeError.ts';

const AF_INET = 2;
const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_NONBLOCK = 0o4000;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** struct sockaddr_in and sockaddr_in6 of ip(7) and ipv6(7): family, port, then the address at 4, or behind a flow label at 8. */
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
const PORT = 2;
const IPV4_AT = 4;
const IPV6_AT = 8;

/** Where to listen. The address is four signed words, the first octets highest; IPv4 lies in ::ffff:0:0/96. */
export interface ListenAddress {
  readonly words: readonly [number, number, number, number];
  /** 0: any free one. */
  readonly port: number;
  /** As it is shown: `127.0.0.1:2055`, `[::1]:2055`. */
  readonly text: string;
}

/** Whom something came from; one object is filled again and again. */
export class Peer {
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
}

export const isIPv4 = ({ words: [w0, w1, w2] }: ListenAddress): boolean => w0 === 0 && w1 === 0 && w2 === 0xffff;

export const sockaddrBytes = (address: ListenAddress): number =>
  isIPv4(address) ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES;

function sockaddrOf(address: ListenAddress): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(sockaddrBytes(address)));
  view.setUint16(0, isIPv4(address) ? AF_INET : AF_INET6, true);
  view.setUint16(PORT, address.port);
  if (isIPv4(address)) view.setInt32(IPV4_AT, address.words[3]);
  else address.words.forEach((word, i) => view.setInt32(IPV6_AT + i * 4, word));
  return view;
}

/** Reads the sockaddr at `at`, of the family that the socket has. */
export function readPeer(view: DataView, at: number, ofIPv4: boolean, peer: Peer): void {
  peer.w0 = ofIPv4 ? 0 : view.getInt32(at + IPV6_AT);
  peer.w1 = ofIPv4 ? 0 : view.getInt32(at + IPV6_AT + 4);
  peer.w2 = ofIPv4 ? 0xffff : view.getInt32(at + IPV6_AT + 8);
  peer.w3 = ofIPv4 ? view.getInt32(at + IPV4_AT) : view.getInt32(at + IPV6_AT + 12);
}

/** A bound socket that never blocks. Throws a ProbeError; then nothing is left open. */
export function openInetSocket(libc: Libc, address: ListenAddress, type: number): number {
  const fd = libc.socket(isIPv4(address) ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw ProbeError.ofErrno(`open a socket for ${address.text}`, libc.errno());
  // 0.0.0.0 and [::] can stand side by side; a daemon that was killed leaves no TCP port taken behind.
  if (!isIPv4(address)) libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, Int32Array.of(1), 4);
  if (type === SOCK_STREAM) libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, Int32Array.of(1), 4);
  if (libc.bind(fd, sockaddrOf(address), sockaddrBytes(address)) === 0) return fd;
  const errno = libc.errno();
  libc.close(fd);
  const key = type === SOCK_STREAM ? 'collector.tcp' : 'collector.listen';
  throw ProbeError.ofErrno(`listen on ${address.text}`, errno, {
    [EADDRINUSE]: `change ${key}, or stop the other process`,
    [EADDRNOTAVAIL]: `no interface has this address: change ${key}`,
    [EACCES]: `ports below 1024 need CAP_NET_BIND_SERVICE: change ${key}`,
  });
}

/** The port that it got. */
export function portOf(libc: Libc, fd: number): number {
  const view = new DataView(new ArrayBuffer(SOCKADDR_IN6_BYTES));
  libc.getsockname(fd, view, Uint32Array.of(SOCKADDR_IN6_BYTES));
  return view.getUint16(PORT);
}

/** The pending error of a socket, which it takes off; 0: none. */
export function takeError(libc: Libc, fd: number): number {
  const error = Int32Array.of(0);
  libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, error, Uint32Array.of(4));
  return error[0] ?? 0;
}
