import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Metrics } from '../../daemon/status/metrics.ts';
import { renderStatus } from '../../daemon/status/render.ts';
import type { StoreStatus } from '../../daemon/status/storeStatus.ts';
import { TrafficTotals } from '../../daemon/status/trafficTotals.ts';
import { testSnapshot } from '../support/snapshot.ts';

const WELL: StoreStatus = {
  path: '/var/lib/weir/weir.db',
  state: 'ok',
  lastError: null,
  lastWrittenAt: '2026-03-01T10:00:12.000Z',
  batches: 11_519,
  failures: 0,
  waiting: 0,
  dropped: 0,
  size: { bytes: 12_345_678, walBytes: 4_000_000 },
};
const FULL: StoreStatus = {
  ...WELL,
  state: 'failing',
  lastError: 'Cannot use the store /var/lib/weir/weir.db: the disk is full (database or disk is full)',
  failures: 12,
  waiting: 345,
  dropped: 6,
};

async function metricsOf(store: StoreStatus | null): Promise<string> {
  const snapshot = testSnapshot({ store });
  const traffic = new TrafficTotals(0, () => true);
  return new Metrics({ tenantIds: [], traffic, snapshot: () => snapshot }).text();
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('weir_store_'));

describe('the status of the store', () => {
  const cases: readonly (readonly [criterion: string, store: StoreStatus, line: string])[] = [
    ['well', WELL, '/var/lib/weir/weir.db: ok, 16.3 MB, last written 1 s ago, 0 waiting'],
    [
      'failing',
      FULL,
      `/var/lib/weir/weir.db: FAILING (${FULL.lastError}), 16.3 MB, last written 1 s ago, 345 waiting, 6 writes given up`,
    ],
    [
      'being opened',
      { ...WELL, state: 'opening', lastWrittenAt: null, size: null },
      '/var/lib/weir/weir.db: being opened, ?, nothing written yet, 0 waiting',
    ],
    [
      'on a disk that does not answer',
      { ...WELL, state: 'stalled' },
      '/var/lib/weir/weir.db: STALLED (the disk does not answer), 16.3 MB, last written 1 s ago, 0 waiting',
    ],
  ];
  for (const [criterion, store, line] of cases) {
    it(`is shown when it is ${criterion}`, () => {
      assert.ok(
        renderStatus(testSnapshot({ store })).endsWith(`\n\nStore\n  ${line}`),
        renderStatus(testSnapshot({ store })),
      );
    });
  }

  it('is in the metrics, which pass promtool; what is not known is absent', async () => {
    const text = await metricsOf(FULL);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    assert.deepEqual([stdout + stderr, status], ['', 0]);
    assert.deepEqual(linesOf(text), [
      'weir_store_up 0',
      'weir_store_written_batches_total 11519',
      'weir_store_failures_total 12',
      'weir_store_waiting_writes 345',
      'weir_store_dropped_writes_total 6',
      `weir_store_last_written_timestamp_seconds ${Date.UTC(2026, 2, 1, 10, 0, 12) / 1000}`,
      'weir_store_bytes 12345678',
      'weir_store_wal_bytes 4000000',
    ]);
    const unknown = linesOf(await metricsOf({ ...WELL, lastWrittenAt: null, size: null }));
    assert.deepEqual(unknown.length, 5);
    assert.deepEqual(linesOf(await metricsOf(null)), []);
  });
});
