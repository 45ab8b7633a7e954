/** The store's thread, which dies at the first request of the first run and at the first write of the second. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { StoreInput, StoreRequest } from '../../daemon/store/storeProtocol.ts';

const { path }: StoreInput = workerData;
const mark = (count: number): string => join(dirname(dirname(path)), `died ${count}`);
const run = [1, 2].find((count) => !existsSync(mark(count)));

function die(request: StoreRequest): void {
  if (run === 2 && request.kind !== 'write') return;
  writeFileSync(mark(run ?? 0), '');
  throw new Error('struck by a test');
}

if (run === undefined) await import('../../daemon/store/storeWorker.ts');
else parentPort?.on('message', die);
