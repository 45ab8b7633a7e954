import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Store, type StoreOptions } from '../../daemon/store/store.ts';
import { until } from '../lab/until.ts';
import { pendingWithout } from '../support/needs.ts';
import { incidentWrite, openStore, usageOf } from './fill.ts';
import { temporaryFolder } from './temporary.ts';

const KEEP_MS = 90 * 86_400_000;
const NOW_MS = Date.UTC(2026, 2, 1, 12);
const WITHIN_MS = 10_000;

interface Bed {
  readonly store: Store;
  readonly problems: readonly string[];
}

/** Of the present test: their threads would keep mocha from its end. */
const running = new Set<Store>();

function bed(path: string, options: Partial<StoreOptions> = {}): Bed {
  const problems: string[] = [];
  const store = new Store({
    path,
    keepMs: KEEP_MS,
    tenantIds: ['acme'],
    onProblem: (problem) => problems.push(problem),
    firstRetryMs: 5,
    ...options,
  });
  running.add(store);
  return { store, problems };
}

/** Ticks until the store is as `shows` says. */
async function tickUntil(store: Store, what: string, shows: (state: Store['state']) => boolean): Promise<void> {
  await until(what, WITHIN_MS, async () => {
    store.tick(NOW_MS);
    return shows(store.state);
  });
}

/** Until all that was put is written. */
const settle = (store: Store): Promise<void> =>
  tickUntil(store, 'everything written', ({ state, waiting }) => state === 'ok' && waiting === 0);

