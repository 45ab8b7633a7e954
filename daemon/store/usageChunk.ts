/**
 * The points of one tenant over an hour or a day as bytes: a 0 for a point of which nothing is known, else its columns as
 * varints (LEB128), the first of them, `knownMs`, not 0. A point of usual traffic takes some 18 bytes.
 */
import { USAGE_COLUMNS } from './writes.ts';

export interface UsagePoint {
  /** For how long the tenant was watched. */
  readonly knownMs: number;
  readonly inBytes: number;
  readonly inPackets: number;
  readonly outBytes: number;
  readonly outPackets: number;
}

/** null: nothing is known of the time. */
export type UsagePoints = readonly (UsagePoint | null)[];

/** Numbers are whole and not negative, below 2^53. */
export function encodeUsage(points: UsagePoints): Uint8Array {
  const bytes: number[] = [];
  for (const point of points) {
    if (point === null || point.knownMs <= 0) bytes.push(0);
    else for (const column of USAGE_COLUMNS) pushVarint(bytes, point[column]);
  }
  return Uint8Array.from(bytes);
}

/** As many points as there are bytes for, then null. */
export function decodeUsage(bytes: Uint8Array, count: number): UsagePoints {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    return value;
  };
  return Array.from({ length: count }, () => {
    const knownMs = next();
    if (knownMs === 0) return null;
    return { knownMs, inBytes: next(), inPackets: next(), outBytes: next(), outPackets: next() };
  });
}

function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
}

/** Of a longer time; null: of no part of it anything is known. */
export function sumUsage(points: UsagePoints): UsagePoint | null {
  return points.reduce<UsagePoint | null>(
    (sum, point) => (sum === null || point === null ? (sum ?? point) : add(sum, point)),
    null,
  );
}

const add = (a: UsagePoint, b: UsagePoint): UsagePoint => ({
  knownMs: a.knownMs + b.knownMs,
  inBytes: a.inBytes + b.inBytes,
  inPackets: a.inPackets + b.inPackets,
  outBytes: a.outBytes + b.outBytes,
  outPackets: a.outPackets + b.outPackets,
});
