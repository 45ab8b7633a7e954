/** What the samples tell of the host and of the tenants' workloads, for the status snapshot. Unknown is null, never 0. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { HostSample, WorkloadSample } from '../../probes/sample.ts';
import type { TenantWorkload } from '../config/config.ts';
import { workloadName } from '../config/workload.ts';
import { ROUND_TIMEOUT_MS, type SamplerState } from '../metering/sampler.ts';
import { HOST_ROW, type SampleColumn } from '../metering/sampleTable.ts';

/** Shares of the time between the last two samples in which tasks waited (PSI `some`), 0 … 1. */
export interface WaitShares {
  readonly cpu: number | null;
  readonly memory: number | null;
}

export interface HostStatus {
  readonly sampledAt: string | null;
  readonly everySeconds: number;
  readonly rounds: number;
  readonly failedRounds: number;
  /** Of the last round, if it failed. */
  readonly failure: string | null;
  /** Workloads that are absent may be there: the host has more cgroups than were searched. */
  readonly isSearchCutShort: boolean;
  readonly cores: number | null;
  /** Busy, between the last two samples. */
  readonly cpuCores: number | null;
  /** Busy, since boot. */
  readonly cpuSeconds: number | null;
  readonly load1: number | null;
  readonly memoryTotalBytes: number | null;
  readonly memoryAvailableBytes: number | null;
  readonly swapUsedBytes: number | null;
  readonly waits: WaitShares;
}

export interface WorkloadStatus {
  /** As it is configured: `cgroup machine.slice/acme.scope`. */
  readonly name: string;
  /** `unknown`: it was not sampled lately. */
  readonly state: WorkloadSample['state'] | 'unknown';
  /** Between the last two samples. */
  readonly cpuCores: number | null;
  /** null: no quota, or not known. */
  readonly cpuLimitCores: number | null;
  /** This, `throttledSeconds` and `oomKills` since its cgroup was made. */
  readonly cpuSeconds: number | null;
  readonly throttledSeconds: number | null;
  readonly oomKills: number | null;
  readonly memoryBytes: number | null;
  readonly workingSetBytes: number | null;
  /** null: no limit, or not known. */
  readonly memoryLimitBytes: number | null;
  readonly waits: WaitShares;
}

export interface SamplingSource {
  readonly everyMs: Milliseconds;
  readonly state: SamplerState;
}

/** Two rounds may fail before what was known is no longer taken for what is. */
const isFresh = ({ everyMs, state: { sample } }: SamplingSource, nowMs: Milliseconds): boolean =>
  sample !== null && Math.abs(nowMs - sample.atMs) <= 3 * everyMs + ROUND_TIMEOUT_MS;

export function hostStatus(source: SamplingSource, nowMs: Milliseconds): HostStatus {
  const { everyMs, state } = source;
  const { sample, rounds, failedRounds, failure } = state;
  const isKnown = sample !== null && isFresh(source, nowMs);
  return {
    sampledAt: sample === null ? null : new Date(sample.atMs).toISOString(),
    everySeconds: everyMs / 1000,
    rounds,
    failedRounds,
    failure,
    isSearchCutShort: sample?.isSearchCutShort === true,
    ...hostFigures(isKnown ? sample.host : null),
    cpuCores: isKnown ? rate(state, HOST_ROW, 'cpuSeconds') : null,
    waits: waitsOf(isKnown ? state : null, HOST_ROW),
  };
}

function hostFigures(host: HostSample | null) {
  return {
    cores: host?.cores ?? null,
    cpuSeconds: host?.cpuBusySeconds ?? null,
    load1: host?.load1 ?? null,
    memoryTotalBytes: host?.memoryTotalBytes ?? null,
    memoryAvailableBytes: host?.memoryAvailableBytes ?? null,
    swapUsedBytes: host?.swapUsedBytes ?? null,
  };
}

/** By tenant id; `tenantIds` are by tenant number - 1. */
export function workloadStatuses(
  workloads: readonly TenantWorkload[],
  source: SamplingSource,
  tenantIds: readonly string[],
  nowMs: Milliseconds,
): ReadonlyMap<string, WorkloadStatus> {
  const { state } = source;
  const sampled = isFresh(source, nowMs) ? (state.sample?.workloads ?? []) : [];
  const byTenant = new Map(sampled.map((sample) => [sample.tenant, sample]));
  const numbers = new Map(tenantIds.map((id, i) => [id, i + 1]));
  return new Map(
    workloads.map(({ tenant, workload }) => {
      const sample = byTenant.get(tenant) ?? null;
      const row = numbers.get(tenant) ?? 0;
      const known = sample === null ? null : state;
      return [tenant, { name: workloadName(workload), ...workloadFigures(sample), ...workloadRates(known, row) }];
    }),
  );
}

function workloadFigures(sample: WorkloadSample | null) {
  return {
    state: sample?.state ?? ('unknown' as const),
    cpuLimitCores: sample?.cpuLimitCores ?? null,
    cpuSeconds: sample?.cpuSeconds ?? null,
    throttledSeconds: sample?.throttledSeconds ?? null,
    oomKills: sample?.oomKills ?? null,
    memoryBytes: sample?.memoryBytes ?? null,
    workingSetBytes: sample?.workingSetBytes ?? null,
    memoryLimitBytes: sample?.memoryLimitBytes ?? null,
  };
}

const workloadRates = (state: SamplerState | null, row: number) => ({
  cpuCores: state === null ? null : rate(state, row, 'cpuSeconds'),
  waits: waitsOf(state, row),
});

const waitsOf = (state: SamplerState | null, row: number): WaitShares => ({
  cpu: state === null ? null : rate(state, row, 'cpuWaitSeconds'),
  memory: state === null ? null : rate(state, row, 'memoryWaitSeconds'),
});

/** A second between the last two samples. */
function rate({ window }: SamplerState, row: number, column: SampleColumn): number | null {
  const value = window === null ? Number.NaN : window.samples.get(row, column) / window.seconds;
  return Number.isFinite(value) ? Math.round(value * 1000) / 1000 : null;
}
