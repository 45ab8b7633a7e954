/** Turns two samples, one after the other, into a window: what happened between them, and how things are at the later one. Pure. */
import type { HostSample, Sample, WorkloadSample } from '../../probes/sample.ts';
import { HOST_ROW, SAMPLE_COLUMNS, type SampleColumn } from './sampleTable.ts';
import type { Window } from './window.ts';

type Row = Readonly<Record<SampleColumn, number | null>>;

/** `numberOf` gives a tenant's number by its id; the window must be one of samples. */
export function meterSamples(
  window: Window,
  before: Sample,
  after: Sample,
  numberOf: ReadonlyMap<string, number>,
): void {
  window.open(before.atMs);
  setRow(window, HOST_ROW, hostRow(before.host), hostRow(after.host));
  const earlier = new Map(before.workloads.map((workload) => [workload.tenant, workload]));
  for (const workload of after.workloads) {
    const number = numberOf.get(workload.tenant);
    if (number === undefined || workload.state !== 'running') continue;
    const known = earlier.get(workload.tenant);
    const isSame = known?.state === 'running' && known.incarnation === workload.incarnation;
    setRow(window, number, isSame ? workloadRow(known) : null, workloadRow(workload));
  }
  window.close(after.atMs, 0, 0);
}

/** `before` is null where the counters began anew: then nobody knows what happened between. */
function setRow({ samples }: Window, number: number, before: Row | null, after: Row): void {
  for (const { name, is } of SAMPLE_COLUMNS) {
    const value = is === 'now' ? after[name] : difference(before?.[name] ?? null, after[name]);
    samples.set(number, name, value);
  }
}

/** Of a counter; one that has fallen was set back, by whomever. */
const difference = (before: number | null, after: number | null): number | null =>
  before === null || after === null || after < before ? null : after - before;

function hostRow(host: HostSample): Row {
  const { cores, memoryTotalBytes, memoryAvailableBytes } = host;
  const usedBytes =
    memoryTotalBytes === null || memoryAvailableBytes === null ? null : memoryTotalBytes - memoryAvailableBytes;
  return {
    cpuSeconds: host.cpuBusySeconds,
    cpuLimitCores: cores,
    throttledSeconds: null,
    memoryBytes: usedBytes,
    workingSetBytes: usedBytes,
    memoryLimitBytes: memoryTotalBytes,
    oomKills: null,
    cpuWaitSeconds: host.pressure.cpuSomeSeconds,
    memoryWaitSeconds: host.pressure.memorySomeSeconds,
    load1: host.load1,
  };
}

function workloadRow(workload: WorkloadSample): Row {
  const { cpuSeconds, throttledSeconds, memoryBytes, workingSetBytes, oomKills, pressure } = workload;
  return {
    cpuSeconds,
    cpuLimitCores: workload.cpuLimitCores ?? Infinity,
    throttledSeconds,
    memoryBytes,
    workingSetBytes,
    memoryLimitBytes: workload.memoryLimitBytes ?? Infinity,
    oomKills,
    cpuWaitSeconds: pressure.cpuSomeSeconds,
    memoryWaitSeconds: pressure.memorySomeSeconds,
    load1: null,
  };
}
