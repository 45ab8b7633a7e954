/**
 * One direction of a telephone call: G.711 in packets of 20 ms, DSCP EF, numbered and stamped, so that the far end can
 * tell what was lost and how late the rest came. Frames of 214 bytes: 172 of them are UDP payload (12 RTP, 160 sound).
 */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setInterval } from 'node:timers/promises';
import { loadLibc, SOCK_CLOEXEC, SOCK_DGRAM } from '../../probes/libc.ts';

const PAYLOAD_BYTES = 172;
const PACKET_MS = 20;

/** socket(2), ip(7) */
const AF_INET = 2;
const IPPROTO_IP = 0;
const IP_TOS = 1;
const DSCP_EF = 46 << 2;

export interface VoicePlan {
  readonly to: string;
  readonly port: number;
  readonly seconds: number;
}

export interface VoiceReport {
  readonly sent: number;
  readonly lost: number;
  /** One way; null: nothing came. */
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly max: number } | null;
}

/** Milliseconds that all processes of this machine count alike (CLOCK_MONOTONIC). */
const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Resolves with the number of packets sent. Packets that the timer was late for follow at once. */
export async function sendVoice({ to, port, seconds }: VoicePlan): Promise<number> {
  const socket = expeditedSocket();
  const packets = Math.round((seconds * 1000) / PACKET_MS);
  const startMs = machineMs();
  const sends: Promise<void>[] = [];
  for await (const _ of setInterval(PACKET_MS / 4)) {
    const due = Math.min(packets, 1 + Math.floor((machineMs() - startMs) / PACKET_MS));
    while (sends.length < due) sends.push(send(socket, voicePacket(sends.length), port, to));
    if (due === packets) break;
  }
  await Promise.all(sends);
  socket.close();
  return packets;
}

function send(socket: Socket, packet: DataView, port: number, to: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(packet, port, to, (error) => (error ? reject(error) : resolve()));
  });
}

function voicePacket(number: number): DataView {
  const packet = new DataView(new ArrayBuffer(PAYLOAD_BYTES));
  packet.setUint32(0, number);
  packet.setFloat64(8, machineMs());
  return packet;
}

/** node:dgram cannot mark its packets, but takes a socket that does. */
function expeditedSocket(): Socket {
  const libc = loadLibc();
  const fd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const marked = libc.setsockopt(fd, IPPROTO_IP, IP_TOS, Int32Array.of(DSCP_EF), 4);
  assert.equal(marked, 0, 'setsockopt IP_TOS');
  const socket = createSocket('udp4');
  socket.bind({ fd });
  return socket;
}

/** Longer than any queue on the way: what has not come by then is lost. */
const LATE_MS = 1000;

/** Receives voice from `listen` until `close`. */
export class VoiceReceiver {
  readonly #socket = createSocket('udp4');
  /** By packet number: a packet that comes twice counts once. */
  readonly #delaysMs = new Map<number, number>();

  async listen(port: number): Promise<void> {
    this.#socket.on('message', (bytes) => {
      const packet = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#delaysMs.set(packet.getUint32(0), machineMs() - packet.getFloat64(8));
    });
    this.#socket.bind(port);
    await once(this.#socket, 'listening');
  }

  /** Waits for packets that are still on their way. */
  async close(sent: number): Promise<VoiceReport> {
    const deadlineMs = machineMs() + LATE_MS;
    for await (const _ of setInterval(PACKET_MS)) {
      if (this.#delaysMs.size >= sent || machineMs() > deadlineMs) break;
    }
    this.#socket.close();
    const sorted = [...this.#delaysMs.values()].toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
    const delayMs = sorted.length === 0 ? null : { p50: at(0.5), p99: at(0.99), max: at(1) };
    return { sent, lost: sent - sorted.length, delayMs };
  }
}
