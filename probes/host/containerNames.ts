/**
 * The ids of containers by their names, from the files that docker and podman keep: whoever may ask docker's socket may do
 * everything on the host, and the daemon need not. What cannot be read leaves names unknown.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Container, type Engine, ENGINES } from './engines.ts';
import { isRefusal, READ_FLAGS } from './kernelFile.ts';

/** docker's has some 5 KB, podman's 1 KB for each container. */
const MAX_FILE_BYTES = 2 ** 23;
/** Users can write into theirs what they like. */
const MAX_FILE_BYTES_OF_USER = 2 ** 20;
/** What is read of one engine: so many of the largest files. */
const MAX_LARGE_FILES = 8;
/** Read at once; where a file system may hang, one is what Node.js can spare of its four threads. */
const BATCH = 16;
const BATCH_OF_USER = 1;

/** Of root's engines, or of a user's. */
export class ContainerNames {
  readonly #root: string;
  readonly #home: string | null;
  #ids: ReadonlyMap<string, readonly { readonly id: string }[]> = new Map();
  #isRefused = false;

  /** `home`: the user's, null for root's engines; both below `root`, which is `/` but for tests. */
  constructor(root: string, home: string | null) {
    this.#root = root;
    this.#home = home;
  }

  /** Of docker before those of podman. */
  idsOf(name: string): readonly string[] {
    return (this.#ids.get(name) ?? []).map(({ id }) => id);
  }

  /** Whether there are files that may not be read. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Never rejects. */
  async read(): Promise<void> {
    this.#isRefused = false;
    const known: Container[] = [];
    for await (const containers of this.#containersInTurn()) known.push(...containers);
    const named = known.flatMap(({ id, names }) => names.map((name) => ({ id, name })));
    this.#ids = Map.groupBy(named, ({ name }) => name);
  }

  async *#containersInTurn(): AsyncGenerator<readonly Container[]> {
    for (const engine of ENGINES) yield this.#containersOf(engine);
  }

  async #containersOf(engine: Engine): Promise<readonly Container[]> {
    try {
      const containers: Container[] = [];
      const place = await this.#placeOf(engine);
      const files = await engine.files(place);
      const paths = files.map((file) => join(place, file));
      const [maxBytes, batch] = this.#home === null ? [MAX_FILE_BYTES, BATCH] : [MAX_FILE_BYTES_OF_USER, BATCH_OF_USER];
      let left = maxBytes * MAX_LARGE_FILES;
      for await (const texts of readInBatches(paths, batch, maxBytes)) {
        containers.push(...texts.flatMap((text) => engine.parse(text)));
        left -= texts.reduce((sum, { length }) => sum + length, 0);
        if (left <= 0) break;
      }
      return containers;
    } catch (error) {
      if (isRefusal(error)) this.#isRefused = true;
      return [];
    }
  }

  async #placeOf({ place, placeOfUser, settings, setting }: Engine): Promise<string> {
    if (this.#home !== null) return join(this.#root, this.#home, placeOfUser);
    const text = await readIfAny(join(this.#root, settings), MAX_FILE_BYTES);
    return join(this.#root, setting.exec(text ?? '')?.groups?.['place'] ?? place);
  }
}

async function* readInBatches(
  paths: readonly string[],
  size: number,
  maxBytes: number,
): AsyncGenerator<readonly string[]> {
  for (let start = 0; start < paths.length; start += size) {
    const batch = paths.slice(start, start + size);
    yield Promise.all(batch.map((path) => readIfAny(path, maxBytes))).then((texts) =>
      texts.filter((text) => text !== null),
    );
  }
}

/** null: there is none, or a longer one. Throws the system's error where it may not be read. */
async function readIfAny(path: string, maxBytes: number): Promise<string | null> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, READ_FLAGS);
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > maxBytes) return null;
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(stats.size), 0, stats.size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (isRefusal(error)) throw error;
    return null;
  } finally {
    await file?.close();
  }
}
