/** What tenants used since it was asked last, from the running totals. */
import type { Milliseconds } from '../../probes/probe.ts';
import { INBOUND, OUTBOUND, ROW, rowBytes, rowPackets } from '../metering/window.ts';
import { MINUTE_MS } from '../calendar.ts';
import { USAGE_COLUMNS, type UsageWrite } from './writes.ts';

const WIDTH = USAGE_COLUMNS.length;
const KNOWN_MS = 0;
/** inBytes, inPackets, outBytes, outPackets. */
const COUNTERS = WIDTH - 1;

export class UsageMeter {
  readonly #tenants: number;
  /** The totals that were told, by (tenant number - 1) * COUNTERS. */
  readonly #told: Float64Array;
  /** How long silent tenants were watched without its having been told: they cost a write a minute. */
  readonly #owedMs: Float64Array;
  #minute = 0;

  constructor(tenants: number) {
    this.#tenants = tenants;
    this.#told = new Float64Array(tenants * COUNTERS);
    this.#owedMs = new Float64Array(tenants);
  }

  /**
   * `totals`: rows by (tenant number * 2 + direction), as TrafficTotals has them; `isWatched` by tenant number. The time
   * that has elapsed belongs to the minute in which it began.
   */
  take(
    totals: Float64Array,
    isWatched: (tenant: number) => boolean,
    nowMs: Milliseconds,
    elapsedMs: Milliseconds,
  ): UsageWrite[] {
    const minute = Math.floor((nowMs - elapsedMs) / MINUTE_MS);
    const settled = minute === this.#minute ? [] : this.settle();
    this.#minute = minute;
    const rows = new Float64Array(this.#tenants * WIDTH);
    let any = false;
    for (let i = 0; i < this.#tenants; i++) {
      const counted = this.#count(totals, i, rows);
      if (isWatched(i + 1)) this.#owedMs[i]! += elapsedMs;
      if (!counted) continue;
      rows[i * WIDTH + KNOWN_MS] = this.#takeOwed(i);
      any = true;
    }
    return any ? [...settled, { kind: 'usage', minute, rows }] : settled;
  }

  /** The time of tenants that were silent. */
  settle(): UsageWrite[] {
    const rows = new Float64Array(this.#tenants * WIDTH);
    if (!this.#owedMs.some((owed) => owed >= 1)) return [];
    for (let i = 0; i < this.#tenants; i++) if (this.#owedMs[i]! >= 1) rows[i * WIDTH + KNOWN_MS] = this.#takeOwed(i);
    return [{ kind: 'usage', minute: this.#minute, rows }];
  }

  /** Whether the tenant had traffic. */
  #count(totals: Float64Array, i: number, rows: Float64Array): boolean {
    const inbound = ((i + 1) * 2 + INBOUND) * ROW;
    const outbound = ((i + 1) * 2 + OUTBOUND) * ROW;
    const counts = [
      rowBytes(totals, inbound),
      rowPackets(totals, inbound),
      rowBytes(totals, outbound),
      rowPackets(totals, outbound),
    ];
    let any = false;
    for (let column = 0; column < COUNTERS; column++) {
      const at = i * COUNTERS + column;
      const more = Math.round(counts[column]! - this.#told[at]!);
      this.#told[at]! += more;
      rows[i * WIDTH + 1 + column] = more;
      any ||= more > 0;
    }
    return any;
  }

  /** Whole milliseconds, at least one: what was counted was watched. */
  #takeOwed(i: number): Milliseconds {
    const owedMs = Math.max(Math.round(this.#owedMs[i]!), 1);
    this.#owedMs[i]! -= owedMs;
    return owedMs;
  }
}
