/** The contracts between what samples CPU and memory and what judges them. Unknown is null, never 0. */
import type { Milliseconds } from './probe.ts';

/** Cumulative counters of a cgroup or of the host, in seconds of stall (Documentation/accounting/psi.rst, `total=`). */
export interface Pressure {
  /** At least one task waited for a processor. */
  readonly cpuSomeSeconds: number | null;
  /** At least one task waited for memory. */
  readonly memorySomeSeconds: number | null;
  /** All tasks waited for memory at once. */
  readonly memoryFullSeconds: number | null;
}

/** One tenant's workload at one moment. Counters run since the cgroup was made. */
export interface WorkloadSample {
  readonly tenant: string;
  /** `absent`: there is no such cgroup now; `unreadable`: it may not be read. Then everything else is null. */
  readonly state: 'running' | 'absent' | 'unreadable';
  /** Tells a cgroup that went away and came back from one that stayed: its counters began anew. */
  readonly incarnation: number;
  readonly cpuSeconds: number | null;
  /** Processors that its quota allows, the tightest of its ancestors too; null: no quota. */
  readonly cpuLimitCores: number | null;
  readonly throttledSeconds: number | null;
  readonly memoryBytes: number | null;
  /** The tightest of its own and its ancestors' limits; null: none. */
  readonly memoryLimitBytes: number | null;
  /** memoryBytes without the inactive page cache. */
  readonly workingSetBytes: number | null;
  readonly oomKills: number | null;
  readonly pressure: Pressure;
}

export interface InterfaceCounters {
  readonly name: string;
  /** Of the kernel, since the interface was made; null: not known. */
  readonly receivedPackets: number | null;
  readonly receivedBytes: number | null;
  readonly receivedDropped: number | null;
  readonly sentPackets: number | null;
  readonly sentBytes: number | null;
}

export interface HostSample {
  readonly cores: number;
  /** Of all processors, not idle, since boot. */
  readonly cpuBusySeconds: number | null;
  readonly load1: number | null;
  readonly memoryTotalBytes: number | null;
  readonly memoryAvailableBytes: number | null;
  readonly swapUsedBytes: number | null;
  readonly pressure: Pressure;
  readonly interfaces: readonly InterfaceCounters[];
}

/** One round over everything. */
export interface Sample {
  readonly atMs: Milliseconds;
  readonly host: HostSample;
  readonly workloads: readonly WorkloadSample[];
  /** There are more cgroups than a search looks at: a workload that is absent may be among them. */
  readonly isSearchCutShort: boolean;
}

/** How a tenant's workload is named in the configuration: exactly one of them. */
export type Workload =
  /** A path below the cgroup mount, as `machine.slice/acme.scope`. */
  | { readonly cgroup: string }
  /** A systemd unit. */
  | { readonly unit: string }
  /** Name or id of a container of docker, podman, LXC or systemd-nspawn; `USER/NAME` of one that a user's engine runs. */
  | { readonly container: string }
  /** All that a user's sessions run, by name or uid: `user-UID.slice`. */
  | { readonly user: string };

/** Never rejects because of one workload: what cannot be read is null. */
export interface SampleProbe {
  sample(): Promise<Sample>;
}
