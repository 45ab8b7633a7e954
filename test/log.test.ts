import assert from 'node:assert/strict';
import { LogLimiter } from '../daemon/log.ts';

describe('LogLimiter', () => {
  for (const [title, times, expected] of [
    ['at most once a minute for each key', [0, 1, 59_999, 60_000, 119_999, 120_000], [0, 60_000, 120_000]],
    ['at once when the clock was set back', [1e9, 1e9 + 1, 5, 6, 60_005], [1e9, 5, 60_005]],
  ] as const) {
    it(`lets a line through ${title}`, () => {
      const limiter = new LogLimiter();
      const letThrough = (key: string): number[] => times.filter((time) => limiter.allows(key, time));
      assert.deepEqual(letThrough('a'), expected);
      assert.deepEqual(letThrough('b'), expected);
    });
  }
});
