/**
 * The collector's sockets: receives the messages of flow exporters over UDP, and IPFIX over TCP, and has them decoded.
 * Synchronous, for a thread of its own; no exporter can hold it up, for every socket has a budget in each round.
 */
import { type Libc, loadLibc, POLLIN } from '../libc.ts';
import type { Milliseconds } from '../probe.ts';
import { type Admit, type Exporter, ExporterTable } from './exporterTable.ts';
import { type ListenAddress, Peer, takeError } from './inetSocket.ts';
import { UDP_SESSION } from './message.ts';
import { type TcpCounters, TcpListener } from './tcpListener.ts';
import { BATCH, UdpSocket } from './udpSocket.ts';

export type { Exporter, ListenAddress };

/** Batches that are taken from one UDP socket before the others have their turn: 1,024 datagrams. */
const ROUND_BATCHES = 16;
/** Beyond that a round ends, however slow its datagrams are to decode. */
const ROUND_MS = 50;
const EXPIRE_EVERY_MS = 1000;
/** A pause after a round with less than a batch, so that the next has more: half the CPU at 100,000 datagrams/s. */
const GATHER_MS = 2;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

export interface MessageDecoder {
  /**
   * Never throws: why a message could not be read (to the end), or null. `session` tells TCP connections apart that are
   * open at the same time; 0: the message came over UDP.
   */
  decode(
    exporter: string,
    bytes: Uint8Array,
    offset: number,
    length: number,
    receivedMs: Milliseconds,
    session: number,
  ): string | null;
  /** The TCP connection is closed; its number may come again. */
  endSession(exporter: string, session: number): void;
}

export interface CollectorProbeOptions {
  readonly udp: readonly ListenAddress[];
  readonly tcp: readonly ListenAddress[];
  readonly receiveBufferBytes: number;
  readonly admit: Admit;
  readonly decoder: MessageDecoder;
  /** Told of every message before it is decoded. */
  openMessage(exporter: string, receivedMs: Milliseconds): void;
  readonly now: () => Milliseconds;
}

/** A socket that listens. */
export interface ListenerStatus {
  readonly address: string;
  readonly transport: 'udp' | 'tcp';
  /** What the kernel granted of a UDP socket's receive buffer, and what it was asked for; null for TCP. */
  readonly receiveBufferBytes: number | null;
  readonly receiveBufferAskedBytes: number | null;
  /** Datagrams that the kernel dropped for want of room there; null: not known. */
  readonly dropped: number | null;
  /** Of a TCP listener; null for UDP. */
  readonly connections: (TcpCounters & { readonly open: number }) | null;
}

/** Totals since the probe was opened. */
export interface CollectorProbeStatistics {
  readonly listeners: readonly ListenerStatus[];
  /** Datagrams and TCP messages that were taken. */
  readonly messages: number;
  readonly strangers: number;
  readonly crowdedOut: number;
  readonly exporters: readonly Exporter[];
}

export class CollectorProbe {
  readonly table: ExporterTable;
  readonly #options: CollectorProbeOptions;
  readonly #libc: Libc = loadLibc();
  readonly #udp: UdpSocket[] = [];
  readonly #tcp: TcpListener[] = [];
  readonly #peer = new Peer();
  #messages = 0;
  #gathers = true;
  #expiredMs = 0;

