/** The 5-minute means of a port's throughput: those of the last hours, and the largest of the calendar month (UTC), as billing takes them. */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';

export const SAMPLE_MS: Milliseconds = 300_000;
/** What billing drops of a month's samples before it takes the largest: 432 of the 8,640 of 30 days, 36 hours. */
const DROPPED_SHARE = 0.05;
const LONGEST_MONTH = (31 * 86_400_000) / SAMPLE_MS;
const LARGEST = Math.floor(LONGEST_MONTH * DROPPED_SHARE) + 1;
/** Of a sample's time that must be known, or it is not. */
const LEAST_KNOWN = 0.5;

export const savedThroughput = z.object({
  bucket: z.int(),
  endMs: z.number(),
  bytes: z.number().nonnegative(),
  knownMs: z.number().nonnegative(),
  month: z.int(),
  samplesOfMonth: z.int().nonnegative(),
  recent: z.string(),
  largest: z.string(),
});
export type SavedThroughput = z.output<typeof savedThroughput>;

export class ThroughputSamples {
  /** Sample k, from k to k + 1 times SAMPLE_MS of packet time, lies at k modulo their number; one is being taken. bit/s, NaN: not known. */
  readonly #recent: Float32Array;
  /** Of the month, the largest first; of `samplesOfMonth` no more can matter. */
  readonly #largest = new Float32Array(LARGEST);
  #month = 0;
  #samplesOfMonth = 0;
  /** The sample that is being taken. */
  #bucket = Number.NaN;
  #bytes = 0;
  #knownMs = 0;
  #endMs: Milliseconds = Number.NaN;

  constructor(count: number) {
    this.#recent = new Float32Array(count + 1).fill(Number.NaN);
  }

  /**
   * Counts bytes that were seen from `startMs` to `endMs`, evenly spread; whether a sample was completed. Silence shorter
   * than a sample is known to be none, longer ones are time in which nobody looked.
   */
  add(startMs: Milliseconds, endMs: Milliseconds, bytes: number): boolean {
    if (!(endMs > startMs) || !Number.isSafeInteger(Math.ceil(endMs))) return false; // a broken capture's time
    const before = this.#bucket;
    const silentMs = startMs - this.#endMs;
    if (silentMs > 0 && silentMs < SAMPLE_MS) this.#spread(this.#endMs, startMs, 0);
    this.#spread(startMs, endMs, bytes);
    this.#endMs = endMs;
    return !Number.isNaN(before) && before !== this.#bucket;
  }

  /** The known ones of the last `count` that are complete. */
  recent(count: number): Float32Array {
    const { length } = this.#recent;
    const ages = Math.min(count, length - 1, Number.isNaN(this.#bucket) ? 0 : this.#bucket);
    return Float32Array.from({ length: ages }, (_, i) => this.#recent[(this.#bucket - 1 - i) % length]!).filter(
      (bps) => !Number.isNaN(bps),
    );
  }

  /** The largest sample of the month but for the twentieth that is dropped; null: it has none yet. */
  get percentile95Bps(): number | null {
    if (this.#samplesOfMonth === 0) return null;
    return this.#largest[Math.min(Math.floor(this.#samplesOfMonth * DROPPED_SHARE), LARGEST - 1)]!;
  }

  #spread(startMs: Milliseconds, endMs: Milliseconds, bytes: number): void {
    const last = Math.ceil(endMs / SAMPLE_MS) - 1;
    const first = Math.max(Math.floor(startMs / SAMPLE_MS), last - this.#recent.length, 0);
    for (let bucket = first; bucket <= last; bucket++) {
      const insideMs = Math.min(endMs, (bucket + 1) * SAMPLE_MS) - Math.max(startMs, bucket * SAMPLE_MS);
      if (bucket !== this.#bucket) this.#turnTo(bucket);
      this.#bytes += (bytes * insideMs) / (endMs - startMs);
      this.#knownMs += insideMs;
    }
  }

  /** Completes the sample; those between it and the next one are not known, nor are those that a clock set back takes again. */
  #turnTo(bucket: number): void {
    const { length } = this.#recent;
    if (!Number.isNaN(this.#bucket)) {
      if (this.#knownMs >= SAMPLE_MS * LEAST_KNOWN) this.#keep((this.#bytes * 8 * 1000) / this.#knownMs);
      else this.#recent[this.#bucket % length] = Number.NaN;
      const [from, to] = bucket > this.#bucket ? [this.#bucket + 1, bucket] : [bucket, this.#bucket];
      for (let k = Math.max(from, to - length + 1); k <= to; k++) this.#recent[k % length] = Number.NaN;
    }
    this.#bucket = bucket;
    this.#bytes = 0;
    this.#knownMs = 0;
  }

  #keep(bps: number): void {
    this.#recent[this.#bucket % this.#recent.length] = bps;
    const start = new Date(this.#bucket * SAMPLE_MS);
    const month = start.getUTCFullYear() * 12 + start.getUTCMonth();
    if (month !== this.#month) this.#samplesOfMonth = 0;
    this.#month = month;
    this.#insert(bps, Math.min(this.#samplesOfMonth, LARGEST));
    this.#samplesOfMonth += 1;
  }

  /** Among the `count` largest. */
  #insert(bps: number, count: number): void {
    const largest = this.#largest;
    const found = largest.subarray(0, count).findIndex((other) => other < bps);
    const at = found < 0 ? count : found;
    if (at === LARGEST) return;
    largest.copyWithin(at + 1, at, Math.min(count, LARGEST - 1));
    largest[at] = bps;
  }

  /** null: nothing has been seen. */
  save(): SavedThroughput | null {
    if (Number.isNaN(this.#bucket)) return null;
    return {
      bucket: this.#bucket,
      endMs: this.#endMs,
      bytes: this.#bytes,
      knownMs: this.#knownMs,
      month: this.#month,
      samplesOfMonth: this.#samplesOfMonth,
      recent: toBase64(this.#recent),
      largest: toBase64(this.#largest.subarray(0, this.#samplesOfMonth)),
    };
  }

  /** Takes up what samples over the same span have saved. */
  restore(saved: SavedThroughput): void {
    const recent = fromBase64(saved.recent);
    const largest = fromBase64(saved.largest);
    const isWhole = largest.length === Math.min(saved.samplesOfMonth, LARGEST);
    if (recent.length !== this.#recent.length || !isWhole || saved.bucket < 0) return;
    this.#recent.set(recent);
    this.#largest.set(largest);
    this.#month = saved.month;
    this.#samplesOfMonth = saved.samplesOfMonth;
    this.#bucket = saved.bucket;
    this.#bytes = saved.bytes;
    this.#knownMs = saved.knownMs;
    this.#endMs = saved.endMs;
  }
}

/** The 32-bit floats as they lie in memory: of 1,000 tenants they are 6 MB, as numbers they would be 13. */
const toBase64 = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(new Uint8Array(buffer, byteOffset, byteLength)).toString('base64');

/** Nothing of what is no rate. */
function fromBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  const rates = new Float32Array(Math.floor(bytes.length / 4));
  new Uint8Array(rates.buffer).set(bytes.subarray(0, rates.byteLength));
  return rates.some((bps) => bps < 0 || bps === Infinity) ? new Float32Array() : rates;
}
