/** The file that keeps the exporters' templates over restarts of the daemon: some send theirs again only every half hour. */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../messageOf.ts';

/** As many templates as the decoder keeps take less. */
const MAX_BYTES = 2 ** 26;

export class TemplateStore {
  readonly #path: string;
  readonly #warn: (problem: string) => void;
  #warned = false;
  /** What is to be written when the present writing is done; null: nothing. */
  #next: string | null = null;
  #writing: Promise<void> | null = null;

  /** Nothing that goes wrong with the file is thrown: `warn` is told, once in a row. */
  constructor(path: string, warn: (problem: string) => void) {
    this.#path = path;
    this.#warn = warn;
  }

  /** What was saved; null: nothing that can be read. */
  read(): unknown {
    try {
      if (statSync(this.#path).size > MAX_BYTES) throw new RangeError('the file is too large');
      return JSON.parse(readFileSync(this.#path, 'utf8'));
    } catch (error) {
      if (!isMissing(error))
        this.#tell(`Cannot read templates from ${this.#path}: ${messageOf(error)} (going on without)`);
      return null;
    }
  }

  /** Replaces what is saved; several in a row come to one. */
  save(templates: unknown): void {
    this.#next = JSON.stringify(templates);
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    const text = this.#next;
    this.#next = null;
    if (text === null) return;
    await this.#write(text);
    return this.#writeAll();
  }

  /** A reader, and a crash, find the file before or the file after, whole. */
  async #write(text: string): Promise<void> {
    const temporary = `${this.#path}.${process.pid}.tmp`;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o755 });
      await writeFile(temporary, text, { mode: 0o644, flush: true });
      await rename(temporary, this.#path);
      this.#warned = false;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      this.#tell(`Cannot save templates: ${messageOf(error)} (a restart will wait for the exporters' own)`);
    }
  }

  #tell(problem: string): void {
    if (!this.#warned) this.#warn(problem);
    this.#warned = true;
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