const integrity = (path: string): unknown => {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare('PRAGMA integrity_check').get()?.['integrity_check'];
  } finally {
    database.close();
  }
};

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`);
}

async function stopAll(): Promise<void> {
  await Promise.all([...running].map((store) => store.stop(NOW_MS)));
  running.clear();
}

describe('Store', () => {
  afterEach(stopAll);
  const folder = temporaryFolder();
  let files = 0;
  const newPath = (): string => join(folder(), String(++files), 'weir.db');

  it('gives a new run what the last one left, whether it was stopped or not', async () => {
    const path = newPath();
    const limit = { tenant: 'acme', direction: null, rateBps: 1e6, sinceMs: 1, untilMs: 2, reason: 'r', who: 'weir' };
    const first = bed(path);
    assert.deepEqual(await first.store.start(NOW_MS), { open: [], closed: [], limits: [], memories: [] });
    first.store.put(incidentWrite({ incident: '{"a":1}', memory: '{"b":2}' }));
    first.store.put(incidentWrite({ id: 'old', state: 'closed', incident: '"old"', memory: null }));
    first.store.save([limit], NOW_MS);
    await settle(first.store);
    first.store.put({ kind: 'memory', point: 'eth0', detector: 'd', savedMs: 1, state: '[1]' });
    await first.store.stop(NOW_MS);
    const second = bed(path);
    assert.deepEqual(await second.store.start(NOW_MS), {
      open: [{ incident: '{"a":1}', memory: '{"b":2}' }],
      closed: ['"old"'],
      limits: [limit],
      memories: [{ point: 'eth0', detector: 'd', state: '[1]' }],
    });
    assert.deepEqual(second.store.load(), [limit]);
    await second.store.stop(NOW_MS);
    assert.deepEqual([first.problems, second.problems], [[], []]);
  });

  it('lets only its own user and group read the file', async () => {
    const path = newPath();
    const { store } = bed(path);
    await store.start(NOW_MS);
    store.put(incidentWrite());
    await settle(store);
    for (const suffix of ['', '-wal', '-shm']) assert.equal(statSync(path + suffix).mode & 0o777, 0o640);
    assert.equal(statSync(dirname(path)).mode & 0o777, 0o750);
    await store.stop(NOW_MS);
  });

  it('lets the history be read while it writes', async () => {
    const path = newPath();
    const { store } = bed(path);
    await store.start(NOW_MS);
    store.put(usageOf(NOW_MS, 1, () => [60_000, 1, 2, 3, 4]));
    await settle(store);
    const reader = new DatabaseSync(path, { readOnly: true });
    reader.exec('BEGIN');
    const count = () => reader.prepare('SELECT count(*) AS rows FROM usage_minutes').get()?.['rows'];
    assert.equal(count(), 1);
    store.put(usageOf(NOW_MS + 60_000, 1, () => [60_000, 1, 2, 3, 4]));
    await settle(store);
    assert.equal(count(), 1);
    reader.exec('COMMIT');
    assert.equal(count(), 2);
    reader.close();
    await store.stop(NOW_MS);
  });

  const corrupt: readonly (readonly [criterion: string, spoil: (path: string) => void])[] = [
    [
      'no database at all',
      (path) => writeFileSync(path, 'not a database, but quite long enough to be taken for one'.repeat(100)),
    ],
    ['whose pages were overwritten', (path) => overwrite(path, 4096, statSync(path).size - 4096)],
    ['that was cut', (path) => writeFileSync(path, readFileSync(path).subarray(0, 3 * 4096 + 100))],
  ];
  for (const [criterion, spoil] of corrupt) {
    it(`moves a file aside ${criterion}, says so, and begins a new one`, async () => {
      const path = newPath();
      mkdirSync(dirname(path));
      const filled = openStore(path);
      for (let i = 0; i < 100; i++) filled.write(incidentWrite({ id: `incident ${i}`, incident: 'x'.repeat(1000) }));
      filled.database.close();
      spoil(path);
      const spoilt = readFileSync(path);
      const { store, problems } = bed(path);
      assert.deepEqual((await store.start(NOW_MS)).open, []);
      store.put(incidentWrite());
      await settle(store);
      await store.stop(NOW_MS);
      const aside = asideOf(path);
      assert.deepEqual(aside, ['weir.db.corrupt-20260301T120000Z']);
      assert.deepEqual(readFileSync(join(dirname(path), aside[0] ?? '')), spoilt);
      assert.deepEqual(problems, [
        `The store ${path} was corrupt: moved to ${path}.corrupt-20260301T120000Z, a new one is begun`,
      ]);
      assert.equal(integrity(path), 'ok');
    });
  }

  it('keeps three files that were moved aside, the newest', async () => {
    const path = newPath();
    mkdirSync(dirname(path));
    const breakOn = async (day: number): Promise<void> => {
      writeFileSync(path, 'no database '.repeat(100));
      const { store } = bed(path);
      await store.start(Date.UTC(2026, 2, day));
      await store.stop(NOW_MS);
      if (day < 5) await breakOn(day + 1);
    };
    await breakOn(1);
    assert.deepEqual(
      asideOf(path).map((name) => name.slice(-16)),
      ['20260303T000000Z', '20260304T000000Z', '20260305T000000Z'],
    );
  });

  it('finds out while it writes that the file has become corrupt', async () => {
    const path = newPath();
    const { store, problems } = bed(path);
    await store.start(NOW_MS);
    for (let i = 0; i < 100; i++) store.put(incidentWrite({ id: `incident ${i}`, incident: 'x'.repeat(1000) }));
    await settle(store);
    const checkpoint = new DatabaseSync(path);
    checkpoint.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    checkpoint.close();
    overwrite(path, 4096, statSync(path).size - 4096);
    let next = 100;
    await tickUntil(store, 'a problem', ({ waiting }) => {
      if (waiting === 0)
        for (let i = 0; i < 100; i++)
          store.put(incidentWrite({ id: `incident ${next++}`, incident: 'x'.repeat(1000) }));
      return problems.length > 0;
    });
    await settle(store);
    assert.match(problems[0] ?? '', /was corrupt: moved to/);
    await store.stop(NOW_MS);
    assert.equal(integrity(path), 'ok');
  });

  it('does not touch the file of a later version', async () => {
    const path = newPath();
    mkdirSync(dirname(path));
    const later = openStore(path);
    later.database.exec('PRAGMA user_version = 99');
    later.database.close();
    const before = readFileSync(path);
    const { store, problems } = bed(path);
    assert.deepEqual((await store.start(NOW_MS)).open, []);
    store.put(incidentWrite());
    await tickUntil(store, 'two failures', ({ failures }) => failures >= 2);
    const { state, waiting, lastError } = store.state;
    assert.deepEqual([state, waiting], ['failing', 1]);
    assert.equal(
      lastError,
      `Cannot use the store ${path}: it was written by a later version of Weir (schema 99, this one knows 1): upgrade Weir, or move the file away`,
    );
    assert.equal(problems[0], `${lastError} (trying again)`);
    await store.stop(NOW_MS);
    assert.deepEqual(readFileSync(path), before);
  });

  const unusable: readonly (readonly [criterion: string, make: (path: string) => void, says: RegExp])[] = [
    ['a folder', (path) => mkdirSync(path, { recursive: true }), /: it is no file$/],
    ['below a file', (path) => writeFileSync(dirname(path), ''), /EEXIST|ENOTDIR/],
  ];
  for (const [criterion, make, says] of unusable) {
    it(`says that its path is ${criterion}, and writes once that has changed`, async () => {
      const path = newPath();
      make(path);
      const { store } = bed(path);
      await store.start(NOW_MS);
      store.put(incidentWrite());
      await tickUntil(store, 'a failure', ({ failures }) => failures >= 2);
      assert.match(store.state.lastError ?? '', says);
      run('rm', '-r', existsSync(path) ? path : dirname(path));
      await settle(store);
      await store.stop(NOW_MS);
      assert.equal(integrity(path), 'ok');
    });
  }

  it('waits for another process that holds the file locked', async function () {
    this.timeout(30_000);
    const path = newPath();
    const { store, problems } = bed(path);
    await store.start(NOW_MS);
    store.put(incidentWrite({ id: 'before' }));
    await settle(store);
    const holder = spawn(process.execPath, [
      '--eval',
      `const db = new (require('node:sqlite').DatabaseSync)(${JSON.stringify(path)});
       db.exec('BEGIN EXCLUSIVE'); console.log('held'); setInterval(() => {}, 1e9)`,
    ]);
    await once(holder.stdout, 'data');
    store.put(incidentWrite());
    await tickUntil(store, 'a failure', ({ failures }) => failures >= 1);
    assert.match(problems[0] ?? '', /: another process holds it locked \(database is locked\) \(trying again\)$/);
    const exited = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exited;
    await settle(store);
    await store.stop(NOW_MS);
  });

  it('starts its thread again when it dies, and writes what it had', async () => {
    const path = newPath();
    const { store, problems } = bed(path, { script: new URL('dyingWorker.ts', import.meta.url) });
    await store.start(NOW_MS);
    store.put(incidentWrite());
    await settle(store);
    assert.match(problems[0] ?? '', /its thread ended: .*struck/s);
    assert.equal(store.state.failures, 2);
    await store.stop(NOW_MS);
    assert.equal(countIncidents(path), 1);
  });

  it('gives up a write that SQLite refuses, counts it, and goes on', async () => {
    const path = newPath();
    const { store, problems } = bed(path);
    await store.start(NOW_MS);
    store.put(incidentWrite({ id: 'half', firstSeenMs: 0.5 }));
    await tickUntil(store, 'a failure', ({ failures }) => failures === 1);
    store.put(incidentWrite({ id: 'whole' }));
    await settle(store);
    assert.equal(store.state.dropped, 1);
    assert.match(problems[0] ?? '', /INTEGER/);
    await store.stop(NOW_MS);
  });

  it('keeps what it is given within bounds while it cannot write', async () => {
    const path = newPath();
    mkdirSync(path, { recursive: true });
    const { store } = bed(path, { maxQueueBytes: 100_000 });
    await store.start(NOW_MS);
    for (let i = 0; i < 1000; i++) {
      store.put(incidentWrite({ id: `incident ${i}`, incident: 'x'.repeat(1000) }));
      store.tick(NOW_MS);
    }
    await tickUntil(store, 'a failure', ({ failures }) => failures >= 2);
    const { waiting, dropped } = store.state;
    // As much again is with the thread.
    assert.ok(waiting < 200, String(waiting));
    assert.equal(waiting + dropped, 1000);
    await store.stop(NOW_MS);
  });
});

describe('Store on a file system of its own (root)', () => {
  afterEach(stopAll);
  let mount = '';
  let path = '';
  after(() => {
    if (mount !== '') run('umount', mount);
  });
  const folder = temporaryFolder();
  before(function () {
    if (process.getuid?.() !== 0) pendingWithout(this, 'root');
    mount = join(folder(), 'mount');
    path = join(mount, 'weir.db');
    mkdirSync(mount);
    run('mount', '-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', mount);
  });

  it('says that the disk is full, has nothing half-written, and goes on when there is room', async function () {
    this.timeout(30_000);
    const { store, problems } = bed(path);
    await store.start(NOW_MS);
    let put = 0;
    await tickUntil(store, 'a problem', ({ waiting }) => {
      if (problems.length > 0) return true;
      if (waiting === 0)
        for (let i = 0; i < 10; i++) store.put(incidentWrite({ id: `incident ${put++}`, incident: 'x'.repeat(1000) }));
      return false;
    });
    assert.match(problems[0] ?? '', /the disk (is full|does not work, or is full)/);
    const { batches, waiting, state } = store.state;
    assert.equal(state, 'failing');
    assert.equal(countIncidents(path), batches * 10);
    assert.equal(waiting, 10);
    run('mount', '-o', 'remount,size=4m', mount);
    await settle(store);
    assert.equal(countIncidents(path), put);
    await store.stop(NOW_MS);
    assert.equal(integrity(path), 'ok');
  });

  it('says that it cannot be written on a read-only file system, and goes on when it can', async () => {
    const { store, problems } = bed(path);
    await store.start(NOW_MS);
    await store.stop(NOW_MS);
    run('mount', '-o', 'remount,ro', mount);
    const again = bed(path);
    await again.store.start(NOW_MS);
    again.store.put(incidentWrite({ id: 'later' }));
    await tickUntil(again.store, 'a failure', ({ failures }) => failures >= 2);
    assert.match(again.problems[0] ?? '', /read-only file system|EROFS/);
    run('mount', '-o', 'remount,rw', mount);
    await settle(again.store);
    await again.store.stop(NOW_MS);
    assert.deepEqual(problems, []);
    assert.equal(integrity(path), 'ok');
  });
});

/** Files that were moved aside, without their companions; by name. */
function asideOf(path: string): string[] {
  const names = readdirSync(dirname(path)).filter((name) => /^weir\.db\.corrupt-[^-]+$/.test(name));
  return names.toSorted((a, b) => a.localeCompare(b));
}

function countIncidents(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare('SELECT count(*) AS rows FROM incidents').get()?.['rows'];
  database.close();
  return Number(rows);
}

/** With what is no page of SQLite's. */
function overwrite(path: string, at: number, bytes: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(bytes, 0x5a), 0, bytes, at);
  closeSync(file);
}
