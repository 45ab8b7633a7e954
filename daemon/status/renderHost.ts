/** The host and the tenants' workloads as lines of text. */
import { formatQuantity, formatShare } from '../incidents/format.ts';
import type { HostStatus, WaitShares } from './hostStatus.ts';
import type { TenantStatus } from './snapshot.ts';
import { table } from './textTable.ts';

const MAX_WORKLOADS = 20;
const UNKNOWN = '?';
const CUT_SHORT = 'More cgroups than are searched: name absent workloads by cgroup.';

export function renderHost(host: HostStatus): string[] {
  const {
    cores,
    cpuCores,
    load1,
    memoryTotalBytes,
    memoryAvailableBytes,
    swapUsedBytes,
    waits,
    failure,
    isSearchCutShort,
  } = host;
  const parts = [
    `${quantity(cpuCores, 'cores')} busy of ${quantity(cores, '')}`,
    `load ${load1 ?? UNKNOWN}`,
    `${quantity(memoryAvailableBytes, 'B')} available of ${quantity(memoryTotalBytes, 'B')}`,
    `swap used ${quantity(swapUsedBytes, 'B')}`,
    `waiting for CPU ${share(waits.cpu)}, for memory ${share(waits.memory)} of the time`,
  ];
  const failed = failure === null ? [] : [`FAILING: Cannot sample CPU and memory: ${failure}`];
  const cutShort = isSearchCutShort ? [CUT_SHORT] : [];
  return [parts.join(', '), ...failed, ...cutShort];
}

/** Those that use most first. */
export function renderWorkloads(tenants: readonly TenantStatus[]): string[] {
  const all = tenants.flatMap(({ id, workload }) => (workload === null ? [] : [{ id, ...workload }]));
  const shown = all
    .toSorted((a, b) => (b.cpuCores ?? 0) - (a.cpuCores ?? 0) || (b.workingSetBytes ?? 0) - (a.workingSetBytes ?? 0))
    .slice(0, MAX_WORKLOADS);
  const lines = table(
    3,
    ['tenant', 'workload', 'state', 'CPU', 'quota', 'memory', 'working set', 'limit', 'OOM kills', 'waiting'],
    shown.map((each) => [
      each.id,
      each.name,
      each.state,
      quantity(each.cpuCores, 'cores'),
      limit(each.cpuLimitCores, 'cores'),
      quantity(each.memoryBytes, 'B'),
      quantity(each.workingSetBytes, 'B'),
      limit(each.memoryLimitBytes, 'B'),
      each.oomKills === null ? UNKNOWN : String(each.oomKills),
      waiting(each.waits),
    ]),
  );
  const rest = all.length - shown.length;
  return rest === 0 ? lines : [...lines, `and ${rest} more`];
}

const quantity = (value: number | null, unit: string): string =>
  value === null ? UNKNOWN : formatQuantity(value, unit);
const limit = (value: number | null, unit: string): string => (value === null ? '-' : formatQuantity(value, unit));
const share = (value: number | null): string => (value === null ? UNKNOWN : formatShare(Math.min(value, 1)));

/** For whichever it waits longer. */
function waiting({ cpu, memory }: WaitShares): string {
  return cpu === null && memory === null ? UNKNOWN : share(Math.max(cpu ?? 0, memory ?? 0));
}
