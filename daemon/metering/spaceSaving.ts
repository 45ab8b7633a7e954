/** Summaries of Space-Saving (Metwally et al. 2005) and how two of them are added (Cafaro et al. 2016, "A parallel Space Saving algorithm"). */

/** Of the count, `error` may be others'. */
export interface Counter {
  readonly key: readonly number[];
  readonly count: number;
  readonly error: number;
}

/**
 * The largest `slots` counters of both: every key with more than 1/slots of all is among them. What one summary does not
 * know can have come as often as its least counter.
 */
export function mergeCounters(a: readonly Counter[], b: readonly Counter[], slots: number): Counter[] {
  const known = byKey(b);
  const fromA = a.map((one) => add(one, known.get(String(one.key)) ?? unknown(b, slots)));
  const inA = byKey(a);
  const fromB = b.filter(({ key }) => !inA.has(String(key))).map((one) => add(one, unknown(a, slots)));
  return [...fromA, ...fromB].toSorted(largestFirst).slice(0, slots);
}

const byKey = (counters: readonly Counter[]): Map<string, Counter> =>
  new Map(counters.map((one) => [String(one.key), one]));

const add = ({ key, count, error }: Counter, other: Pick<Counter, 'count' | 'error'>): Counter => ({
  key,
  count: count + other.count,
  error: error + other.error,
});

function unknown(counters: readonly Counter[], slots: number): Pick<Counter, 'count' | 'error'> {
  const least = counters.length < slots ? 0 : Math.min(...counters.map(({ count }) => count));
  return { count: least, error: least };
}

/** Equal ones by their keys, so that the order of the summaries does not matter. */
const largestFirst = (a: Counter, b: Counter): number =>
  b.count - a.count || String(a.key).localeCompare(String(b.key));
