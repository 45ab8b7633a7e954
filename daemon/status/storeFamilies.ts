/** Metrics of the store; absent where the configuration wants none. */
import type { MetricFamily } from './families.ts';
import type { StoreStatus } from './storeStatus.ts';

const family = (
  name: string,
  type: MetricFamily['type'],
  help: string,
  value: (store: StoreStatus) => number | null,
): MetricFamily => ({
  name: `weir_store_${name}`,
  help,
  type,
  labels: [],
  samples: ({ snapshot: { store } }) => {
    const known = store === null ? null : value(store);
    return known === null ? [] : [[[], known]];
  },
});

export const STORE_FAMILIES: readonly MetricFamily[] = [
  family('up', 'gauge', 'Whether the store can be written.', ({ state }) => (state === 'ok' ? 1 : 0)),
  family('written_batches_total', 'counter', 'Batches of writes that were written.', ({ batches }) => batches),
  family(
    'failures_total',
    'counter',
    'Times that the store could not be opened or written.',
    ({ failures }) => failures,
  ),
  family('waiting_writes', 'gauge', 'Writes that are not known to be written.', ({ waiting }) => waiting),
  family(
    'dropped_writes_total',
    'counter',
    'Writes that were given up, because too many were waiting or the store refused them.',
    ({ dropped }) => dropped,
  ),
  family(
    'last_written_timestamp_seconds',
    'gauge',
    'When a batch was written last; absent before the first.',
    ({ lastWrittenAt }) => (lastWrittenAt === null ? null : Date.parse(lastWrittenAt) / 1000),
  ),
  family('bytes', 'gauge', 'Size of the file; absent before it was opened.', ({ size }) => size?.bytes ?? null),
  family(
    'wal_bytes',
    'gauge',
    'Size of the log of what was not yet taken over into the file.',
    ({ size }) => size?.walBytes ?? null,
  ),
];
