/** What each observation point saw last: the live part of the status snapshot. */
import type { Milliseconds, ProbeStatistics } from '../../probes/probe.ts';
import type { Sample } from '../../probes/sample.ts';
import { DECODE_REASONS } from '../metering/decodeResult.ts';
import { type Direction, ROW, rowBytes, rowPackets, type Window } from '../metering/window.ts';
import type { AccountsFor } from '../tenants/accounting.ts';
import type { InterfaceStatus, TrafficRate } from './snapshot.ts';
import { TrafficTotals } from './trafficTotals.ts';
import { UnseenTraffic } from './unseenTraffic.ts';

/** A point that gave no window for so long has no current rate. */
const STALE_MS = 2_000;
const LOOPBACK = 'lo';

interface Point {
  /** Copies of the last window's rows. */
  readonly tenants: Float64Array;
  /** null: it is no interface. */
  statistics: ProbeStatistics | null;
  /** After so long without a window it has no current rate. */
  readonly staleMs: Milliseconds;
  seconds: number;
  total: TrafficRate;
  lastWindowMs: Milliseconds;
  lastPacketMs: Milliseconds | null;
  onlySees: { readonly direction: Direction; readonly sinceMs: Milliseconds } | null;
  clockJumps: number;
  lastClockJump: { readonly jumpMs: Milliseconds; readonly atMs: Milliseconds } | null;
  readonly unseen: UnseenTraffic;
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
  | 'captureProcess'
  | 'onlySees'
  | 'clock'
  | 'unseen'
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
  captureProcess: null,
  onlySees: null,
  clock: { jumps: 0, lastJumpSeconds: null, lastJumpAt: null },
  unseen: { bytes: null, packets: null },
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
    this.#observe(name, window, statistics, STALE_MS);
  }

  /** A window of flow records; windows of its kind come `lagMs` after their end. */
  observeFlows(name: string, window: Window, lagMs: Milliseconds): void {
    this.traffic.observeTenants(name, window);
    this.#observe(name, window, null, STALE_MS + lagMs + window.seconds * 1000);
  }

  #observe(name: string, window: Window, statistics: ProbeStatistics | null, staleMs: Milliseconds): void {
    const before = this.#points.get(name);
    const point: Point = before ?? {
      tenants: new Float64Array(window.tenants.length),
      statistics,
      staleMs,
      seconds: 1,
      total: { packetsPerSecond: 0, bitsPerSecond: 0 },
      lastWindowMs: 0,
      lastPacketMs: null,
      onlySees: null,
      clockJumps: 0,
      lastClockJump: null,
      unseen: new UnseenTraffic(),
    };
    this.#points.set(name, point);
    point.tenants.set(window.tenants);
    point.statistics = statistics;
    point.seconds = window.seconds;
    point.total = rateOf(window.totals, 0, window.seconds);
    point.lastWindowMs = window.endMs;
    point.lastPacketMs = window.lastPacketMs ?? point.lastPacketMs;
    if (statistics !== null && statistics.isFiltered !== true)
      point.unseen.observeWindow(window, statistics.reattached);
    noteDoubts(point, window);
  }

  /** Compares the kernel's counters with what was captured. */
  observeSample({ atMs, host }: Sample): void {
    for (const { name, receivedBytes, sentBytes } of host.interfaces) {
      if (receivedBytes === null || sentBytes === null) continue;
      // What the loopback device sends it receives, and it is captured once.
      const sent = name === LOOPBACK ? 0 : sentBytes;
      this.#points.get(name)?.unseen.observeCounters(atMs, { received: receivedBytes, sent });
    }
  }

  interfaceCounters(name: string, nowMs: Milliseconds): InterfaceCounters {
    const point = this.#points.get(name);
    const totals = this.traffic.interfaces.get(name);
    if (point === undefined || point.statistics === null || totals === undefined) return NOTHING_YET;
    const { received, dropped, reattached, restarts, lastFailure = null } = point.statistics;
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
      captureProcess: restarts === undefined ? null : { restarts, lastFailure },
      ...doubtsOf(point),
    };
  }

  /** Whether an observation point that accounts for the tenant has given a window lately. */
  isWatched(tenant: number, nowMs: Milliseconds): boolean {
    for (const [name, { lastWindowMs, staleMs }] of this.#points)
      if (nowMs - lastWindowMs <= staleMs && this.#accountsFor(tenant, name)) return true;
    return false;
  }

  /** A tenant's rate in the last windows of its accounting points; null: none of them has given one lately. */
  tenantRate(tenant: number, direction: number, nowMs: Milliseconds): TrafficRate | null {
    const rates = [...this.#points]
      .filter(([name, { lastWindowMs, staleMs }]) => nowMs - lastWindowMs <= staleMs && this.#accountsFor(tenant, name))
      .map(([, { tenants, seconds }]) => rateOf(tenants, (tenant * 2 + direction) * ROW, seconds));
    if (rates.length === 0) return null;
    return {
      packetsPerSecond: rates.reduce((sum, rate) => sum + rate.packetsPerSecond, 0),
      bitsPerSecond: rates.reduce((sum, rate) => sum + rate.bitsPerSecond, 0),
    };
  }
}

/** What the window was marked with. */
function noteDoubts(point: Point, { onlySees, clockJumpMs, startMs, endMs }: Window): void {
  if (onlySees === null) point.onlySees = null;
  else if (onlySees !== point.onlySees?.direction) point.onlySees = { direction: onlySees, sinceMs: startMs };
  if (clockJumpMs === 0) return;
  point.clockJumps += 1;
  point.lastClockJump = { jumpMs: clockJumpMs, atMs: endMs };
}

function doubtsOf({ onlySees, clockJumps, lastClockJump, unseen }: Point) {
  return {
    onlySees: onlySees && { direction: onlySees.direction, since: new Date(onlySees.sinceMs).toISOString() },
    clock: {
      jumps: clockJumps,
      lastJumpSeconds: lastClockJump && Math.round(lastClockJump.jumpMs) / 1000,
      lastJumpAt: timeText(lastClockJump?.atMs ?? null),
    },
    unseen: { bytes: unseen.bytes, packets: unseen.packets },
  };
}

const rateOf = (rows: Float64Array, row: number, seconds: number): TrafficRate => ({
  packetsPerSecond: Math.round(rowPackets(rows, row) / seconds),
  bitsPerSecond: Math.round((rowBytes(rows, row) * 8) / seconds),
});

const timeText = (timeMs: Milliseconds | null): string | null =>
  timeMs === null ? null : new Date(timeMs).toISOString();
