/** Metrics of the host and of the tenants' workloads; what is not known is absent. A tenant with a workload has seven of them. */
import type { MetricFamily, MetricSources } from './families.ts';
import type { HostStatus, WorkloadStatus } from './hostStatus.ts';

const ofHost =
  (value: (host: HostStatus) => number | null): MetricFamily['samples'] =>
  ({ snapshot: { host } }) =>
    known([], host === null ? null : value(host));

const ofWorkloads =
  (value: (workload: WorkloadStatus) => number | null): MetricFamily['samples'] =>
  ({ snapshot }: MetricSources) =>
    snapshot.tenants.flatMap(({ id, workload }) => known([id], workload === null ? null : value(workload)));

const known = (labels: readonly string[], value: number | null): (readonly [readonly string[], number])[] =>
  value === null ? [] : [[labels, value]];

const host = (name: string, type: MetricFamily['type'], help: string, value: (host: HostStatus) => number | null) => ({
  name: `weir_host_${name}`,
  help,
  type,
  labels: [],
  samples: ofHost(value),
});

const tenant = (
  name: string,
  type: MetricFamily['type'],
  help: string,
  value: (workload: WorkloadStatus) => number | null,
) => ({ name: `weir_tenant_${name}`, help, type, labels: ['tenant'], samples: ofWorkloads(value) });

export const HOST_FAMILIES: readonly MetricFamily[] = [
  host('sampling_rounds_total', 'counter', 'Rounds of samples of CPU and memory.', ({ rounds }) => rounds),
  host(
    'sampling_failed_rounds_total',
    'counter',
    'Rounds of samples that failed, or gave no answer in time.',
    ({ failedRounds }) => failedRounds,
  ),
  host(
    'cpu_seconds_total',
    'counter',
    'Seconds that processors were busy, since boot.',
    ({ cpuSeconds }) => cpuSeconds,
  ),
  host('processors', 'gauge', 'Processors of the host.', ({ cores }) => cores),
  host('load1', 'gauge', 'Load average over a minute.', ({ load1 }) => load1),
  host('memory_bytes', 'gauge', 'Memory of the host.', ({ memoryTotalBytes }) => memoryTotalBytes),
  host(
    'memory_available_bytes',
    'gauge',
    'Memory that can be had without swapping.',
    ({ memoryAvailableBytes }) => memoryAvailableBytes,
  ),
  host('swap_used_bytes', 'gauge', 'Swap space in use.', ({ swapUsedBytes }) => swapUsedBytes),
  host(
    'cpu_waiting_ratio',
    'gauge',
    'Share of the time between two samples in which a task waited for a processor (PSI some).',
    ({ waits }) => waits.cpu,
  ),
  host(
    'memory_waiting_ratio',
    'gauge',
    'Share of the time between two samples in which a task waited for memory (PSI some).',
    ({ waits }) => waits.memory,
  ),
  tenant(
    'workload_running',
    'gauge',
    'Whether the workload of a tenant is there; absent where it cannot be read.',
    running,
  ),
  tenant(
    'cpu_seconds_total',
    'counter',
    'Processor time of the workload of a tenant, since its cgroup was made.',
    ({ cpuSeconds }) => cpuSeconds,
  ),
  tenant(
    'cpu_throttled_seconds_total',
    'counter',
    'Time that the quota of a tenant held its workload back, since its cgroup was made.',
    ({ throttledSeconds }) => throttledSeconds,
  ),
  tenant('memory_bytes', 'gauge', 'Memory of the workload of a tenant.', ({ memoryBytes }) => memoryBytes),
  tenant(
    'memory_working_set_bytes',
    'gauge',
    'Memory of the workload of a tenant without the inactive page cache.',
    ({ workingSetBytes }) => workingSetBytes,
  ),
  tenant(
    'memory_limit_bytes',
    'gauge',
    'Memory limit of the workload of a tenant; absent where there is none.',
    ({ memoryLimitBytes }) => memoryLimitBytes,
  ),
  tenant(
    'oom_kills_total',
    'counter',
    'Processes of a tenant that were killed for want of memory, since its cgroup was made.',
    ({ oomKills }) => oomKills,
  ),
];

function running({ state }: WorkloadStatus): number | null {
  if (state === 'running') return 1;
  return state === 'absent' ? 0 : null;
}
