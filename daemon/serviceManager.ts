/** What the service manager (systemd) is told of the daemon: that it is ready, alive, reloading or stopping, and one line of status. */
import { NotifySocket } from './notifySocket.ts';

/** The watchdog is answered this often, or four times within its time where that is shorter. */
const ANSWER_MS = 1000;
const ANSWERS_IN_TIME = 4;
const MAX_STATUS_CHARACTERS = 400;

export interface ServiceManager {
  ready(): void;
  /** To be called before what is new counts; `ready` ends it. */
  reloading(): void;
  stopping(): void;
  /** Told once, until it changes. */
  status(text: string): void;
  /** To be called by the loop that is watched, as long as it is well. `nowMs` by performance.now(). */
  alive(nowMs: number): void;
  close(): void;
}

/** Nobody listens: the daemon was not started by a service manager. */
export const NO_SERVICE_MANAGER: ServiceManager = {
  ready: () => {},
  reloading: () => {},
  stopping: () => {},
  status: () => {},
  alive: () => {},
  close: () => {},
};

type Environment = Readonly<Record<string, string | undefined>>;

/** That of the environment, as systemd sets it (sd_notify(3), sd_watchdog_enabled(3)). Throws where it cannot be told anything. */
export function serviceManagerOf(environment: Environment, pid = process.pid): ServiceManager {
  const path = environment['NOTIFY_SOCKET'];
  if (path === undefined || path === '') return NO_SERVICE_MANAGER;
  return new Systemd(new NotifySocket(path), watchdogMs(environment, pid));
}

/** null: nobody waits for answers of this process. */
function watchdogMs({ WATCHDOG_USEC: usec, WATCHDOG_PID: watched }: Environment, pid: number): number | null {
  if (watched !== undefined && watched !== String(pid)) return null;
  const ms = Number(usec) / 1000;
  return ms > 0 ? ms : null;
}

class Systemd implements ServiceManager {
  readonly #socket: NotifySocket;
  /** null: there is no watchdog. */
  readonly #answerMs: number | null;
  #answeredMs = -Infinity;
  #status = '';
  /** What was not taken, and must not be lost. */
  #untold: readonly string[] | null = null;

  constructor(socket: NotifySocket, watchdog: number | null) {
    this.#socket = socket;
    this.#answerMs = watchdog && Math.min(ANSWER_MS, watchdog / ANSWERS_IN_TIME);
  }

  ready(): void {
    this.#tell('READY=1');
  }

  /** Both in one datagram, as systemd wants it for Type=notify-reload. */
  reloading(): void {
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  stopping(): void {
    this.#tell('STOPPING=1', 'STATUS=stopping');
  }

  status(text: string): void {
    const line = text.replaceAll(/\s+/g, ' ').slice(0, MAX_STATUS_CHARACTERS);
    if (line !== this.#status && this.#socket.send(`STATUS=${line}`)) this.#status = line;
  }

  alive(nowMs: number): void {
    if (this.#untold !== null) this.#tell(...this.#untold);
    if (this.#answerMs === null || nowMs - this.#answeredMs < this.#answerMs) return;
    if (this.#socket.send('WATCHDOG=1')) this.#answeredMs = nowMs;
  }

  close(): void {
    this.#socket.close();
  }

  #tell(...lines: readonly string[]): void {
    this.#untold = this.#socket.send(...lines) ? null : lines;
  }
}
