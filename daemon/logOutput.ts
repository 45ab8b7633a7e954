/** Where the log's lines go: written at once, whole, and without ever waiting for whoever reads them. */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';

/** What stands before the time in the line that tells of lost ones; the line is as pino writes its own. */
const LOST = '{"level":"warn","time":"';

/**
 * A pipe or terminal that nobody reads fills up, and a write to it would stop the daemon: then lines are lost, and
 * counted in a line of their own once there is room again. Files take every line that the disk has room for.
 */
export class LogOutput {
  readonly #fd: number;
  /** What of a line did not fit any more; it is finished before the next. */
  #rest: Buffer = Buffer.alloc(0);
  #lost = 0;

  constructor(fd: number) {
    this.#fd = withoutWaiting(fd);
  }

  /** Never throws. */
  write(line: string): void {
    if (!this.#finish(this.#rest)) {
      this.#lost += 1;
      return;
    }
    if (this.#lost > 0) {
      const about = `${LOST}${new Date().toISOString()}","lines":${this.#lost},"msg":"lines of this log were lost: they could not be written"}\n`;
      this.#lost = 0;
      this.#finish(Buffer.from(about + line));
    } else this.#finish(Buffer.from(line));
  }

  /** Whether all of it was written; what was not is kept. */
  #finish(bytes: Buffer): boolean {
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written);
    } catch {
      // EAGAIN: no room; EPIPE: no reader; ENOSPC: no disk. It is tried again with the next line.
    }
    this.#rest = bytes.subarray(written);
    return this.#rest.length === 0;
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
