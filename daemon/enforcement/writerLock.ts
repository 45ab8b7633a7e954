/** One writer: who may change the kernel's queues and filters of this network namespace. Held as long as the process lives. */
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../messageOf.ts';
import { loadLibc } from '../../probes/libc.ts';

/** flock(2) */
const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;

export class WriterLock {
  readonly #path: string;
  #fd: number | null = null;

  /** In `directory` there is one lock for each network namespace. */
  constructor(directory: string) {
    const [, inode = '0'] = /\[(\d+)\]/.exec(readlinkSync('/proc/self/ns/net')) ?? [];
    this.#path = join(directory, `limits-${inode}.lock`);
  }

  /** null: it is ours; else why not. */
  take(): string | null {
    try {
      return this.#fd === null ? this.#take() : null;
    } catch (error) {
      return messageOf(error);
    }
  }

  #take(): string | null {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o755 });
    const fd = openSync(this.#path, 'a+', 0o600);
    const flock = loadLibc().declare('int flock(int fd, int operation)');
    if (flock(fd, LOCK_EX | LOCK_NB) === 0) {
      ftruncateSync(fd);
      writeSync(fd, `${process.pid}\n`);
      this.#fd = fd;
      return null;
    }
    const isHeld = loadLibc().errno() === EWOULDBLOCK;
    closeSync(fd);
    return isHeld ? `another daemon does (process ${this.#holder()})` : `${this.#path} cannot be locked`;
  }

  release(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #holder(): string {
    return readFileSync(this.#path, 'utf8').trim() || 'unknown';
  }
}
