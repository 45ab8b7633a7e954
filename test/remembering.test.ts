import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { defaultConfig } from '../daemon/config/host.ts';
import type { Incident } from '../daemon/incidents/incident.ts';
import { ROW, WINDOW_MS } from '../daemon/metering/window.ts';
import { Pipeline } from '../daemon/pipeline.ts';
import { Remembering } from '../daemon/remembering.ts';
import { LevelMeter } from '../daemon/store/levelMeter.ts';
import { until } from './lab/until.ts';
import { testIncident } from './support/incident.ts';
import { buildWindow, strangers, testContext } from './support/windowBuilder.ts';
import { temporaryFolder } from './store/temporary.ts';

const KEEP_MS = 90 * 86_400_000;
const PBX = '198.51.100.9';
const context = testContext();

interface Run {
  readonly pipeline: Pipeline;
  readonly remembering: Remembering;
  readonly closed: readonly Incident[];
  /** A window of a SYN flood on the PBX that ends at that time. */
  flood(endMs: number): void;
}

/** Of the present test: their threads would keep mocha from its end. */
let running: Remembering[] = [];

async function startRun(path: string): Promise<Run> {
  const pipeline = new Pipeline(defaultConfig(), context);
  const closed: Incident[] = [];
  const remembering = new Remembering({
    path,
    keepMs: KEEP_MS,
    tenantIds: context.tenants.map(({ id }) => id),
    pipeline,
    levels: new LevelMeter(),
    usage: { totals: new Float64Array((context.tenants.length + 1) * 2 * ROW), isWatched: () => true },
    log: pino({ level: 'silent' }),
    onClosed: (incidents) => closed.push(...incidents),
  });
  running.push(remembering);
  await remembering.start();
  const flood = (endMs: number): void => {
    const traffic = { from: strangers(200), to: PBX, kind: 'tcpSyn', packets: 2000 } as const;
    for (const change of pipeline.observe('eth0', buildWindow([traffic], { startMs: endMs - WINDOW_MS })))
      remembering.observe(change, endMs);
  };
  return { pipeline, remembering, closed, flood };
}

async function written({ remembering: { store } }: Run, nowMs: number): Promise<void> {
  await until('everything written', 10_000, async () => {
    store.tick(nowMs);
    return store.state.waiting === 0;
  });
}

function rowsOf(path: string, sql: string): unknown[][] {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare(sql).all();
  database.close();
  return rows.map((row) => Object.values(row));
}

describe('Remembering', () => {
  afterEach(async () => {
    await Promise.all(running.map((each) => each.stop()));
    running = [];
  });
  const folder = temporaryFolder();
  let files = 0;
  const newPath = (): string => join(folder(), `${++files}.db`);

  it('writes an incident when it opens, and what happens to it every ten seconds', async () => {
    const path = newPath();
    const run = await startRun(path);
    const startMs = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS;
    const lastSeen = async (endMs: number): Promise<number> => {
      run.flood(endMs);
      await written(run, endMs);
      return Number(rowsOf(path, "SELECT last_seen_ms FROM incidents WHERE state = 'open'")[0]?.[0]) - startMs;
    };
    assert.equal(await lastSeen(startMs), 0);
    assert.equal(await lastSeen(startMs + 9750), 0);
    assert.equal(await lastSeen(startMs + 10_000), 10_000);
    await run.remembering.stop();
  });

  it('takes up what was open a moment ago, and closes what was open long ago', async () => {
    const path = newPath();
    const first = await startRun(path);
    const nowMs = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS;
    first.flood(nowMs);
    const [open] = first.pipeline.incidents.open();
    const old = testIncident({ id: 'old', lastSeen: new Date(nowMs - 16 * 60_000).toISOString() });
    first.remembering.observe({ event: 'opened', incident: old }, nowMs);
    await written(first, nowMs);
    await first.remembering.stop();
    const second = await startRun(path);
    assert.deepEqual(second.pipeline.incidents.open(), [open]);
    const resumed = second.remembering.takeResumed();
    assert.deepEqual(resumed, [
      { event: 'refreshed', incident: open },
      { event: 'closed', incident: { ...old, state: 'closed' } },
    ]);
    assert.deepEqual(second.remembering.takeResumed(), []);
    for (const change of resumed) second.remembering.observe(change, nowMs);
    await second.remembering.stop();
    const third = await startRun(path);
    assert.deepEqual(third.closed, [{ ...old, state: 'closed' }]);
    await third.remembering.stop();
  });

  it('takes those for closed that are open no more, although nobody wrote so', async () => {
    const path = newPath();
    const run = await startRun(path);
    run.flood(WINDOW_MS);
    await written(run, WINDOW_MS);
    run.pipeline.incidents.advance(Infinity);
    run.remembering.tick(Date.now(), WINDOW_MS);
    await written(run, WINDOW_MS);
    assert.deepEqual(rowsOf(path, 'SELECT state FROM incidents'), [['closed']]);
    await run.remembering.stop();
  });

  it("saves detectors' memories within a minute, and all of them when it stops", async () => {
    const path = newPath();
    const run = await startRun(path);
    run.pipeline.observe('eth0', buildWindow([]));
    const saved = async (nowMs: number): Promise<unknown> => {
      await written(run, nowMs);
      return rowsOf(path, 'SELECT min(saved_ms) FROM memories')[0]?.[0];
    };
    const startMs = Date.now();
    for (let ms = 0; ms < 60_000; ms += WINDOW_MS) run.remembering.tick(startMs + ms, WINDOW_MS);
    const first = Number(await saved(startMs));
    assert.ok(first >= startMs && first < startMs + 60_000);
    for (let ms = 60_000; ms < 120_000; ms += WINDOW_MS) run.remembering.tick(startMs + ms, WINDOW_MS);
    assert.ok(Number(await saved(startMs)) >= startMs + 60_000);
    await run.remembering.stop();
    assert.ok(Number(rowsOf(path, 'SELECT min(saved_ms) FROM memories')[0]?.[0]) < startMs + 60_000, 'at the stop');
  });

  it('counts time and traffic every second, and the rest of them when it stops', async () => {
    const path = newPath();
    const run = await startRun(path);
    const nowMs = Date.now();
    for (let i = 0; i < 6; i++) run.remembering.tick(nowMs, WINDOW_MS);
    await run.remembering.stop();
    assert.deepEqual(rowsOf(path, 'SELECT tenant, sum(known_ms) FROM usage_minutes GROUP BY tenant'), [
      [1, 1500],
      [2, 1500],
    ]);
  });
});
