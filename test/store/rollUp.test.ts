import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../daemon/calendar.ts';
import { Expiry } from '../../daemon/store/expiry.ts';
import { History } from '../../daemon/store/history.ts';
import { rollUpSlice } from '../../daemon/store/rollUp.ts';
import { incidentWrite, openStore, type TestStore, usageOf } from './fill.ts';
import { temporaryFolder } from './temporary.ts';

const START_MS = Date.UTC(2026, 1, 27, 22); // two days and a bit before the end of a February
const STEADY_MS = 10 * MINUTE_MS;

function rollUp({ database }: TestStore, nowMs: number): number {
  let slices = 0;
  while (rollUpSlice(database, nowMs)) slices += 1;
  return slices;
}

function expire({ database }: TestStore, nowMs: number, keepMs: number, maxIncidents?: number): number {
  const expiry = new Expiry({ keepMs, ...(maxIncidents !== undefined && { maxIncidents }) });
  for (let ms = nowMs - STEADY_MS; ms < nowMs; ms += MINUTE_MS) assert.equal(expiry.slice(database, ms), false);
  let slices = 0;
  while (expiry.slice(database, nowMs)) slices += 1;
  return slices;
}

const countOf = ({ database }: TestStore, table: string): number =>
  Number(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.['rows']);

/** Bytes that come in in a minute: 1,000 a second in each sixth five minutes, else 10. */
const inBytes = (minute: number): number => (Math.floor(minute / 5) % 6 === 0 ? 60_000 : 600);

function fill(store: TestStore, minutes: number, fromMs = START_MS): void {
  for (let minute = 0; minute < minutes; minute++)
    store.write(usageOf(fromMs + minute * MINUTE_MS, 2, (i) => [60_000, i === 0 ? inBytes(minute) : 0, 1, 2, 3]));
}

describe('usage history', () => {
  const folder = temporaryFolder();
  const minutes = 3 * 24 * 60;
  const endMs = START_MS + minutes * MINUTE_MS;
  let path = '';
  let store: TestStore;
  before(() => {
    path = join(folder(), 'weir.db');
    store = openStore(path);
    store.database.exec('PRAGMA synchronous = OFF');
    fill(store, minutes);
  });

  it('is the same before and after it was summed up, in slices', function () {
    this.timeout(60_000);
    const history = new History(path);
    const read = () => ({
      fiveMinutes: history.usage('acme', START_MS, endMs, 'fiveMinutes'),
      hours: history.usage('acme', START_MS, endMs, 'hour'),
      february: history.month('acme', START_MS),
      beta: history.usage('beta', START_MS, endMs, 'hour'),
    });
    const before = read();
    assert.equal(before.fiveMinutes.length, minutes / 5);
    assert.deepEqual(before.hours[0], {
      startMs: START_MS,
      knownMs: HOUR_MS,
      inBytes: 2 * 5 * 60_000 + 50 * 600,
      inPackets: 60,
      outBytes: 120,
      outPackets: 180,
    });
    assert.ok(rollUp(store, endMs) > 72);
    assert.deepEqual(read(), before);
    assert.deepEqual(
      [countOf(store, 'usage_hours'), countOf(store, 'usage_days'), countOf(store, 'usage_months')],
      [142, 6, 2],
    );
    assert.equal(rollUp(store, endMs), 0);
    history.close();
  });

  it('has the 95th percentile of a month: the sixth part of the samples that are large is more than a twentieth', () => {
    const history = new History(path);
    const february = history.month('acme', START_MS);
    assert.deepEqual([february?.inBps, february?.outBps, february?.samples], [8000, 0, 26 * 12]);
    assert.equal(history.month('acme', START_MS - 40 * DAY_MS), null);
    assert.equal(history.month('nobody', START_MS), null);
    history.close();
  });

  it('loses nothing to expiry but what is older than each kind is kept, once it was summed up', function () {
    this.timeout(60_000);
    const history = new History(path);
    const hours = history.usage('acme', START_MS, endMs, 'hour');
    assert.ok(expire(store, endMs, 90 * DAY_MS) >= 2);
    const kept = history.usage('acme', START_MS, endMs, 'minute');
    assert.equal(kept[0]?.startMs, endMs - 2 * DAY_MS);
    assert.deepEqual(history.usage('acme', START_MS, endMs, 'hour'), hours);
    expire(store, endMs, DAY_MS);
    const first = store.database.prepare('SELECT min(hour) AS hour FROM usage_hours').get()?.['hour'];
    assert.equal(first, Date.UTC(2026, 2, 1) / HOUR_MS, 'the month that is not over keeps its samples');
    assert.deepEqual(history.usage('acme', START_MS, endMs, 'hour').slice(0, 26), hours.slice(0, 26));
    history.close();
  });
});

