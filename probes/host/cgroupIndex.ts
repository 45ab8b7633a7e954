/** Where cgroups are that are not in their usual places: a bounded search of the trees, shared by all tenants, at most once a minute. */
import { type Dir, opendirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Milliseconds } from '../probe.ts';
import { isEntered, type Key, keysOf, ownerOf } from './cgroupNames.ts';

const EVERY_MS = 60_000;
/** Deepest in practice: a container in a pod of a user, at seven. */
const MAX_DEPTH = 8;
/** Of all trees; one takes some 12 µs. */
const MAX_CGROUPS = 50_000;
/** Of what one user has, who can make as many as there is memory. */
const MAX_OF_USER = 500;
/** Looked at in one go, in some 2 ms. */
const SLICE = 50;
const READ_AT_ONCE = 128;
/** fs/kernfs/inode.c: a directory has two links, and one more for each directory in it. */
const LINKS_OF_LEAF = 2;

export interface IndexLimits {
  readonly cgroups: number;
  readonly ofUser: number;
}

export class CgroupIndex {
  readonly #roots: readonly string[];
  readonly #limits: IndexLimits;
  #found: Found = new Map();
  #searchedMs: Milliseconds | null = null;
  #isWhole = true;

  constructor(roots: readonly string[], limits: IndexLimits = { cgroups: MAX_CGROUPS, ofUser: MAX_OF_USER }) {
    this.#roots = roots;
    this.#limits = limits;
  }

  /** Relative to the roots, as the last search found them, the shallowest first. */
  pathsOf(key: Key): readonly string[] {
    return this.#found.get(key) ?? [];
  }

  /** Whether the last search came to its end, and not to its bounds. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  isDue(nowMs: Milliseconds): boolean {
    return this.#searchedMs === null || Math.abs(nowMs - this.#searchedMs) >= EVERY_MS;
  }

  /** What is `taken` belongs to a tenant, who may be able to make cgroups in it of any name. */
  async search(nowMs: Milliseconds, taken: ReadonlySet<string>): Promise<void> {
    this.#searchedMs = nowMs;
    const search = new Search(this.#roots, this.#limits, taken);
    for await (const _ of search.run());
    this.#found = search.found;
    this.#isWhole = search.isWhole;
  }
}

type Found = Map<Key, string[]>;

interface Place {
  readonly root: string;
  readonly path: string;
}

/** Breadth first, through all trees at once: what lies deep, where users divide what they were given, hides nothing above it. */
class Search {
  readonly found: Found = new Map();
  isWhole = true;
  readonly #roots: readonly string[];
  readonly #limits: IndexLimits;
  readonly #taken: ReadonlySet<string>;
  readonly #seen = new Set<string>();
  readonly #ofUsers = new Map<string, number>();
  #looked = 0;

  constructor(roots: readonly string[], limits: IndexLimits, taken: ReadonlySet<string>) {
    this.#roots = roots;
    this.#limits = limits;
    this.#taken = taken;
  }

  /** Yields after each turn that it gives to others. */
  async *run(): AsyncGenerator<void> {
    let level: readonly Place[] = this.#roots.map((root) => ({ root, path: '' }));
    for (let depth = 0; depth < MAX_DEPTH; depth++) level = yield* this.#descend(level);
  }

  /** Returns what to look into next. */
  async *#descend(level: readonly Place[]): AsyncGenerator<void, readonly Place[]> {
    const next: Place[] = [];
    for (const { root, path } of level) {
      for (const name of namesIn(join(root, path))) {
        if (this.#looked >= this.#limits.cgroups) {
          this.isWhole = false;
          return [];
        }
        this.#looked += 1;
        const child = path === '' ? name : `${path}/${name}`;
        if (this.#note(child)) next.push({ root, path: child });
        if (this.#looked % SLICE === 0) yield nextTurn();
      }
    }
    return next;
  }

  /** Whether to look into it. */
  #note(path: string): boolean {
    if (this.#isBeyondItsShare(ownerOf(path))) return false;
    if (!this.#seen.has(path)) {
      this.#seen.add(path);
      for (const key of keysOf(path)) this.found.set(key, [...(this.found.get(key) ?? []), path]);
    }
    return isEntered(path) && !this.#taken.has(path);
  }

  #isBeyondItsShare(uid: string | null): boolean {
    if (uid === null) return false;
    const count = (this.#ofUsers.get(uid) ?? 0) + 1;
    this.#ofUsers.set(uid, count);
    if (count > this.#limits.ofUser) this.isWhole = false;
    return count > this.#limits.ofUser;
  }
}

/** Of the directories in one; none of one that vanishes. */
function* namesIn(directory: string): Generator<string> {
  let open: Dir | null = null;
  try {
    if (statSync(directory).nlink === LINKS_OF_LEAF) return;
    open = opendirSync(directory, { bufferSize: READ_AT_ONCE });
    for (let entry = open.readSync(); entry !== null; entry = open.readSync()) {
      if (entry.isDirectory()) yield entry.name;
    }
  } catch {
    // It is gone, or may not be read.
  } finally {
    open?.closeSync();
  }
}
