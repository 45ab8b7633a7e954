import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Agenda } from './agenda.ts';

const START_MS = 1_000_000;
const END_MS = START_MS + 10_000;

describe('Agenda', () => {
  it('does everything that is due, in order of time, also what is added meanwhile', () => {
    const activities = fc.array(
      fc.record({
        delayMs: fc.integer({ min: 0, max: 9000 }),
        periodMs: fc.integer({ min: 1, max: 3000 }),
        times: fc.integer({ min: 1, max: 5 }),
      }),
    );
    fc.assert(
      fc.property(activities, (all) => {
        const agenda = new Agenda();
        const done: number[] = [];
        const due: number[] = [];
        for (const { delayMs, periodMs, times } of all) {
          const startMs = START_MS + delayMs;
          due.push(
            ...Array.from({ length: times }, (_, i) => startMs + i * periodMs).filter((timeMs) => timeMs < END_MS),
          );
          let left = times;
          agenda.add(
            {
              step(timeMs) {
                done.push(timeMs);
                left -= 1;
                return left > 0 ? timeMs + periodMs : Infinity;
              },
            },
            startMs,
          );
        }
        agenda.run(END_MS);
        assert.deepEqual(
          done,
          due.toSorted((a, b) => a - b),
        );
      }),
    );
  });
});