describe('rollUpSlice()', () => {
  const folder = temporaryFolder();

  it('goes on where it was when a clock that had been far ahead is set back', () => {
    const store = openStore(join(folder(), 'ahead.db'));
    fill(store, 60, START_MS + 400 * DAY_MS);
    rollUp(store, START_MS + 401 * DAY_MS);
    fill(store, 60);
    rollUp(store, START_MS + 2 * HOUR_MS);
    const hours = store.database
      .prepare('SELECT DISTINCT hour FROM usage_hours')
      .all()
      .map(({ hour }) => hour);
    assert.ok(hours.includes(START_MS / HOUR_MS));
  });

  it('takes no longer for a gap of a year than for the hours that there are', () => {
    const store = openStore(join(folder(), 'gap.db'));
    fill(store, 60);
    fill(store, 60, START_MS + 365 * DAY_MS);
    assert.ok(rollUp(store, START_MS + 366 * DAY_MS) <= 6);
  });
});

const closed = (id: string, lastSeenMs: number) => incidentWrite({ id, lastSeenMs, state: 'closed', memory: null });

describe('Expiry', () => {
  const folder = temporaryFolder();

  it('removes nothing until the clock has been steady for ten minutes', () => {
    const store = openStore(join(folder(), 'steady.db'));
    store.write({ kind: 'levels', minute: 0, levels: [{ signature: 's', tenant: 'acme', direction: null, value: 1 }] });
    const expiry = new Expiry({ keepMs: DAY_MS });
    for (let ms = 0; ms < 9 * MINUTE_MS; ms += MINUTE_MS)
      assert.equal(expiry.slice(store.database, START_MS + ms), false);
    for (let ms = 0; ms < STEADY_MS; ms += MINUTE_MS)
      assert.equal(expiry.slice(store.database, START_MS + DAY_MS + ms), false);
    assert.equal(countOf(store, 'levels'), 1);
    assert.equal(expiry.slice(store.database, START_MS + DAY_MS + STEADY_MS), true);
    assert.equal(countOf(store, 'levels'), 0);
  });

  it('removes closed incidents that are too old, or too many, and never open ones', () => {
    const store = openStore(join(folder(), 'incidents.db'));
    store.write(closed('old', START_MS - 2 * DAY_MS), incidentWrite({ id: 'open', lastSeenMs: START_MS - 2 * DAY_MS }));
    for (let i = 0; i < 20; i++) store.write(closed(`new ${i}`, START_MS - i * MINUTE_MS));
    const ids = (): unknown[] =>
      store.database
        .prepare('SELECT id FROM incidents ORDER BY id')
        .all()
        .map(({ id }) => id);
    expire(store, START_MS, DAY_MS);
    assert.deepEqual([ids().includes('old'), ids().includes('open'), ids().length], [false, true, 21]);
    expire(store, START_MS, DAY_MS, 5);
    assert.deepEqual(ids(), ['new 0', 'new 1', 'new 2', 'new 3', 'new 4', 'open']);
  });
});
