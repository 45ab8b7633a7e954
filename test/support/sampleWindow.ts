/** Windows of samples with exactly the use that a test asks for, on a host of four processors and 16 GB. */
import { HOST_ROW } from '../../daemon/metering/sampleTable.ts';
import { sampleShape, Window } from '../../daemon/metering/window.ts';

const HOST_CORES = 4;
const HOST_BYTES = 16e9;

/** Nothing where it is left out; null: not known. */
export interface TenantUse {
  readonly cpuCores?: number | null;
  /** null: none. */
  readonly cpuLimitCores?: number | null;
  /** Working set; with the page cache it is half as much again, if `allMemoryBytes` does not say otherwise. */
  readonly memoryBytes?: number | null;
  readonly allMemoryBytes?: number;
  readonly memoryLimitBytes?: number | null;
  readonly oomKills?: number | null;
  /** Shares of the time. */
  readonly throttled?: number | null;
  readonly cpuWait?: number | null;
  readonly memoryWait?: number | null;
}

export interface HostUse {
  /** Sets all of the following to what a host has that suffers from everything. */
  readonly suffers?: boolean;
  readonly busyShare?: number | null;
  readonly load1?: number | null;
  readonly availableShare?: number | null;
  readonly cpuWait?: number | null;
  readonly memoryWait?: number | null;
}

export interface SampleWindowOptions {
  readonly startMs?: number;
  readonly windowMs?: number;
  /** By tenant number - 1; null: its workload is not there. */
  readonly tenants: readonly (TenantUse | null)[];
  readonly host?: HostUse;
}

const CALM: Required<HostUse> = {
  suffers: false,
  busyShare: 0.5,
  load1: 2,
  availableShare: 0.5,
  cpuWait: 0,
  memoryWait: 0,
};
const SUFFERING: HostUse = { busyShare: 0.99, load1: 12, availableShare: 0.02, cpuWait: 0.8, memoryWait: 0.4 };

export function buildSampleWindow(options: SampleWindowOptions): Window {
  const { startMs = 0, windowMs = 5000, tenants, host = {} } = options;
  const window = new Window(sampleShape(tenants.length));
  window.open(startMs);
  window.close(startMs + windowMs, 0, 0);
  setHost(window, { ...CALM, ...(host.suffers === true ? SUFFERING : {}), ...host });
  tenants.forEach((use, i) => use !== null && setTenant(window, i + 1, use));
  return window;
}

function setHost({ samples, seconds }: Window, host: Required<HostUse>): void {
  const { busyShare, load1, availableShare, cpuWait, memoryWait } = host;
  const usedBytes = scaled(availableShare === null ? null : 1 - availableShare, HOST_BYTES);
  samples.set(HOST_ROW, 'cpuSeconds', scaled(busyShare, HOST_CORES * seconds));
  samples.set(HOST_ROW, 'cpuLimitCores', HOST_CORES);
  samples.set(HOST_ROW, 'memoryBytes', usedBytes);
  samples.set(HOST_ROW, 'workingSetBytes', usedBytes);
  samples.set(HOST_ROW, 'memoryLimitBytes', HOST_BYTES);
  samples.set(HOST_ROW, 'cpuWaitSeconds', scaled(cpuWait, seconds));
  samples.set(HOST_ROW, 'memoryWaitSeconds', scaled(memoryWait, seconds));
  samples.set(HOST_ROW, 'load1', load1);
}

function setTenant({ samples, seconds }: Window, number: number, use: TenantUse): void {
  const { cpuCores = 0, cpuLimitCores = null, memoryBytes = 0, memoryLimitBytes = null, oomKills = 0 } = use;
  const { throttled = 0, cpuWait = 0, memoryWait = 0 } = use;
  samples.set(number, 'cpuSeconds', scaled(cpuCores, seconds));
  samples.set(number, 'cpuLimitCores', cpuLimitCores ?? Infinity);
  samples.set(number, 'throttledSeconds', scaled(throttled, seconds));
  samples.set(number, 'memoryBytes', use.allMemoryBytes ?? scaled(memoryBytes, 1.5));
  samples.set(number, 'workingSetBytes', memoryBytes);
  samples.set(number, 'memoryLimitBytes', memoryLimitBytes ?? Infinity);
  samples.set(number, 'oomKills', oomKills);
  samples.set(number, 'cpuWaitSeconds', scaled(cpuWait, seconds));
  samples.set(number, 'memoryWaitSeconds', scaled(memoryWait, seconds));
}

const scaled = (value: number | null, factor: number): number | null => (value === null ? null : value * factor);
