/** The parent's side of the child that captures: starts it, reads its batches without waiting, and says what it died of. */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { CANNOT_START, type ChildSettings } from './childSettings.ts';
import {
  BATCH_BYTES,
  BATCH_HEADER_BYTES,
  type BatchBlock,
  type BatchHeader,
  makeBatchBlock,
  readBatchHeader,
  readFrames,
} from './batch.ts';
import { type Libc, POLLIN } from '../libc.ts';
import { ProbeError } from '../probeError.ts';

/** Each packet leaves garbage of `cap` behind, none of which lives on. */
const NODE_OPTIONS = ['--max-semi-space-size=1'];
/** fcntl(2); an unprivileged process gets no more (/proc/sys/fs/pipe-max-size). */
const F_SETPIPE_SZ = 1031;
const PIPE_BYTES = 1 << 20;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const SIGKILL = constants.signals.SIGKILL;
const WNOHANG = 1;
const ECHILD = 10;
const EINTR = 4;
/** Of what it says on standard error: enough for a line of C's assert. */
const LAST_WORDS_BYTES = 2048;
const LONGEST_REASON = 200;
/** For a killed process to be gone. */
const BURIAL_MS = 1000;

const nameOfSignal = (number: number): string =>
  Object.entries(constants.signals).find(([, each]) => each === number)?.[0] ?? `signal ${number}`;

export class CapChild {
  /** The last batch, whose memory is this child's; null: none since the last call of `next`. */
  readonly block: BatchBlock;
  header: BatchHeader | null = null;
  readonly #libc: Libc;
  readonly #calls: Calls;
  readonly #child: ChildProcess;
  readonly #memory = new ArrayBuffer(BATCH_BYTES);
  readonly #bytes = new Uint8Array(this.#memory);
  readonly #view = new DataView(this.#memory);
  readonly #batches: number;
  readonly #words: number;
  /** struct pollfd of both pipes. */
  readonly #pollfds = new DataView(new ArrayBuffer(16));
  #filled = 0;
  #ending: string | null = null;
  #lastWords = '';

