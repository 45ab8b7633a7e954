/** Samples to alter: a host of four processors and 16 GB, half of both in use, and workloads that do little. */
import type { HostSample, Sample, WorkloadSample } from '../../probes/sample.ts';

export const NO_PRESSURE = { cpuSomeSeconds: 0, memorySomeSeconds: 0, memoryFullSeconds: 0 } as const;

const testHost = (changes: Partial<HostSample> = {}): HostSample => ({
  cores: 4,
  cpuBusySeconds: 1000,
  load1: 2,
  memoryTotalBytes: 16e9,
  memoryAvailableBytes: 8e9,
  swapUsedBytes: 0,
  pressure: NO_PRESSURE,
  interfaces: [],
  ...changes,
});

export const testWorkload = (tenant: string, changes: Partial<WorkloadSample> = {}): WorkloadSample => ({
  tenant,
  state: 'running',
  incarnation: 1,
  cpuSeconds: 100,
  cpuLimitCores: null,
  throttledSeconds: 0,
  memoryBytes: 500e6,
  memoryLimitBytes: null,
  workingSetBytes: 400e6,
  oomKills: 0,
  pressure: NO_PRESSURE,
  ...changes,
});

/** A workload that is not there. */
export const absent = (tenant: string): WorkloadSample => ({
  ...testWorkload(tenant),
  state: 'absent',
  cpuSeconds: null,
  throttledSeconds: null,
  memoryBytes: null,
  workingSetBytes: null,
  oomKills: null,
  pressure: { cpuSomeSeconds: null, memorySomeSeconds: null, memoryFullSeconds: null },
});

export const testSample = (
  atMs: number,
  workloads: readonly WorkloadSample[] = [],
  host: Partial<HostSample> = {},
): Sample => ({ atMs, host: testHost(host), workloads, isSearchCutShort: false });
