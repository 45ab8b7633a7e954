import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MINUTE_MS } from '../../daemon/calendar.ts';
import { History } from '../../daemon/store/history.ts';
import type { LevelsWrite } from '../../daemon/store/writes.ts';
import { openStore, usageOf } from './fill.ts';
import { temporaryFolder } from './temporary.ts';

const START_MS = Date.UTC(2026, 2, 1, 12);

describe('History', () => {
  const folder = temporaryFolder();

  it('reads levels by minute, of the time that is asked for', () => {
    const path = join(folder(), 'levels.db');
    const store = openStore(path);
    const levels = (minute: number, value: number, direction: 'inbound' | null): LevelsWrite => ({
      kind: 'levels',
      minute: START_MS / MINUTE_MS + minute,
      levels: [{ signature: 'synFlood', tenant: 'acme', direction, value }],
    });
    store.write(levels(0, 1, 'inbound'), levels(1, 2.5, 'inbound'), levels(2, 3, null));
    const history = new History(path);
    const read = [...history.levels(START_MS + MINUTE_MS, START_MS + 3 * MINUTE_MS)];
    assert.deepEqual(read, [
      { startMs: START_MS + MINUTE_MS, signature: 'synFlood', tenant: 'acme', direction: 'inbound', value: 2.5 },
      { startMs: START_MS + 2 * MINUTE_MS, signature: 'synFlood', tenant: 'acme', direction: null, value: 3 },
    ]);
    history.close();
  });

  it('has no row for a time of which nothing is known, and one of zeros for silence', () => {
    const path = join(folder(), 'usage.db');
    const store = openStore(path);
    store.write(usageOf(START_MS, 2, (i) => [i === 0 ? 60_000 : 0, 0, 0, 0, 0]));
    const history = new History(path);
    const usage = (tenant: string) => history.usage(tenant, START_MS - MINUTE_MS, START_MS + 5 * MINUTE_MS, 'minute');
    assert.deepEqual(usage('acme'), [
      { startMs: START_MS, knownMs: 60_000, inBytes: 0, inPackets: 0, outBytes: 0, outPackets: 0 },
    ]);
    assert.deepEqual(usage('beta'), []);
    assert.deepEqual(history.tenants(), ['acme', 'beta']);
    history.close();
  });

  const refused: readonly (readonly [criterion: string, make: (path: string) => void, says: string])[] = [
    ['no file', () => {}, 'Cannot read the store PATH: there is no such file'],
    [
      'a file of another version',
      (path) => openStore(path).database.exec('PRAGMA user_version = 99'),
      'Cannot use the store PATH: it has schema 99, this version of Weir reads 1',
    ],
    [
      'what is no store',
      (path) => writeFileSync(path, 'no database '.repeat(100)),
      'Cannot use the store PATH: it is corrupt (file is not a database)',
    ],
  ];
  for (const [criterion, make, says] of refused) {
    it(`refuses ${criterion}`, () => {
      const path = join(folder(), `${criterion}.db`);
      make(path);
      assert.throws(() => new History(path), { message: says.replace('PATH', path) });
    });
  }
});
