/** Where the log's lines go: written at once where there is room, and never waited for. */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';

/** What waits for a slow reader: a burst of a thousand incidents. Beyond it lines are lost. */
const MAX_WAITING_BYTES = 4 * 2 ** 20;
const RETRY_MS = 20;

export interface LogOutputOptions {
  readonly maxWaitingBytes?: number;
  readonly mark?: (line: string) => string;
}

/**
 * A pipe or terminal that nobody reads fills up, and a write to it would stop the daemon. So what does not fit waits, and
 * what would wait too long is lost, and counted in a line of its own once there is room again.
 */
export class LogOutput {
  readonly #fd: number;
  readonly #maxWaitingBytes: number;
  readonly #mark: (line: string) => string;
  /** The first may have been written in part. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #isRetryDue = false;

  /** `mark` is done to each line before it is written. */
  constructor(fd: number, { maxWaitingBytes = MAX_WAITING_BYTES, mark = (line) => line }: LogOutputOptions = {}) {
    this.#fd = withoutWaiting(fd);
    this.#maxWaitingBytes = maxWaitingBytes;
    this.#mark = mark;
  }

  /** Never throws. */
  write(line: string): void {
    const bytes = Buffer.from(this.#mark(line));
    if (this.#waitingBytes + bytes.length > this.#maxWaitingBytes) this.#lost += 1;
    else this.#append(bytes);
    this.#flush();
  }

  #append(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #flush(): void {
    while (this.#writeFirst());
    if (this.#waiting.length === 0 && this.#lost > 0) this.#tellLost();
    if (this.#waiting.length === 0 || this.#isRetryDue) return;
    this.#isRetryDue = true;
    setTimeout(() => {
      this.#isRetryDue = false;
      this.#flush();
    }, RETRY_MS).unref();
  }

  /** Whether all of the first line was written. */
  #writeFirst(): boolean {
    const [first] = this.#waiting;
    if (first === undefined) return false;
    const written = this.#writeSome(first);
    this.#waitingBytes -= written;
    if (written < first.length) this.#waiting[0] = first.subarray(written);
    else this.#waiting.shift();
    return written === first.length;
  }

  #writeSome(bytes: Buffer): number {
    try {
      return writeSync(this.#fd, bytes);
    } catch {
      return 0; // EAGAIN: no room; EPIPE: no reader; ENOSPC: no disk. It is tried again.
    }
  }

  /** As pino writes its own lines. */
  #tellLost(): void {
    const time = new Date().toISOString();
    const msg = 'lines of this log were lost: they could not be written';
    this.#append(Buffer.from(this.#mark(`${JSON.stringify({ level: 'warn', time, lines: this.#lost, msg })}\n`)));
    this.#lost = 0;
    this.#flush();
  }
}

/**
 * A description of its own for the same pipe or terminal: O_NONBLOCK on the inherited one would be everybody's who has it.
 * A socket (journald's) cannot be opened anew, and stays as it is.
 */
function withoutWaiting(fd: number): number {
  try {
    const stat = fstatSync(fd);
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return fd;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
