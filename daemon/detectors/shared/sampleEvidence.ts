/** What a window of samples shows of a tenant's workload, of the host, and of the others that wait: the evidence of a finding. */
import { HOST_ROW, type SampleColumn } from '../../metering/sampleTable.ts';
import type { Window } from '../../metering/window.ts';
import type { Tenant } from '../../tenants/tenant.ts';
import type { PressureShares, SampleEvidence } from '../detector.ts';

const MAX_WAITING = 5;
/** Less is the usual give and take. */
const LEAST_WAIT_SHARE = 0.01;

export type WaitColumn = 'cpuWaitSeconds' | 'memoryWaitSeconds';

/** Of the window's time, 0 … 1; NaN: not known. */
export const shareOfTime = ({ samples, seconds }: Window, row: number, column: SampleColumn): number =>
  samples.get(row, column) / seconds;

export function sampleEvidence(
  window: Window,
  number: number,
  tenants: readonly Tenant[],
  waits: WaitColumn,
): SampleEvidence {
  const { samples } = window;
  const now = (row: number, column: SampleColumn) => known(samples.get(row, column));
  const totalBytes = samples.get(HOST_ROW, 'memoryLimitBytes');
  return {
    tier: 'sample',
    cpuCores: known(shareOfTime(window, number, 'cpuSeconds')),
    cpuLimitCores: now(number, 'cpuLimitCores'),
    throttledShare: known(shareOfTime(window, number, 'throttledSeconds')),
    memoryBytes: now(number, 'memoryBytes'),
    workingSetBytes: now(number, 'workingSetBytes'),
    memoryLimitBytes: now(number, 'memoryLimitBytes'),
    oomKills: now(number, 'oomKills'),
    pressure: pressureOf(window, number),
    host: {
      cores: now(HOST_ROW, 'cpuLimitCores'),
      cpuCores: known(shareOfTime(window, HOST_ROW, 'cpuSeconds')),
      load1: now(HOST_ROW, 'load1'),
      memoryTotalBytes: known(totalBytes),
      memoryAvailableBytes: known(totalBytes - samples.get(HOST_ROW, 'memoryBytes')),
      pressure: pressureOf(window, HOST_ROW),
    },
    waiting: waitingOf(window, number, tenants, waits),
  };
}

/** Infinity is a limit that there is not. */
const known = (value: number): number | null => (Number.isFinite(value) ? rounded(value) : null);
const rounded = (value: number): number => Math.round(value * 1000) / 1000;

const pressureOf = (window: Window, row: number): PressureShares => ({
  cpu: known(shareOfTime(window, row, 'cpuWaitSeconds')),
  memory: known(shareOfTime(window, row, 'memoryWaitSeconds')),
});

function waitingOf(window: Window, number: number, tenants: readonly Tenant[], waits: WaitColumn) {
  return tenants
    .map(({ id }, i) => ({ tenant: id, number: i + 1, share: rounded(waitShare(window, i + 1, waits)) }))
    .filter((other) => other.number !== number && other.share >= LEAST_WAIT_SHARE)
    .toSorted((a, b) => b.share - a.share)
    .slice(0, MAX_WAITING)
    .map(({ tenant, share }) => ({ tenant, share }));
}

/** A cgroup that its own quota holds back waits too (its tasks stay runnable, kernel/sched/psi.c), and not for others. */
function waitShare(window: Window, row: number, waits: WaitColumn): number {
  const own = waits === 'cpuWaitSeconds' ? shareOfTime(window, row, 'throttledSeconds') : 0;
  return shareOfTime(window, row, waits) - (Number.isNaN(own) ? 0 : own);
}
