/** A snapshot to alter: one interface that is up, tenant acme, all well. */
import type { Overview } from '../../daemon/status/answers.ts';
import { Archive, type ArchiveSources } from '../../daemon/status/archive.ts';
import { EventStream } from '../../daemon/status/eventStream.ts';
import type { ApiSources } from '../../daemon/status/routes.ts';
import type { InterfaceStatus, LimitStatus, StatusSnapshot, TenantStatus } from '../../daemon/status/snapshot.ts';

export function testInterface(changes: Partial<InterfaceStatus> = {}): InterfaceStatus {
  return {
    name: 'eth0',
    faces: 'internet',
    tenant: null,
    state: 'up',
    received: 1_234_567,
    dropped: 0,
    lossRatio: 0,
    reattached: 0,
    lastPacketAt: '2026-03-01T10:00:12.990Z',
    lastWindowAt: '2026-03-01T10:00:12.750Z',
    packetsPerSecond: 52_104,
    bitsPerSecond: 26_677_248,
    malformed: {},
    evicted: { targets: 0, sources: 0 },
    workerRestarts: 0,
    captureProcess: null,
    link: { speedBps: 1e9, isFullDuplex: true, mtuBytes: 1500, isPromiscuous: false },
    onlySees: null,
    clock: { jumps: 0, lastJumpSeconds: null, lastJumpAt: null },
    unseen: { bytes: 0, packets: 0 },
    ...changes,
  };
}

export function testTenant(changes: Partial<TenantStatus> = {}): TenantStatus {
  return {
    id: 'acme',
    inbound: { packetsPerSecond: 52_000, bitsPerSecond: 26_600_000 },
    outbound: { packetsPerSecond: 104, bitsPerSecond: 77_248 },
    plan: { portBps: 100e6, guaranteed: false, thresholdBps: 80e6, thresholdPacketsPerSecond: null, limitBps: 20e6 },
    limit: null,
    workload: null,
    openIncidents: 0,
    ...changes,
  };
}

export function testSnapshot(changes: Partial<StatusSnapshot> = {}): StatusSnapshot {
  return {
    version: '0.1.0',
    startedAt: '2026-03-01T06:48:13.000Z',
    now: '2026-03-01T10:00:13.000Z',
    uptimeSeconds: 11_520,
    config: '/etc/weir/weir.yaml',
    reload: null,
    enforcement: { mode: 'observe', queues: null, stoppedAt: null, error: null },
    interfaces: [testInterface()],
    collector: null,
    host: null,
    tenants: [testTenant()],
    incidents: [],
    incidentCounters: { opened: 3, closed: 1, suppressed: 0, candidatesEvicted: 0 },
    limits: [],
    alertmanager: [],
    store: null,
    detectors: [{ id: 'synFlood', mode: 'observe' }],
    self: { rssBytes: 187_654_321, cpuSeconds: 42.5, eventLoopDelayP99Ms: 11.2 },
    ...changes,
  };
}

const queue = { packets: 1000, bytes: 200_000, drops: 0 };

/** Of acme, 20 Mbit/s, in force for a quarter of an hour. */
export function testLimit(changes: Partial<LimitStatus> = {}): LimitStatus {
  const direction = { offered: { packets: 51_000, bytes: 70_000_000 }, voice: queue };
  return {
    tenant: 'acme',
    direction: null,
    rateBps: 20e6,
    state: 'inForce',
    reason: 'outbound bandwidthThreshold, incident bt-1',
    since: '2026-03-01T09:58:13.000Z',
    until: '2026-03-01T10:13:13.000Z',
    by: null,
    incident: 'bt-1',
    offeredBps: 27_000_000,
    callsUp: null,
    outbound: { ...direction, bulk: { packets: 40_000, bytes: 52_000_000, drops: 10_000 } },
    inbound: { ...direction, bulk: { packets: 50_000, bytes: 69_000_000, drops: 0 } },
    ...changes,
  };
}

/** What is in memory: tenant acme, and nothing that has been, unless there is something to read. */
export const testArchive = (changes: Partial<ArchiveSources> = {}): Archive =>
  new Archive({
    reader: null,
    tenants: () => [{ id: 'acme', addresses: ['192.0.2.0/28'], macs: [], plan: PLAN }],
    open: () => [],
    closed: () => [],
    limits: () => [testLimit()],
    tenantStatuses: () => [testTenant()],
    hasEvidence: async () => false,
    ...changes,
  });

const PLAN = { portBps: 100e6, guaranteed: false, threshold: null, limitBps: 20e6 };

export const testOverview = (changes: Partial<Overview> = {}): Overview => ({
  now: '2026-03-01T10:00:13.000Z',
  health: { status: 'ok' },
  interfaces: [],
  openIncidents: 0,
  limits: 0,
  tenants: [testTenant()],
  ...changes,
});

/** A daemon that has nothing to tell but its snapshot. */
export const testSources = (changes: Partial<ApiSources> = {}): ApiSources => ({
  snapshot: () => testSnapshot(),
  vitals: () => testSnapshot(),
  archive: testArchive(),
  events: new EventStream({ overview: () => testOverview() }),
  evidence: async () => null,
  explain: async (tenant) => ({ status: 404, error: `no tenant has the id ${tenant}` }),
  metrics: async () => 'weir_build_info 1\n',
  ...changes,
});
