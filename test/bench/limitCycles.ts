/** Sets and lifts limits 10,000 times, and prints as JSON what is held before and after; run as a program. */
import { cycle, heldNow } from '../enforcement/cycles.ts';
import { LimiterBed } from '../enforcement/limiterBed.ts';
import { edgeLimit, portLimit } from '../enforcement/limits.ts';
import type { Cell } from './report.ts';

const CYCLES = 10_000;
const WARM_UP = 100;

const bed = new LimiterBed();
const limiter = await bed.limiterWith([]);
const limits = [edgeLimit('acme'), portLimit('cedar')];
await cycle(limiter, limits, (cycles) => cycles === WARM_UP);
const before = heldNow(bed.netns);
await cycle(limiter, limits, (cycles) => cycles === CYCLES);
const after = heldNow(bed.netns);
await limiter.stop();
await bed.lab.stop();
const names = ['links', 'qdiscs', 'classes', 'filters', 'fileDescriptors', 'rssBytes'] as const;
const rows: Cell[][] = names.map((name) => [
  `${name}, before and after`,
  'the same',
  1,
  before[name],
  null,
  after[name],
]);
process.stdout.write(JSON.stringify(rows));
