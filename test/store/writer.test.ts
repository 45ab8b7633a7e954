import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { SavedLimit } from '../../daemon/enforcement/limitStore.ts';
import { openDatabase } from '../../daemon/store/database.ts';
import { readRemembered } from '../../daemon/store/remembered.ts';
import { Writer } from '../../daemon/store/writer.ts';
import { incidentWrite, openStore, usageOf } from './fill.ts';
import { temporaryFolder } from './temporary.ts';

const LIMIT: SavedLimit = {
  tenant: 'acme',
  direction: 'outbound',
  rateBps: 20e6,
  sinceMs: 1000,
  untilMs: 901_000,
  reason: 'incident abc is open',
  who: 'weir',
};

const memory = (state: string) => ({ kind: 'memory', point: 'eth0', detector: 'd', savedMs: 1, state }) as const;

describe('Writer', () => {
  const folder = temporaryFolder();
  let files = 0;
  const newStore = () => openStore(join(folder(), `${++files}.db`));

  it('adds what was used to the minute, and skips tenants of which nothing is known', () => {
    const { database, write } = newStore();
    const usage = usageOf(120_000, 2, (i) => (i === 0 ? [1000, 10, 1, 20, 2] : [0, 0, 0, 0, 0]));
    write(usage);
    write(usage);
    assert.deepEqual(
      database
        .prepare('SELECT * FROM usage_minutes')
        .all()
        .map((row) => Object.values(row)),
      [[2, 1, 2000, 20, 2, 40, 4]],
    );
  });

  it('writes a batch once, however often it is given', () => {
    const database = openDatabase(join(folder(), `${++files}.db`));
    const batch = { id: 'run 1', writes: [usageOf(0, 1, () => [1000, 1, 1, 1, 1])] };
    new Writer(database, ['acme']).write(batch);
    new Writer(database, ['acme']).write(batch);
    assert.equal(database.prepare('SELECT known_ms FROM usage_minutes').get()?.['known_ms'], 1000);
  });

  it('writes nothing of a batch with one write that cannot be', () => {
    const { database, write } = newStore();
    const broken = incidentWrite({ firstSeenMs: 0.5 });
    assert.throws(
      () =>
        write(
          usageOf(0, 1, () => [1000, 1, 1, 1, 1]),
          incidentWrite(),
          broken,
        ),
      /INTEGER/,
    );
    assert.equal(database.prepare('SELECT count(*) AS rows FROM usage_minutes').get()?.['rows'], 0);
    write(incidentWrite());
    assert.equal(readRemembered(database).open.length, 1);
  });

  it('keeps a tenant its number, whatever tenants are configured', () => {
    const path = join(folder(), `${++files}.db`);
    openStore(path, ['acme', 'beta']).database.close();
    const { database, write } = openStore(path, ['gamma', 'beta']);
    write(usageOf(0, 2, (i) => [1000, i, 0, 0, 0]));
    const rows = database.prepare('SELECT id, in_bytes FROM usage_minutes JOIN tenants ON number = tenant ORDER BY id');
    assert.deepEqual(
      rows.all().map((row) => Object.values(row)),
      [
        ['beta', 1],
        ['gamma', 0],
      ],
    );
  });

  it('remembers open incidents, and closes those that are open no more', () => {
    const { database, write } = newStore();
    write(incidentWrite({ id: 'a', lastSeenMs: 1 }), incidentWrite({ id: 'b', lastSeenMs: 2, memory: '"b"' }));
    assert.deepEqual(
      readRemembered(database).open.map((open) => open.memory),
      ['"b"', '{}'],
    );
    write(incidentWrite({ id: 'a', state: 'closed', memory: null, incident: '"a"' }));
    write({ kind: 'openIncidents', ids: [] });
    const { open, closed } = readRemembered(database);
    assert.deepEqual([open, closed], [[], ['"a"', '{}']]);
  });

  it('remembers the limits that stand, and how the others ended', () => {
    const { database, write } = newStore();
    const byHand = { ...LIMIT, tenant: 'beta', direction: null, untilMs: null, who: 'ada' };
    write({ kind: 'limits', standing: [LIMIT, byHand], atMs: 1000 });
    assert.deepEqual(readRemembered(database).limits, [LIMIT, byHand]);
    const longer = { ...LIMIT, untilMs: 2e6 };
    write({ kind: 'limitEnd', limit: byHand, end: { atMs: 5000, reason: 'by hand', who: 'ada' } });
    write({ kind: 'limits', standing: [longer], atMs: 5000 });
    assert.deepEqual(readRemembered(database).limits, [longer]);
    write({ kind: 'limits', standing: [], atMs: 6000 });
    const ended = database.prepare('SELECT tenant, ended_ms, end_reason, ended_by FROM limits').all();
    assert.deepEqual(
      ended.map((row) => Object.values(row)),
      [
        ['acme', 6000, 'no longer wanted', 'weir'],
        ['beta', 5000, 'by hand', 'ada'],
      ],
    );
  });

  it('has a limit in the history that was set and released before anything was written', () => {
    const { database, write } = newStore();
    write(
      { kind: 'limits', standing: [], atMs: 1 },
      { kind: 'limitEnd', limit: LIMIT, end: { atMs: 2, reason: 'r', who: 'w' } },
    );
    assert.equal(database.prepare('SELECT ended_by FROM limits').get()?.['ended_by'], 'w');
  });

  it("remembers detectors' memories", () => {
    const { database, write } = newStore();
    write(memory('[1]'));
    write(memory(JSON.stringify('long '.repeat(10_000))));
    const [saved] = readRemembered(database).memories;
    assert.deepEqual(saved, { point: 'eth0', detector: 'd', state: JSON.stringify('long '.repeat(10_000)) });
    assert.ok(Number(database.prepare('SELECT length(state) AS bytes FROM memories').get()?.['bytes']) < 1000);
  });

  it('keeps the largest of a level', () => {
    const { database, write } = newStore();
    for (const value of [5, 9, 7])
      write({ kind: 'levels', minute: 1, levels: [{ signature: 's', tenant: 'acme', direction: null, value }] });
    assert.deepEqual(
      database
        .prepare('SELECT value FROM levels')
        .all()
        .map(({ value }) => value),
      [9],
    );
  });
});