  /** Starts it, in the network namespace of the calling thread. Throws the system's error; then nothing is left open. */
  constructor(libc: Libc, settings: Omit<ChildSettings, 'parentPid'>) {
    this.#libc = libc;
    this.#calls = callsOf(libc);
    this.block = makeBatchBlock(this.#memory);
    const opened: number[] = [];
    try {
      opened.push(...makePipe(libc, this.#calls));
      opened.push(...makePipe(libc, this.#calls));
      this.#child = start(settings, opened[3]!, opened[1]!);
    } catch (error) {
      for (const fd of opened) libc.close(fd);
      throw error;
    }
    const [batches = -1, batchesIn = -1, words = -1, wordsIn = -1] = opened;
    this.#calls.fcntl(batches, F_SETPIPE_SZ, PIPE_BYTES);
    libc.close(batchesIn);
    libc.close(wordsIn);
    this.#batches = batches;
    this.#words = words;
    this.#pollfds.setInt32(0, batches, true);
    this.#pollfds.setInt16(4, POLLIN, true);
    this.#pollfds.setInt32(8, words, true);
    this.#pollfds.setInt16(12, POLLIN, true);
    if (this.#child.pid === undefined) this.#bury('it could not be started');
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Why it is dead; then everything is closed. */
  get ending(): string | null {
    return this.#ending;
  }

  /** Waits until it says something or ends; returns whether it did. */
  poll(timeoutMs: number): boolean {
    if (this.#ending !== null) return true;
    return this.#libc.poll(this.#pollfds, 2, Math.ceil(timeoutMs)) > 0;
  }

  /** The next batch, whole, into `block` and `header`; false: there is none yet, or the child has ended. */
  receive(): boolean {
    this.header = null;
    if (this.#ending !== null) return false;
    this.#listen();
    try {
      return this.#receive();
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      this.#bury(error.message);
      return false;
    }
  }

  /** Ends it at once; it has nothing to tidy up. */
  kill(reason: string): void {
    if (this.#ending === null) this.#bury(reason);
  }

  #receive(): boolean {
    let header: BatchHeader | null = this.#filled >= BATCH_HEADER_BYTES ? readBatchHeader(this.#view) : null;
    for (;;) {
      const wanted = header?.length ?? BATCH_HEADER_BYTES;
      if (this.#filled === wanted && header !== null) break;
      const count = this.#read(wanted);
      if (count === 0) this.#bury(null);
      if (count <= 0) return false;
      this.#filled += count;
      if (header === null && this.#filled === BATCH_HEADER_BYTES) header = readBatchHeader(this.#view);
    }
    this.#filled = 0;
    readFrames(this.#view, header, this.block);
    this.header = header;
    return true;
  }

  /** 0: the child closed its end; below: nothing there now. */
  #read(wanted: number): number {
    const target = this.#bytes.subarray(this.#filled, wanted);
    for (;;) {
      const count = this.#calls.read(this.#batches, target, target.length);
      if (count >= 0 || this.#libc.errno() !== EINTR) return count;
    }
  }

  /** Keeps the end of what it says, so that its pipe never fills up. */
  #listen(): void {
    const heard = Buffer.alloc(LAST_WORDS_BYTES);
    for (;;) {
      const count = this.#calls.read(this.#words, heard, heard.length);
      if (count <= 0) return;
      this.#lastWords = (this.#lastWords + heard.toString('latin1', 0, count)).slice(-LAST_WORDS_BYTES);
    }
  }

  /** `reason` null: it ended by itself. */
  #bury(reason: string | null): void {
    this.#libc.close(this.#batches);
    const status = this.#child.pid === undefined ? null : this.#reap(this.#child.pid);
    this.#listen();
    this.#libc.close(this.#words);
    this.#ending = reason ?? endingOf(status, lastLine(this.#lastWords));
  }

  /** One that has ended by itself keeps the status that it ended with. */
  #reap(pid: number): ExitStatus | null {
    this.#calls.kill(pid, SIGKILL);
    const status = new Int32Array(1);
    const untilMs = performance.now() + BURIAL_MS;
    while (performance.now() < untilMs) {
      const result = this.#calls.waitpid(pid, status, WNOHANG);
      if (result === pid) return readStatus(status[0]!);
      // The event loop of this thread was first.
      if (result < 0 && this.#libc.errno() === ECHILD) {
        return { signal: this.#child.signalCode, code: this.#child.exitCode };
      }
      this.#libc.poll(null, 0, 1);
    }
    return null;
  }
}

/** `words`: where it complains; `batches`: where it writes them. */
function start(settings: Omit<ChildSettings, 'parentPid'>, words: number, batches: number): ChildProcess {
  const argument: ChildSettings = { ...settings, parentPid: process.pid };
  const script = new URL('capChild.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [...NODE_OPTIONS, script, JSON.stringify(argument)], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', words, batches],
  });
  child.on('error', () => {}); // told by the lack of a pid
  child.unref();
  return child;
}

interface ExitStatus {
  readonly signal: string | null;
  readonly code: number | null;
}

/** One that could not begin has said so itself, in one clear line. */
function endingOf(status: ExitStatus | null, said: string): string {
  if (status?.code === CANNOT_START && said !== '') return said;
  const how = status?.signal ?? (status?.code == null ? 'it ended' : `exit status ${status.code}`);
  return said === '' ? how : `${how}: ${said}`;
}

/** wait(2): the low seven bits are the signal; without one, the next byte is the exit status. */
function readStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { signal: null, code: (status >>> 8) & 0xff } : { signal: nameOfSignal(signal), code: null };
}

/** Printable, bounded; libpcap's warning that an interface has no IPv4 address tells nothing. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('Warning: '));
  return (lines.at(-1) ?? '').replaceAll(/[^ -~]/g, '?').slice(0, LONGEST_REASON);
}

interface Calls {
  readonly pipe2: ReturnType<Libc['declare']>;
  readonly fcntl: ReturnType<Libc['declare']>;
  readonly read: ReturnType<Libc['declare']>;
  readonly kill: ReturnType<Libc['declare']>;
  readonly waitpid: ReturnType<Libc['declare']>;
}

let calls: Calls | undefined;

function callsOf(libc: Libc): Calls {
  calls ??= {
    pipe2: libc.declare('int pipe2(void *fds, int flags)'),
    fcntl: libc.declare('int fcntl(int fd, int command, int argument)'),
    read: libc.declare('intptr_t read(int fd, void *bytes, size_t length)'),
    kill: libc.declare('int kill(int pid, int signal)'),
    waitpid: libc.declare('int waitpid(int pid, void *status, int options)'),
  };
  return calls;
}

function makePipe(libc: Libc, { pipe2 }: Calls): [read: number, write: number] {
  const fds = new Int32Array(2);
  if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0) throw ProbeError.ofErrno('make a pipe', libc.errno());
  return [fds[0]!, fds[1]!];
}
