import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Incident } from '../../daemon/incidents/incident.ts';
import { type Archive, QueryError } from '../../daemon/status/archive.ts';
import { incidentsQuery, limitsQuery, tenantsQuery, usageQuery } from '../../daemon/status/queries.ts';
import { MINUTE_MS } from '../../daemon/calendar.ts';
import { HistoryReader, HistoryUnavailable } from '../../daemon/store/historyReader.ts';
import { testIncident } from '../support/incident.ts';
import { fillPast, PAST_MS, pastId, pastIncident } from '../support/pastStore.ts';
import { testArchive, testTenant } from '../support/snapshot.ts';
import { temporaryFolder } from '../store/temporary.ts';

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** The ids of all pages, page by page. */
async function turn(archive: Archive, query: object, cursor: object = {}): Promise<string[][]> {
  const { items, next } = await archive.incidents(incidentsQuery.parse({ ...query, ...cursor }));
  const page = items.map(({ id }) => id);
  return next === null ? [page] : [page, ...(await turn(archive, query, { cursor: next }))];
}

const threeTenants = () => ['b', 'c', 'a'].map((id, i) => testTenant({ id, openIncidents: i }));

describe('Archive', () => {
  const folder = temporaryFolder();
  let reader: HistoryReader;

  before(() => {
    const path = join(folder(), 'weir.db');
    const stored = numbers(2, 9).map((number) => pastIncident(number, number % 2 === 0 ? {} : { tenant: 'beta' }));
    // Of the same time: the id tells them apart.
    fillPast(path, [...stored, pastIncident(20, { lastSeen: stored[0]?.lastSeen ?? '' })], ['acme', 'beta']);
    reader = new HistoryReader({ path });
  });
  after(() => reader.stop());

  const open: Incident[] = numbers(100, 103).map((number) => pastIncident(number, { state: 'open' }));
  const recent = [pastIncident(1), pastIncident(2)];
  const whole = (): Archive => testArchive({ reader, open: () => open, closed: () => recent });

  it('tells open incidents first, then those of memory and store by when they were seen last, each once', async () => {
    const all = [100, 101, 102, 1, 20, 2, 3, 4, 5, 6, 7, 8].map(pastId);
    assert.deepEqual(await turn(whole(), {}), [all]);
    const limits = [1, 2, 3, 5, 11, 12];
    const turned = await Promise.all(limits.map((limit) => turn(whole(), { limit })));
    for (const [i, pages] of turned.entries()) {
      assert.deepEqual(pages.flat(), all);
      assert(pages.slice(0, -1).every((page) => page.length === limits[i]));
    }
  });

  it('tells those of one state, of one tenant, since a time', async () => {
    assert.deepEqual((await turn(whole(), { state: 'open', limit: 2 })).flat(), [100, 101, 102].map(pastId));
    assert.deepEqual((await turn(whole(), { state: 'closed', limit: 3 })).flat().length, 9);
    assert.deepEqual((await turn(whole(), { tenant: 'beta' })).flat(), [3, 5, 7].map(pastId));
    const since = new Date(PAST_MS - 4 * MINUTE_MS).toISOString();
    assert.deepEqual((await turn(whole(), { state: 'closed', since })).flat(), [1, 20, 2, 3, 4].map(pastId));
  });

  it('tells what is in memory, and what is missing, where the store cannot be read', async () => {
    const broken = new HistoryReader({ path: join(folder(), 'nothing.db') });
    const archive = testArchive({ reader: broken, open: () => open, closed: () => recent });
    const { items, missing } = await archive.incidents(incidentsQuery.parse({}));
    assert.deepEqual(
      [items.length, missing],
      [5, `Cannot read the store ${folder()}/nothing.db: there is no such file`],
    );
    assert.equal((await archive.incident(pastId(1)))?.incident.id, pastId(1));
    await assert.rejects(archive.incident(pastId(7)), HistoryUnavailable);
    await assert.rejects(archive.usage('acme', {}), HistoryUnavailable);
    await broken.stop();
  });

  it('tells how an incident went, and what was done about it', async () => {
    const detail = await whole().incident(pastId(2));
    assert.deepEqual(detail?.heights, [{ at: new Date(PAST_MS - MINUTE_MS).toISOString(), value: 60_250 }]);
    assert.deepEqual(
      detail?.limits.map(({ by, ended }) => [by, ended.by, ended.reason]),
      [['weir', 'ada', 'it was a backup']],
    );
    assert.deepEqual((await whole().incident(pastId(8)))?.limits, []);
    assert.equal(await whole().incident('ffffffffffff'), null);
  });

  it('tells ended limits a page at a time', async () => {
    const page = await whole().endedLimits(limitsQuery.parse({ state: 'ended', limit: 1 }));
    assert.deepEqual([page.items.length, page.next], [1, null]);
    assert.deepEqual((await whole().endedLimits(limitsQuery.parse({ tenant: 'beta' }))).items, []);
  });

  it('tells what a tenant used, by minutes, and of a month', async () => {
    const day = await whole().usage('acme', usageQuery.parse({ from: '3h' }));
    assert.deepEqual([day?.step, day?.points.length, day?.next], ['minute', 60, null]);
    assert.deepEqual(day?.points[0], {
      at: new Date(PAST_MS - 59 * MINUTE_MS).toISOString(),
      knownSeconds: 60,
      inBytes: 7.5e6,
      inPackets: 7500,
      outBytes: 75e6,
      outPackets: 75_000,
    });
    const month = new Date(PAST_MS).toISOString().slice(0, 7);
    const { month: billed, step } = (await whole().usage('acme', usageQuery.parse({ month }))) ?? assert.fail();
    assert.deepEqual([step, billed?.outPercentile95Bps], ['hour', 10e6]);
    assert.equal(await whole().usage('nobody', {}), null);
  });

  it('gives at most 2,000 points, and says where to go on', async () => {
    const from = new Date(PAST_MS - 40 * 3_600_000).toISOString();
    const first = await whole().usage('acme', usageQuery.parse({ from, step: 'minute' }));
    assert.equal(Date.parse(first?.next ?? '') - Date.parse(from), 2000 * MINUTE_MS);
    const rest = await whole().usage('acme', usageQuery.parse({ from: first?.next, step: 'minute' }));
    assert.deepEqual([rest?.points.length, rest?.next], [60, null]);
  });

  it('sorts tenants, a page at a time', () => {
    const tenantStatuses = threeTenants;
    const page = testArchive({ tenantStatuses }).tenants(tenantsQuery.parse({ sort: 'incidents', limit: 2 }));
    assert.deepEqual([page.items.map(({ id }) => id), page.next], [['a', 'c'], '2']);
    const last = testArchive({ tenantStatuses }).tenants(tenantsQuery.parse({ limit: 2, cursor: '2' }));
    assert.deepEqual([last.items.map(({ id }) => id), last.next], [['c'], null]);
  });

  it('refuses a cursor that it did not give', async () => {
    const cursors = ['x', 'open', 'open.1', '-1', 'closed.9999999999999999.a', '1e9'];
    const asked = cursors.map((cursor) => whole().incidents(incidentsQuery.parse({ cursor })));
    await Promise.all(asked.map((each) => assert.rejects(each, QueryError)));
    assert.throws(() => whole().tenants(tenantsQuery.parse({ cursor: 'closed.1.a' })), QueryError);
  });

  it('knows an incident that has just opened', async () => {
    const archive = testArchive({ reader, open: () => [testIncident({ id: 'new' })] });
    assert.equal((await archive.incident('new'))?.words.subject, 'inbound SYN flood against 192.0.2.10 (tenant acme)');
  });
});
