/** Puts the status snapshot together from what the parts know; pure but for the process' own memory and CPU time. */

import type { Link } from '../../probes/link.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import type { AlertmanagerStatus } from '../alerting/receiver.ts';
import type { Config } from '../config/config.ts';
import type { Incident } from '../incidents/incident.ts';
import type { IncidentCounters } from '../incidents/incidents.ts';
import { INBOUND, OUTBOUND } from '../metering/window.ts';
import type { StoreState } from '../store/store.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { version } from '../version.ts';
import { type CollectorSource, collectorStatus, collectorVitals } from './collectorStatus.ts';
import type { Observations } from './observations.ts';
import type { Overview } from './answers.ts';
import { byRate } from './archive.ts';
import { assessHealth } from './health.ts';
import { hostStatus, type SamplingSource, workloadStatuses } from './hostStatus.ts';
import { storeStatus } from './storeStatus.ts';
import type {
  EnforcementStatus,
  InterfaceStatus,
  LimitStatus,
  ReloadStatus,
  SelfStatus,
  StatusSnapshot,
  TenantStatus,
  Vitals,
} from './snapshot.ts';

/** Of node:perf_hooks' monitorEventLoopDelay, in nanoseconds. */
interface LoopDelay {
  percentile(percentile: number): number;
}

export interface VitalSources {
  readonly config: Config;
  readonly startedMs: Milliseconds;
  readonly nowMs: Milliseconds;
  readonly captures: ReadonlyMap<string, { readonly state: InterfaceStatus['state']; readonly restarts: number }>;
  readonly observations: Observations;
  /** null: none is configured. */
  readonly collection: CollectorSource | null;
  readonly links: ReadonlyMap<string, Link>;
}

export interface SnapshotSources extends VitalSources {
  readonly configPath: string | null;
  readonly reload: ReloadStatus | null;
  readonly open: readonly Incident[];
  readonly closed: readonly Incident[];
  readonly incidentCounters: IncidentCounters;
  readonly limits: readonly LimitStatus[];
  readonly enforcement: EnforcementStatus;
  readonly alertmanager: readonly AlertmanagerStatus[];
  /** null: the configuration wants none. */
  readonly store: StoreState | null;
  readonly loopDelay: LoopDelay;
  /** null: nobody samples CPU and memory. */
  readonly sampling: SamplingSource | null;
}

export function takeSnapshot(sources: SnapshotSources): StatusSnapshot {
  const { config, configPath, startedMs, nowMs, open, closed, incidentCounters, limits, alertmanager } = sources;
  return {
    version,
    ...takeVitals(sources),
    collector: sources.collection === null ? null : collectorStatus(sources.collection, config.detectors),
    uptimeSeconds: Math.round((nowMs - startedMs) / 1000),
    config: configPath,
    reload: sources.reload,
    enforcement: sources.enforcement,
    host: sources.sampling === null ? null : hostStatus(sources.sampling, nowMs),
    tenants: takeTenants(sources),
    incidents: [...open, ...closed],
    incidentCounters,
    limits,
    alertmanager,
    store: sources.store && storeStatus(sources.store),
    detectors: Object.entries(config.detectors).map(([id, { mode }]) => ({ id, mode })),
    self: selfOf(sources.loopDelay),
  };
}

export function takeVitals(sources: VitalSources): Vitals {
  return {
    startedAt: new Date(sources.startedMs).toISOString(),
    now: new Date(sources.nowMs).toISOString(),
    interfaces: interfacesOf(sources),
    collector: sources.collection === null ? null : collectorVitals(sources.collection),
  };
}

function interfacesOf({ config, captures, observations, links, nowMs }: VitalSources): InterfaceStatus[] {
  return config.interfaces.map(({ name, faces, tenant }) => ({
    name,
    faces,
    tenant,
    state: captures.get(name)?.state ?? 'dead',
    workerRestarts: captures.get(name)?.restarts ?? 0,
    link: links.get(name) ?? null,
    ...observations.interfaceCounters(name, nowMs),
  }));
}

export type TenantSources = Pick<SnapshotSources, 'config' | 'observations' | 'limits' | 'open' | 'sampling' | 'nowMs'>;

export function takeTenants({ config, observations, limits, open, sampling, nowMs }: TenantSources): TenantStatus[] {
  const ids = config.tenants.map(({ id }) => id);
  const workloads = sampling === null ? null : workloadStatuses(config.workloads, sampling, ids, nowMs);
  const openByTenant = Map.groupBy(open, ({ tenant }) => tenant);
  const limitByTenant = new Map(limits.map((limit) => [limit.tenant, limit]));
  return config.tenants.map(({ id, plan }: Tenant, i) => ({
    id,
    inbound: observations.tenantRate(i + 1, INBOUND, nowMs),
    outbound: observations.tenantRate(i + 1, OUTBOUND, nowMs),
    plan: {
      portBps: plan.portBps,
      guaranteed: plan.guaranteed,
      thresholdBps: plan.threshold?.rateBps ?? null,
      thresholdPacketsPerSecond: plan.threshold?.packetsPerSecond ?? null,
      limitBps: plan.limitBps,
    },
    limit: limitByTenant.get(id) ?? null,
    workload: workloads?.get(id) ?? null,
    openIncidents: openByTenant.get(id)?.length ?? 0,
  }));
}

const MOST_TENANTS = 20;

/** What is told every second. */
export function takeOverview(sources: VitalSources & TenantSources): Overview {
  const vitals = takeVitals(sources);
  return {
    now: vitals.now,
    health: assessHealth(vitals),
    interfaces: vitals.interfaces.map(({ name, state, packetsPerSecond, bitsPerSecond, lossRatio }) => ({
      name,
      state,
      packetsPerSecond,
      bitsPerSecond,
      lossRatio,
    })),
    openIncidents: sources.open.length,
    limits: sources.limits.length,
    tenants: takeTenants(sources).toSorted(byRate).slice(0, MOST_TENANTS),
  };
}

function selfOf(loopDelay: LoopDelay): SelfStatus {
  const { user, system } = process.cpuUsage();
  const delayMs = loopDelay.percentile(99) / 1e6;
  return {
    rssBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    eventLoopDelayP99Ms: Number.isFinite(delayMs) ? Math.round(delayMs * 10) / 10 : null,
  };
}
