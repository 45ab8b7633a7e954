/** The 95th percentile of usage, as ports are billed: of the rates over five minutes the twentieth part with the largest is left out. */
import type { UsagePoints } from './usageChunk.ts';

export interface UsagePercentile {
  /** Five-minute points of which something is known; the others are left out. */
  readonly samples: number;
  readonly inBps: number;
  readonly outBps: number;
  readonly inBytes: number;
  readonly outBytes: number;
}

/** null: nothing is known. */
export function percentile95(points: UsagePoints): UsagePercentile | null {
  const known = points.filter((point) => point !== null);
  if (known.length === 0) return null;
  return {
    samples: known.length,
    inBps: nearestRank(known.map(({ inBytes, knownMs }) => rateBps(inBytes, knownMs))),
    outBps: nearestRank(known.map(({ outBytes, knownMs }) => rateBps(outBytes, knownMs))),
    inBytes: known.reduce((sum, { inBytes }) => sum + inBytes, 0),
    outBytes: known.reduce((sum, { outBytes }) => sum + outBytes, 0),
  };
}

const rateBps = (bytes: number, ms: number): number => Math.round((bytes * 8000) / ms);

/** The smallest rate that at least 95 % of them do not pass. */
function nearestRank(rates: readonly number[]): number {
  return rates.toSorted((a, b) => a - b)[Math.ceil(rates.length * 0.95) - 1] ?? 0;
}
