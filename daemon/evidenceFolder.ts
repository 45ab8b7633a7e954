/** The folder of evidence: a pcap file an incident, the newest of them; written aside and renamed, so that none is half there. */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MAX_FILES = 1000;
/** Files that wait to be written: a disk that hangs must not fill the memory. */
const MAX_WAITING = 64;
const ID = /^[0-9a-f]{12}$/;

export class EvidenceFolder {
  readonly #path: string;
  readonly #onProblem: (problem: string) => void;
  #writing: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** Files that were given up. */
  dropped = 0;

  constructor(path: string, onProblem: (problem: string) => void) {
    this.#path = path;
    this.#onProblem = onProblem;
  }

  /** In turn, and not waited for. */
  write(id: string, pcap: Uint8Array): void {
    if (this.#waiting >= MAX_WAITING) {
      this.dropped += 1;
      return;
    }
    this.#waiting += 1;
    this.#writing = this.#writing.then(() => this.#write(id, pcap)).finally(() => (this.#waiting -= 1));
  }

  async #write(id: string, pcap: Uint8Array): Promise<void> {
    try {
      await mkdir(this.#path, { recursive: true, mode: 0o750 });
      const file = this.#fileOf(id);
      await writeFile(`${file}.new`, pcap, { mode: 0o640 });
      await rename(`${file}.new`, file);
      await this.#removeOldest();
    } catch (error) {
      this.dropped += 1;
      this.#onProblem(
        `Cannot keep the evidence of ${id} in ${this.#path}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  async #removeOldest(): Promise<void> {
    const names = await readdir(this.#path);
    if (names.length <= MAX_FILES) return;
    const files = await Promise.all(
      names.map(async (name) => ({ name, ms: (await stat(join(this.#path, name))).mtimeMs })),
    );
    const oldest = files.toSorted((a, b) => a.ms - b.ms).slice(0, names.length - MAX_FILES);
    await Promise.all(oldest.map(({ name }) => rm(join(this.#path, name), { force: true })));
  }

  /** null: there is none. */
  async read(id: string): Promise<Uint8Array | null> {
    if (!ID.test(id)) return null;
    try {
      return await readFile(this.#fileOf(id));
    } catch {
      return null;
    }
  }

  async has(id: string): Promise<boolean> {
    if (!ID.test(id)) return false;
    return (await stat(this.#fileOf(id)).catch(() => null)) !== null;
  }

  /** Resolves once everything that was given is written, or given up. */
  async stop(): Promise<void> {
    await this.#writing;
  }

  #fileOf(id: string): string {
    return join(this.#path, `${id}.pcap`);
  }
}
