/** What each observation point saw last: the live part of the status snapshot. */
import type { Milliseconds, ProbeStatistics } from '../../probes/probe.ts';
import { DECODE_REASONS } from '../metering/decodeResult.ts';
import { ROW, rowBytes, rowPackets, type Window } from '../metering/window.ts';
import type { InterfaceStatus, TrafficRate } from './snapshot.ts';
import { type AccountsFor, TrafficTotals } from './trafficTotals.ts';

/** A point that gave no window for so long has no current rate. */
const STALE_MS = 2_000;

interface Point {
  /** Copies of the last window's rows. */
  readonly tenants: Float64Array;
  statistics: ProbeStatistics;
  seconds: number;
  total: TrafficRate;
  lastWindowMs: Milliseconds;
  lastPacketMs: Milliseconds | null;
}

export type InterfaceCounters = Pick<
  InterfaceStatus,
  | 'received'
  | 'dropped'
  | 'lossRatio'
  | 'reattached'
  | 'lastPacketAt'
  | 'lastWindowAt'
  | 'packetsPerSecond'
  | 'bitsPerSecond'
  | 'malformed'
  | 'evicted'
>;

const NOTHING_YET: InterfaceCounters = {
  received: 0,
  dropped: null,
  lossRatio: null,
  reattached: 0,
  lastPacketAt: null,
  lastWindowAt: null,
  packetsPerSecond: null,
  bitsPerSecond: null,
  malformed: {},
  evicted: { targets: 0, sources: 0 },
};

export class Observations {
  readonly #points = new Map<string, Point>();
  readonly #accountsFor: AccountsFor;
  /** All windows, added up. */
  readonly traffic: TrafficTotals;

  constructor(tenantCount: number, accountsFor: AccountsFor) {
    this.#accountsFor = accountsFor;
    this.traffic = new TrafficTotals(tenantCount, accountsFor);
  }

  observeWindow(name: string, window: Window, statistics: ProbeStatistics): void {
    this.traffic.observeWindow(name, window);
    const before = this.#points.get(name);
    const point: Point = before ?? {
      tenants: new Float64Array(window.tenants.length),
      statistics,
      seconds: 1,
      total: { packetsPerSecond: 0, bitsPerSecond: 0 },
      lastWindowMs: 0,
      lastPacketMs: null,
    };
    this.#points.set(name, point);
    point.tenants.set(window.tenants);
    point.statistics = statistics;
    point.seconds = window.seconds;
    point.total = rateOf(window.totals, 0, window.seconds);
    point.lastWindowMs = window.endMs;
    if (window.received > 0) point.lastPacketMs = window.endMs;
  }

  interfaceCounters(name: string, nowMs: Milliseconds): InterfaceCounters {
    const point = this.#points.get(name);
    const totals = this.traffic.interfaces.get(name);
    if (point === undefined || totals === undefined) return NOTHING_YET;
    const { received, dropped, reattached } = point.statistics;
    const isStale = nowMs - point.lastWindowMs > STALE_MS;
    return {
      received,
      dropped,
      lossRatio: dropped === null || received + dropped === 0 ? null : dropped / (received + dropped),
      reattached,
      lastPacketAt: timeText(point.lastPacketMs),
      lastWindowAt: timeText(point.lastWindowMs),
      packetsPerSecond: isStale ? null : point.total.packetsPerSecond,
      bitsPerSecond: isStale ? null : point.total.bitsPerSecond,
      malformed: Object.fromEntries(
        DECODE_REASONS.map((reason, i) => [reason, totals.malformed[i] ?? 0] as const).filter(([, count]) => count > 0),
      ),
      evicted: { targets: totals.evictedTargets, sources: totals.evictedSources },
    };
  }

  /** A tenant's rate in the last windows of its accounting points; null: none of them has given one lately. */
  tenantRate(tenant: number, direction: number, nowMs: Milliseconds): TrafficRate | null {
    const rates = [...this.#points]
      .filter(([name, { lastWindowMs }]) => nowMs - lastWindowMs <= STALE_MS && this.#accountsFor(tenant, name))
      .map(([, { tenants, seconds }]) => rateOf(tenants, (tenant * 2 + direction) * ROW, seconds));
    if (rates.length === 0) return null;
    return {
      packetsPerSecond: rates.reduce((sum, rate) => sum + rate.packetsPerSecond, 0),
      bitsPerSecond: rates.reduce((sum, rate) => sum + rate.bitsPerSecond, 0),
    };
  }
}

const rateOf = (rows: Float64Array, row: number, seconds: number): TrafficRate => ({
  packetsPerSecond: Math.round(rowPackets(rows, row) / seconds),
  bitsPerSecond: Math.round((rowBytes(rows, row) * 8) / seconds),
});

const timeText = (timeMs: Milliseconds | null): string | null =>
  timeMs === null ? null : new Date(timeMs).toISOString();