  /** Throws a ProbeError; then nothing is left open. */
  constructor(options: CollectorProbeOptions) {
    this.#options = options;
    this.table = new ExporterTable(options.admit);
    try {
      for (const address of options.udp) this.#udp.push(new UdpSocket(address, options.receiveBufferBytes));
      for (const address of options.tcp) this.#tcp.push(new TcpListener(address, (...ended) => this.#end(...ended)));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The ports in the order of the options, UDP first. */
  get ports(): readonly number[] {
    return [...this.#udp, ...this.#tcp].map(({ port }) => port);
  }

  /** Takes what has come, within a round's budget; waits at most `timeoutMs` when nothing has. */
  poll(timeoutMs: number): void {
    const { pollfds, fds } = this.#pollfds();
    if (this.#libc.poll(pollfds, fds.length, timeoutMs) > 0) {
      if (this.#gathers) Atomics.wait(sleeper, 0, 0, GATHER_MS);
      this.#gathers = true;
      const endMs = this.#options.now() + ROUND_MS;
      fds.forEach((fd, i) => {
        const events = pollfds[i * 2 + 1]! >>> 16;
        if (events !== 0) this.#serve(fd, (events & POLLIN) !== 0, endMs);
      });
    }
    this.#expire();
  }

  statistics(): CollectorProbeStatistics {
    const { strangers, crowdedOut, exporters } = this.table;
    return {
      listeners: [...this.#udp.map(udpStatus), ...this.#tcp.map(tcpStatus)],
      messages: this.#messages,
      strangers,
      crowdedOut,
      exporters,
    };
  }

  close(): void {
    for (const socket of [...this.#udp, ...this.#tcp]) socket.close();
  }

  /** struct pollfd of poll(2) in 32-bit words: the descriptor; the events asked for and, above them, those that are there. */
  #pollfds(): { pollfds: Int32Array; fds: readonly number[] } {
    const fds = [
      ...this.#udp.map(({ fd }) => fd),
      ...this.#tcp.flatMap(({ fd, connections }) => [fd, ...connections.keys()]),
    ];
    return { pollfds: Int32Array.from(fds.flatMap((fd) => [fd, POLLIN])), fds };
  }

  #serve(fd: number, isReadable: boolean, endMs: Milliseconds): void {
    const udp = this.#udp.find((socket) => socket.fd === fd);
    if (udp !== undefined) {
      // An error that nobody takes off would wake poll(2) without end.
      if (!isReadable) takeError(this.#libc, fd);
      return this.#readDatagrams(udp, endMs);
    }
    const nowMs = this.#options.now();
    for (const listener of this.#tcp) {
      if (listener.fd === fd) listener.accept(this.table, nowMs);
      else if (listener.connections.has(fd))
        listener.read(fd, nowMs, (...message) => this.#take(...message, nowMs, fd));
    }
  }

  #readDatagrams(socket: UdpSocket, endMs: Milliseconds): void {
    for (let batch = 0; batch < ROUND_BATCHES; batch++) {
      const count = socket.receive();
      const nowMs = this.#options.now();
      for (let i = 0; i < count; i++) {
        socket.peer(i, this.#peer);
        const exporter = this.table.find(this.#peer, nowMs);
        if (exporter !== null)
          this.#take(exporter, socket.bytes, socket.offset(i), socket.length(i), nowMs, UDP_SESSION);
      }
      if (count < BATCH || nowMs > endMs) return;
      this.#gathers = false;
    }
  }

  #take(
    exporter: Exporter,
    bytes: Uint8Array,
    offset: number,
    length: number,
    nowMs: Milliseconds,
    session: number,
  ): void {
    this.#messages += 1;
    exporter.datagrams += 1;
    exporter.octets += length;
    exporter.lastMs = nowMs;
    this.#options.openMessage(exporter.address, nowMs);
    const problem = this.#options.decoder.decode(exporter.address, bytes, offset, length, nowMs, session);
    if (problem !== null) exporter.countMalformed(problem);
  }

  /** A descriptor is the number of a session: two that are open never have the same, nor is one of them 0. */
  #end({ address }: Exporter, fd: number): void {
    this.#options.decoder.endSession(address, fd);
  }

  #expire(): void {
    const nowMs = this.#options.now();
    if (Math.abs(nowMs - this.#expiredMs) < EXPIRE_EVERY_MS) return;
    this.#expiredMs = nowMs;
    for (const listener of this.#tcp) listener.expire(nowMs);
  }
}

const udpStatus = (socket: UdpSocket): ListenerStatus => ({
  address: socket.address.text,
  transport: 'udp',
  receiveBufferBytes: socket.receiveBufferBytes,
  receiveBufferAskedBytes: socket.receiveBufferAskedBytes,
  dropped: socket.dropped(),
  connections: null,
});

const tcpStatus = ({ address, counters, connections }: TcpListener): ListenerStatus => ({
  address: address.text,
  transport: 'tcp',
  receiveBufferBytes: null,
  receiveBufferAskedBytes: null,
  dropped: null,
  connections: { ...counters, open: connections.size },
});
