import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { openDatabase } from '../../daemon/store/database.ts';
import { readRemembered } from '../../daemon/store/remembered.ts';
import { randomFrom } from '../support/random.ts';
import { temporaryFolder } from './temporary.ts';

const WRITER = join(import.meta.dirname, 'killedWriter.ts');
/** At a time, each with a file of its own. */
const LANES = 2;
const KILLS = 200;
const random = randomFrom(0x5eed);

/** Kills a writer that begins at `first`, at any point: while it opens the file, or after some tens of batches. Gives what it said was written. */
async function killOne(path: string, first: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, path, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(dirname(path), 'cache') },
  });
  const exited = once(child, 'exit');
  let written = first;
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => (written = Number(line)));
  if (random() % 4 === 0) setTimeout(() => child.kill('SIGKILL'), random() % 200);
  else killAfter(child, lines, random() % 60);
  const [code] = await exited;
  assert.equal(code, null, 'it ended by itself');
  return written;
}

function killAfter(child: ChildProcess, lines: NodeJS.EventEmitter, batches: number): void {
  let left = batches;
  lines.on('line', () => {
    if (left-- <= 0) child.kill('SIGKILL');
  });
}

/** The number of the next write; throws where something is broken, missing or half there. */
function check(path: string, written: number): number {
  const database = openDatabase(path);
  try {
    const value = (sql: string): unknown => Object.values(database.prepare(sql).get() ?? {})[0];
    assert.equal(value('PRAGMA integrity_check'), 'ok');
    const incidents = Number(value('SELECT count(*) FROM incidents'));
    assert.ok(incidents >= written, `${incidents} of ${written} are there`);
    assert.equal(value('SELECT max(CAST(id AS INTEGER)) FROM incidents') ?? -1, incidents - 1);
    const [memory] = readRemembered(database).memories;
    assert.equal(memory === undefined ? -1 : Number(memory.state), incidents - 1);
    assert.equal(value('SELECT max(minute) - min(minute) + 1 - count(*) / 2 FROM usage_minutes') ?? 0, 0);
    assert.equal(value('SELECT count(*) FROM usage_minutes WHERE known_ms <> 60000'), 0, 'a batch is there twice');
    return incidents;
  } finally {
    database.close();
  }
}

async function killAll(path: string, kills: number, next = 0): Promise<number> {
  if (kills === 0) return next;
  return killAll(path, kills - 1, check(path, await killOne(path, next)));
}

describe('a store whose process is killed', () => {
  const folder = temporaryFolder();

  it(`${KILLS} times is whole each time, and has all that was written, batch by batch`, async function () {
    this.timeout(300_000);
    const lanes = Array.from({ length: LANES }, (_, i) => killAll(join(folder(), `${i}.db`), KILLS / LANES));
    for (const incidents of await Promise.all(lanes)) assert.ok(incidents > KILLS / LANES, String(incidents));
  });
});
