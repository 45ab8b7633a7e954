/** IPFIX over TCP (RFC 7011 section 10.4): accepts exporters' connections and cuts their streams into messages. All bounded. */
import { type Libc, loadLibc, SOCK_CLOEXEC, SOL_SOCKET } from '../libc.ts';
import type { Milliseconds } from '../probe.ts';
import { ProbeError } from '../probeError.ts';
import type { Exporter, ExporterTable } from './exporterTable.ts';
import {
  isIPv4,
  type ListenAddress,
  openInetSocket,
  Peer,
  portOf,
  readPeer,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from './inetSocket.ts';

const BACKLOG = 64;
const MAX_CONNECTIONS = 64;
export const MAX_OF_ONE_EXPORTER = 8;
/** A full house: who has been silent for so long gives way, be it that the exporter was switched off in between. */
const IDLE_MS = 60_000;
const SO_KEEPALIVE = 9;
/** The longest message (its length field has 16 bits), and as much again to read ahead. */
const BUFFER_BYTES = 2 * 65_536;
/** A message that is not complete by then is a peer that drips. */
export const SLOW_MS = 10_000;
const EAGAIN = 11;
const NAME_BYTES = 32;
const MSG_DONTWAIT = 0x40;

/** RFC 7011 section 3.1: the version in octets 0-1, the message's length, this header in it, in octets 2-3. */
const IPFIX_VERSION = 10;
const HEADER_BYTES = 16;

/** Takes a message at `bytes[offset … offset + length)` of the exporter. */
export type TakeMessage = (exporter: Exporter, bytes: Uint8Array, offset: number, length: number) => void;

/** The connection with this descriptor is closed. */
export type EndConnection = (exporter: Exporter, fd: number) => void;

/** Connections that were closed by this end, by why. */
export interface TcpCounters {
  accepted: number;
  refused: number;
  /** No place: too many connections. */
  crowdedOut: number;
  /** What came was no IPFIX. */
  cutMalformed: number;
  /** A message was begun and not ended. */
  cutSlow: number;
}

export class TcpListener {
  readonly fd: number;
  readonly port: number;
  readonly address: ListenAddress;
  readonly counters: TcpCounters = { accepted: 0, refused: 0, crowdedOut: 0, cutMalformed: 0, cutSlow: 0 };
  readonly connections = new Map<number, TcpConnection>();
  readonly #libc: Libc;
  readonly #end: EndConnection;
  readonly #accept: (fd: number, name: DataView, length: Uint32Array, flags: number) => number;
  readonly #receive: (fd: number, buffer: Uint8Array, length: number, flags: number) => number;
  readonly #name = new DataView(new ArrayBuffer(NAME_BYTES));
  readonly #nameLength = new Uint32Array(1);
  readonly #peer = new Peer();

  /** Throws a ProbeError; then nothing is left open. */
  constructor(address: ListenAddress, end: EndConnection, libc: Libc = loadLibc()) {
    this.#libc = libc;
    this.#end = end;
    this.#accept = libc.declare('int accept4(int fd, void *address, void *length, int flags)');
    this.#receive = libc.declare('int64_t recv(int fd, void *buffer, size_t length, int flags)');
    const listen = libc.declare('int listen(int fd, int backlog)');
    this.address = address;
    this.fd = openInetSocket(libc, address, SOCK_STREAM);
    if (listen(this.fd, BACKLOG) !== 0) {
      const errno = libc.errno();
      libc.close(this.fd);
      throw ProbeError.ofErrno(`listen on ${address.text}`, errno);
    }
    this.port = portOf(libc, this.fd);
  }

  /** Takes a waiting connection; false: there is none. */
  accept(exporters: ExporterTable, nowMs: Milliseconds): boolean {
    this.#nameLength[0] = NAME_BYTES;
    const fd = this.#accept(this.fd, this.#name, this.#nameLength, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return false;
    readPeer(this.#name, 0, isIPv4(this.address), this.#peer);
    const exporter = exporters.find(this.#peer, nowMs);
    if (exporter !== null && this.#hasRoom(exporter, nowMs)) {
      this.counters.accepted += 1;
      exporter.lastMs = nowMs;
      exporter.connections += 1;
      this.#libc.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, Int32Array.of(1), 4);
      this.connections.set(fd, new TcpConnection(exporter, nowMs));
      return true;
    }
    this.counters[exporter === null ? 'refused' : 'crowdedOut'] += 1;
    this.#libc.close(fd);
    return true;
  }

  #hasRoom(exporter: Exporter, nowMs: Milliseconds): boolean {
    const all = [...this.connections];
    const own = all.filter(([, connection]) => connection.exporter === exporter);
    const full = own.length >= MAX_OF_ONE_EXPORTER ? own : all.length >= MAX_CONNECTIONS ? all : [];
    if (full.length === 0) return true;
    const [fd, { lastMs }] = full.reduce((idlest, each) => (each[1].lastMs < idlest[1].lastMs ? each : idlest));
    if (Math.abs(nowMs - lastMs) < IDLE_MS) return false;
    this.#close(fd);
    return true;
  }

  /** Reads once from the connection, and hands its complete messages over; closes it when it ends or misbehaves. */
  read(fd: number, nowMs: Milliseconds, take: TakeMessage): void {
    const connection = this.connections.get(fd);
    if (connection === undefined) return;
    const room = connection.room();
    const count = this.#receive(fd, room, room.length, MSG_DONTWAIT);
    if (count < 0 && this.#libc.errno() === EAGAIN) return;
    if (count <= 0) {
      if (connection.isWithinMessage) connection.exporter.countMalformed('messageTruncated');
      this.#close(fd);
    } else if (!connection.advance(count, nowMs, take)) {
      this.counters.cutMalformed += 1;
      connection.exporter.countMalformed('notIpfix');
      this.#close(fd);
    }
  }

  /** Cuts those whose message is still not complete. */
  expire(nowMs: Milliseconds): void {
    for (const [fd, connection] of this.connections) {
      if (!connection.isSlow(nowMs)) continue;
      this.counters.cutSlow += 1;
      this.#close(fd);
    }
  }

  close(): void {
    for (const fd of this.connections.keys()) this.#close(fd);
    this.#libc.close(this.fd);
  }

  #close(fd: number): void {
    const connection = this.connections.get(fd);
    if (connection === undefined) return;
    this.connections.delete(fd);
    connection.exporter.connections -= 1;
    this.#libc.close(fd);
    this.#end(connection.exporter, fd);
  }
}

class TcpConnection {
  readonly exporter: Exporter;
  lastMs: Milliseconds;
  readonly #bytes = new Uint8Array(new ArrayBuffer(BUFFER_BYTES));
  readonly #view = new DataView(this.#bytes.buffer);
  #end = 0;
  /** When the message at the front was begun. */
  #sinceMs: Milliseconds;

  constructor(exporter: Exporter, nowMs: Milliseconds) {
    this.exporter = exporter;
    this.#sinceMs = nowMs;
    this.lastMs = nowMs;
  }

  room(): Uint8Array {
    return this.#bytes.subarray(this.#end);
  }

  /** `count` more bytes are there. False: they are no IPFIX. */
  advance(count: number, nowMs: Milliseconds, take: TakeMessage): boolean {
    const before = this.#end;
    this.#end += count;
    this.lastMs = nowMs;
    let at = 0;
    while (at + 4 <= this.#end) {
      const length = this.#view.getUint16(at + 2);
      if (this.#view.getUint16(at) !== IPFIX_VERSION || length < HEADER_BYTES) return false;
      if (at + length > this.#end) break;
      take(this.exporter, this.#bytes, at, length);
      at += length;
    }
    if (before === 0 || at > 0) this.#sinceMs = nowMs;
    this.#bytes.copyWithin(0, at, this.#end);
    this.#end -= at;
    return true;
  }

  get isWithinMessage(): boolean {
    return this.#end > 0;
  }

  /** A connection without a message under way may be silent as long as it likes. */
  isSlow(nowMs: Milliseconds): boolean {
    return this.isWithinMessage && Math.abs(nowMs - this.#sinceMs) > SLOW_MS;
  }
}
