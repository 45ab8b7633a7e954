/** Sends workloads from the far end of the stage: run as a program it serves requests over its IPC channel. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { sendFrames, type SendableFrames, type SendPlan } from '../support/packetSender.ts';
import { atFarEnd, FAR_INTERFACE } from './stage.ts';
import { framesOf, type WorkloadName } from './workload/workload.ts';
import { SNAP_LENGTH } from './workload/workloadFile.ts';

export interface SendRequest {
  readonly workload: WorkloadName;
  /** Whom a flood is aimed at, as an IPv4 number; absent: the workload's usual victim. */
  readonly victim?: number;
  /** How many frames are made at once; they are sent over and over as the plan says. */
  readonly frames: number;
  /** How often new frames are made and sent; 1 by default. */
  readonly rounds?: number;
  readonly plan?: SendPlan;
}

export interface SendReport {
  /** When the first packet was about to be sent, in milliseconds that all processes of this machine count alike. */
  readonly startMs: number;
  readonly sent: number;
  /** Of sending, without the making of frames. */
  readonly seconds: number;
}

/** CLOCK_MONOTONIC. */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export class Sender {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor() {
    const [ip = '', ...words] = atFarEnd();
    this.#child = fork(import.meta.filename, { execPath: ip, execArgv: [...words, process.execPath] });
    this.#ended = once(this.#child, 'exit').then(() => {
      throw new Error('Cannot send: the sender ended');
    });
    this.#ended.catch(() => undefined);
  }

  /** Resolves when all is sent. */
  async send(request: SendRequest): Promise<SendReport> {
    this.#child.send(request);
    const { promise, resolve } = Promise.withResolvers<SendReport>();
    this.#child.once('message', resolve);
    return Promise.race([promise, this.#ended]);
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Blocks the thread until all is sent. */
function serve({ workload, victim, frames, rounds = 1, plan }: SendRequest): SendReport {
  const next = framesOf(workload, victim);
  const total = { startMs: Infinity, sent: 0, seconds: 0 };
  for (let round = 0; round < rounds; round++) {
    const made = makeFrames(next, frames);
    total.startMs = Math.min(total.startMs, machineMs());
    const { sent, seconds } = sendFrames(FAR_INTERFACE, made, plan);
    total.sent += sent;
    total.seconds += seconds;
  }
  return total;
}

function makeFrames(next: ReturnType<typeof framesOf>, count: number): SendableFrames {
  const bytes = new Uint8Array(count * SNAP_LENGTH);
  const offsets = Uint32Array.from({ length: count }, (_, i) => i * SNAP_LENGTH);
  const capturedLengths = new Uint32Array(count);
  const wireLengths = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const frame = next();
    const captured = Math.min(frame.wireLength, SNAP_LENGTH);
    for (let k = 0; k < captured; k++) bytes[i * SNAP_LENGTH + k] = frame.bytes[k]!;
    capturedLengths[i] = captured;
    wireLengths[i] = frame.wireLength;
  }
  return { bytes, count, offsets, capturedLengths, wireLengths };
}

if (import.meta.main) process.on('message', (request: SendRequest) => process.send?.(serve(request)));
