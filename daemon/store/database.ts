/** The store's file: how it is opened, what is done with a corrupt one, and what an operator is told when it cannot be used. */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Milliseconds } from '../../probes/probe.ts';
import { messageOf } from '../messageOf.ts';
import { migrate, SCHEMA_VERSION, schemaVersion } from './schema.ts';

/** Primary result codes (sqlite3.h). */
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** How long a write may wait for another process that holds the file. */
const BUSY_MS = 1000;
/** Names and calls of customers: not for everybody's eyes. */
const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;
/** A disk that breaks every file must not fill up with them. */
const MAX_ASIDE = 3;
/** What belongs to a file in WAL mode. */
const COMPANIONS = ['', '-wal', '-shm'];

/** Throws what `reasonOf` has words for. */
export function openDatabase(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
  if (existsSync(path) && !statSync(path).isFile()) throw new Error('it is no file');
  closeSync(openSync(path, 'a', FILE_MODE)); // SQLite gives its companions the mode of the file
  const database = new DatabaseSync(path, { timeout: BUSY_MS, enableForeignKeyConstraints: false });
  try {
    const version = schemaVersion(database);
    if (version > SCHEMA_VERSION)
      throw new Error(
        `it was written by a later version of Weir (schema ${version}, this one knows ${SCHEMA_VERSION}): upgrade Weir, or move the file away`,
      );
    // WAL: readers and the writer do not wait for each other. NORMAL: the file is whole after a power cut as it is with
    // FULL, and without an fsync a second on a disk that records calls; what is lost then is what the kernel had not written
    // yet, half a minute at most. A killed process loses nothing of it.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216');
    database.exec('PRAGMA temp_store = MEMORY');
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Of a corrupt file that is closed; `nowMs` names it. Gives the name that it has then. */
export function moveAside(path: string, nowMs: Milliseconds): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const aside = `${path}.corrupt-${stamp}`;
  for (const suffix of COMPANIONS) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  const prefix = `${basename(path)}.corrupt-`;
  const earlier = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix) && !/-(?:wal|shm)$/.test(name));
  for (const name of earlier.toSorted().slice(0, -MAX_ASIDE))
    for (const suffix of COMPANIONS) rmSync(join(dirname(path), name + suffix), { force: true });
  return aside;
}

/** The primary result code; null: it is no error of SQLite's. */
function resultOf(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : null;
}

export const isCorrupt = (error: unknown): boolean => {
  const result = resultOf(error);
  return result === SQLITE_CORRUPT || result === SQLITE_NOTADB;
};

const REASONS: ReadonlyMap<number, string> = new Map([
  [SQLITE_BUSY, 'another process holds it locked'],
  [SQLITE_READONLY, 'it cannot be written (a read-only file system, or whose is the file?)'],
  [SQLITE_IOERR, 'the disk does not work, or is full'],
  [SQLITE_CORRUPT, 'it is corrupt'],
  [SQLITE_NOTADB, 'it is corrupt'],
  [SQLITE_FULL, 'the disk is full'],
  [SQLITE_CANTOPEN, 'it cannot be opened (who may write in its folder?)'],
]);

/** Whether it is what was to be written that is wrong: it will be each time. */
export function isRefused(error: unknown): boolean {
  const result = resultOf(error);
  return result === null ? error instanceof TypeError || error instanceof RangeError : !REASONS.has(result);
}

/** `Cannot use the store /var/lib/weir/weir.db: the disk is full (database or disk is full)`. */
export function reasonOf(error: unknown, path: string): string {
  const words = REASONS.get(resultOf(error) ?? -1);
  const said = messageOf(error);
  return `Cannot use the store ${path}: ${words === undefined ? said : `${words} (${said})`}`;
}
