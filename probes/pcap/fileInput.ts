/** The bytes of a file or of a pipe, in the order in which they come. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteInput } from './byteInput.ts';

const STANDARD_INPUT = 0;

export class FileInput implements ByteInput {
  readonly problem = null;
  readonly totalBytes: number | null;
  readonly #descriptor: number;
  /** Read before anybody asked for them. */
  #ahead = new Uint8Array(0);
  #readBytes = 0;

  /** Standard input for `-`. Throws what open(2) and read(2) throw. */
  constructor(path: string) {
    this.#descriptor = path === '-' ? STANDARD_INPUT : openSync(path, 'r');
    const stat = fstatSync(this.#descriptor);
    this.totalBytes = stat.isFile() ? stat.size : null;
  }

  get readBytes(): number {
    return this.#readBytes - this.#ahead.length;
  }

  /** The next bytes, which are still to be read; fewer than `length` at the end. */
  peek(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let count = 0;
    for (let read = -1; read !== 0 && count < length; count += read) read = this.read(bytes, count, length - count);
    this.#ahead = bytes.slice(0, count);
    return this.#ahead;
  }

  read(bytes: Uint8Array, at: number, length: number): number {
    if (this.#ahead.length > 0) return this.#readAhead(bytes, at, length);
    const read = readSome(this.#descriptor, bytes, at, length);
    this.#readBytes += read;
    return read;
  }

  close(): void {
    if (this.#descriptor !== STANDARD_INPUT) closeSync(this.#descriptor);
  }

  #readAhead(bytes: Uint8Array, at: number, length: number): number {
    const taken = this.#ahead.subarray(0, length);
    bytes.set(taken, at);
    this.#ahead = this.#ahead.slice(length);
    return taken.length;
  }
}

const NEVER = new Int32Array(new SharedArrayBuffer(4));
const PAUSE_MS = 2;

/** As read(2); waits for standard input too where another process that shares it has made it non-blocking. */
function readSome(descriptor: number, bytes: Uint8Array, at: number, length: number): number {
  for (;;) {
    try {
      return readSync(descriptor, bytes, at, length, null);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      Atomics.wait(NEVER, 0, 0, PAUSE_MS);
    }
  }
}
