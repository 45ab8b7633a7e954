/** A process that writes into a store as fast as it can until it is killed; a number on stdout: all below it is written. */
import { writeSync } from 'node:fs';
import { MINUTE_MS } from '../../daemon/calendar.ts';
import { Store } from '../../daemon/store/store.ts';
import { incidentWrite, usageOf } from './fill.ts';

const STDOUT = 1;
const START_MS = Date.UTC(2026, 0, 1);

const [path = '', first = '0'] = process.argv.slice(2);
const store = new Store({
  path,
  keepMs: 90 * 86_400_000,
  tenantIds: ['acme', 'beta'],
  onProblem(problem) {
    // A machine that is busy may be slow; nothing else may happen.
    if (!problem.includes('does not answer')) throw new Error(problem);
  },
});
let next = Number(first);

/** Usage of a minute, so that hours and days of it are summed up meanwhile. */
function turn(): void {
  const nowMs = START_MS + next * MINUTE_MS;
  if (store.state.waiting === 0) {
    writeSync(STDOUT, `${next}\n`);
    store.put(incidentWrite({ id: String(next), incident: `"${'x'.repeat(next % 1500)}"` }));
    store.put(usageOf(nowMs, 2, () => [60_000, next, 1, next, 1]));
    store.put({ kind: 'memory', point: 'eth0', detector: 'd', savedMs: nowMs, state: JSON.stringify(next) });
    next += 1;
  }
  store.tick(nowMs);
  setImmediate(turn);
}

await store.start(START_MS);
turn();
