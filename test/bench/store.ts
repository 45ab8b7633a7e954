/** What the store costs at 1,000 tenants: the main thread, its own thread, and space. `node test/bench/store.ts` */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig } from '../../daemon/config/host.ts';
import type { Detector } from '../../daemon/detectors/detector.ts';
import { createDetectors } from '../../daemon/detectors/index.ts';
import { ROW, Window } from '../../daemon/metering/window.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../daemon/calendar.ts';
import { Expiry } from '../../daemon/store/expiry.ts';
import { History } from '../../daemon/store/history.ts';
import { MAX_LEVELS } from '../../daemon/store/levelMeter.ts';
import { rollUpSlice } from '../../daemon/store/rollUp.ts';
import { UsageMeter } from '../../daemon/store/usageMeter.ts';
import type { MemoryWrite } from '../../daemon/store/writes.ts';
import { usageOf } from '../store/fill.ts';
import { fillSample, spaceOfAYear } from '../store/spaceSample.ts';
import { testContext, testTenant } from '../support/windowBuilder.ts';

const TENANTS = 1000;
const DAYS = 3;
const START_MS = Date.UTC(2026, 0, 1);

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Milliseconds of each call. */
function time(calls: number, work: (call: number) => void): Float64Array {
  return Float64Array.from({ length: calls }, (_, call) => {
    const startMs = performance.now();
    work(call);
    return performance.now() - startMs;
  }).toSorted();
}

function report(what: string, ms: Float64Array): void {
  const at = (share: number): string => (ms[Math.min(Math.floor(ms.length * share), ms.length - 1)] ?? 0).toFixed(2);
  print(`${what}: median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms (${ms.length})`);
}

function mainThread(): void {
  const totals = new Float64Array((TENANTS + 1) * 2 * ROW);
  const meter = new UsageMeter(TENANTS);
  report(
    'main: counting the usage of a second',
    time(600, (second) => {
      for (let i = 0; i < totals.length; i++) totals[i]! += i;
      meter.take(totals, () => true, START_MS + second * 1000, 1000);
    }),
  );
  const usage = usageOf(START_MS, TENANTS, (i) => [1000, 125_000 + i, 250, 125_000, 250]);
  report(
    'main: handing it over',
    time(600, () => void structuredClone([usage])),
  );
}

const tenants = Array.from({ length: TENANTS }, (_, i) =>
  testTenant(`tenant-${i}`, [`10.${i >> 8}.${i & 255}.1/32`], {
    threshold: { rateBps: 80e6, packetsPerSecond: null, forMs: 60_000 },
  }),
);

/** That have seen a day of traffic of all tenants. */
function seasonedDetectors(): Detector[] {
  const detectors = createDetectors(defaultConfig().detectors, testContext(tenants), 'packets');
  const window = new Window({ tenants: TENANTS, targetBits: 4, sourceBits: 4, pairBits: 4, details: 4 });
  const windowMs = 30_000;
  for (let startMs = START_MS; startMs < START_MS + DAY_MS; startMs += windowMs) {
    window.open(startMs);
    for (let i = 0; i < window.tenants.length; i++) window.tenants[i] = (i * startMs) % 999_983;
    window.close(startMs + windowMs, 1, 0);
    for (const detector of detectors) detector.observe(window);
  }
  return detectors;
}

function memories(): MemoryWrite[] {
  return seasonedDetectors().flatMap((detector): MemoryWrite[] => {
    const save = (): string => JSON.stringify(detector.save());
    const state = save();
    if (state.length < 100_000) return [];
    report(`main: saving ${detector.id}, ${(state.length / 1e6).toFixed(1)} MB`, time(50, save));
    return [{ kind: 'memory', point: 'eth0', detector: detector.id, savedMs: START_MS, state }];
  });
}

function thread(path: string, saved: readonly MemoryWrite[]): void {
  const store = fillSample(path, TENANTS, DAYS, 200);
  store.database.exec('PRAGMA synchronous = NORMAL');
  const endMs = START_MS + DAYS * DAY_MS;
  const usageAt = (second: number) =>
    usageOf(endMs + 2 * HOUR_MS + second * 1000, TENANTS, (i) => [1000, 125_000 + i, 250, 125_000, 250]);
  report(
    'thread: writing the usage of a second',
    time(300, (second) => store.write(usageAt(second))),
  );
  for (const write of saved)
    report(
      `thread: writing the memory of ${write.detector}`,
      time(20, () => store.write(write)),
    );
  for (let minute = 0; minute < 2 * 60; minute++) store.write(usageAt(-7200 + minute * 60));
  let more = true;
  const slices = time(1000, () => (more &&= rollUpSlice(store.database, endMs + 3 * HOUR_MS)));
  report(
    'thread: a slice of summing up',
    slices.filter((ms) => ms > 1),
  );
  const expiry = new Expiry({ keepMs: 90 * DAY_MS });
  const laterMs = endMs + 3 * DAY_MS;
  for (let ms = laterMs - 11 * MINUTE_MS; ms < laterMs; ms += MINUTE_MS) expiry.slice(store.database, ms);
  report(
    'thread: a slice of removing',
    time(100, () => expiry.slice(store.database, laterMs)),
  );
  const history = new History(path);
  report(
    'reader: a tenant by five minutes, three days',
    time(20, () => history.usage('tenant-500', START_MS, endMs, 'fiveMinutes')),
  );
  history.close();
  for (const [table, bytes] of spaceOfAYear(store, TENANTS, MAX_LEVELS))
    print(`space after a year: ${table} ${Math.round(bytes / 1e6)} MB`);
}

const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'));
try {
  print(
    `load average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}, ${TENANTS} tenants, all of them busy`,
  );
  mainThread();
  thread(join(folder, 'weir.db'), memories());
} finally {
  rmSync(folder, { recursive: true });
}
