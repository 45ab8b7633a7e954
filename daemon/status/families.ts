/** The list of Weir's metrics: name, help, labels and where each value comes from. A tenant has at most 30 series. */
import type { Milliseconds } from '../../probes/probe.ts';
import { DECODE_REASONS } from '../metering/decodeResult.ts';
import { INBOUND, OUTBOUND, ROW, rowBytes } from '../metering/window.ts';
import { COLLECTOR_FAMILIES } from './collectorFamilies.ts';
import { LIMIT_FAMILIES } from './limitFamilies.ts';
import { HOST_FAMILIES } from './hostFamilies.ts';
import { STORE_FAMILIES } from './storeFamilies.ts';
import type { InterfaceStatus, LimitStatus, StatusSnapshot, TenantStatus } from './snapshot.ts';
import { type InterfaceTotals, KIND_GROUPS, packetsByGroup, type TrafficTotals } from './trafficTotals.ts';

export interface MetricSources {
  readonly snapshot: StatusSnapshot;
  readonly traffic: TrafficTotals;
  /** Ids by tenant number - 1. */
  readonly tenantIds: readonly string[];
  readonly openedByDetector: ReadonlyMap<string, OpenedIncidents>;
}

export interface OpenedIncidents {
  readonly count: number;
  readonly lastId: string;
  readonly lastMs: Milliseconds;
}

/** An incident that was counted. */
interface Exemplar {
  readonly incident: string;
  readonly atMs: Milliseconds;
}

/** Label values in the order of the family's labels, and the value. */
export type Sample = readonly [labels: readonly string[], value: number, exemplar?: Exemplar];

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: readonly string[];
  readonly samples: (sources: MetricSources) => readonly Sample[];
}

const DIRECTIONS = [
  ['outbound', OUTBOUND],
  ['inbound', INBOUND],
] as const;

export const METRIC_FAMILIES: readonly MetricFamily[] = [
  ...COLLECTOR_FAMILIES,
  ...HOST_FAMILIES,
  ...STORE_FAMILIES,
  {
    name: 'weir_build_info',
    help: 'The version that runs; always 1.',
    type: 'gauge',
    labels: ['version'],
    samples: ({ snapshot }) => [[[snapshot.version], 1]],
  },
  {
    name: 'weir_config_last_reload_successful',
    help: 'Whether the last configuration that was to be reloaded was taken up; 1 where there was none.',
    type: 'gauge',
    labels: [],
    samples: ({ snapshot }) => [[[], Number((snapshot.reload?.refused ?? null) === null)]],
  },
  {
    name: 'weir_interface_up',
    help: 'Whether the interface is there and watched.',
    type: 'gauge',
    labels: ['interface'],
    samples: ofInterfaces(({ state }) => (state === 'up' ? 1 : 0)),
  },
  {
    name: 'weir_interface_reattachments_total',
    help: 'How often an interface was attached again, after it was deleted and made anew.',
    type: 'counter',
    labels: ['interface'],
    samples: ofInterfaces(({ reattached }) => reattached),
  },
  {
    name: 'weir_interface_worker_restarts_total',
    help: 'How often the worker of an interface had to be restarted.',
    type: 'counter',
    labels: ['interface'],
    samples: ofInterfaces(({ workerRestarts }) => workerRestarts),
  },
  {
    name: 'weir_interface_windows_total',
    help: 'Windows of metering; a watched interface gives 4 a second.',
    type: 'counter',
    labels: ['interface'],
    samples: ofTotals(({ windows }) => windows),
  },
  {
    name: 'weir_interface_received_frames_total',
    help: 'Frames that the kernel handed over; a super-packet is one.',
    type: 'counter',
    labels: ['interface'],
    samples: ofTotals(({ frames }) => frames),
  },
  {
    name: 'weir_interface_dropped_frames_total',
    help: 'Frames that the kernel dropped before they were read; absent where it cannot be known.',
    type: 'counter',
    labels: ['interface'],
    samples: ofTotals(({ droppedFrames }) => droppedFrames),
  },
  {
    name: 'weir_interface_packets_total',
    help: 'IP packets as they were on the wire.',
    type: 'counter',
    labels: ['interface'],
    samples: ofTotals(({ packets }) => packets),
  },
  {
    name: 'weir_interface_bytes_total',
    help: 'Bytes of IP packets, from layer 2 on, without FCS.',
    type: 'counter',
    labels: ['interface'],
    samples: ofTotals(({ bytes }) => bytes),
  },
  {
    name: 'weir_interface_malformed_frames_total',
    help: 'Frames that could not be read to the end, by reason; a reason appears when it first happens.',
    type: 'counter',
    labels: ['interface', 'reason'],
    samples: ({ traffic }) => [...traffic.interfaces].flatMap(([name, totals]) => malformedSamples(name, totals)),
  },
  {
    name: 'weir_interface_evicted_entries_total',
    help: 'Addresses that a full table gave up, or (details) had no place for.',
    type: 'counter',
    labels: ['interface', 'table'],
    samples: ({ traffic }) =>
      [...traffic.interfaces].flatMap(([name, { evictedTargets, evictedSources, refusedDetails }]) => [
        [[name, 'targets'], evictedTargets],
        [[name, 'sources'], evictedSources],
        [[name, 'details'], refusedDetails],
      ]),
  },
  {
    name: 'weir_probe_capture_process_restarts_total',
    help: 'How often the process that captures had to be started again; absent where the worker captures itself.',
    type: 'counter',
    labels: ['interface'],
    samples: ofInterfaces(({ captureProcess }) => captureProcess?.restarts ?? null),
  },
  {
    name: 'weir_probe_last_packet_timestamp_seconds',
    help: 'Time of the last packet, by its own stamp; absent before the first.',
    type: 'gauge',
    labels: ['interface'],
    samples: ofInterfaces(({ lastPacketAt }) => (lastPacketAt === null ? null : Date.parse(lastPacketAt) / 1000)),
  },
  {
    name: 'weir_probe_link_bytes_per_second',
    help: 'Speed of the link; absent where it is not known, as of virtual interfaces.',
    type: 'gauge',
    labels: ['interface'],
    samples: ofInterfaces(({ link }) => bytesPerSecond(link?.speedBps ?? null)),
  },
  {
    name: 'weir_probe_only_sees',
    help: 'Whether only this direction of the traffic seems to be shown: a mirror of one way, or asymmetric routes.',
    type: 'gauge',
    labels: ['interface', 'direction'],
    samples: ({ snapshot }) =>
      snapshot.interfaces.flatMap(({ name, onlySees }) =>
        DIRECTIONS.map(([direction]) => [[name, direction], Number(onlySees?.direction === direction)] as const),
      ),
  },
  {
    name: 'weir_probe_clock_jumps_total',
    help: 'Windows in which the clock was set, forward or back.',
    type: 'counter',
    labels: ['interface'],
    samples: ofInterfaces(({ clock }) => clock.jumps),
  },
  {
    name: 'weir_probe_unseen_bytes_total',
    help: "Bytes by the kernel's counters that were neither captured nor counted as dropped; absent before it is known.",
    type: 'counter',
    labels: ['interface'],
    samples: ofInterfaces(({ unseen }) => unseen.bytes),
  },
  {
    name: 'weir_tenant_packets_total',
    help: 'IP packets of a tenant; kind tcp is without its connection requests, which are syn.',
    type: 'counter',
    labels: ['tenant', 'direction', 'kind'],
    samples: ofTenantRows((labels, rows, row) => {
      const groups = packetsByGroup(rows, row);
      return KIND_GROUPS.map((kind) => [[...labels, kind], groups[kind]]);
    }),
  },
  {
    name: 'weir_tenant_bytes_total',
    help: 'Bytes of IP packets of a tenant, from layer 2 on, without FCS.',
    type: 'counter',
    labels: ['tenant', 'direction'],
    samples: ofTenantRows((labels, rows, row) => [[labels, rowBytes(rows, row)]]),
  },
  {
    name: 'weir_tenant_port_bytes_per_second',
    help: "Speed of the port in the tenant's plan; absent where it is not known.",
    type: 'gauge',
    labels: ['tenant'],
    samples: ofTenants(({ plan }) => bytesPerSecond(plan.portBps)),
  },
  {
    name: 'weir_tenant_threshold_bytes_per_second',
    help: "Bandwidth threshold in the tenant's plan; absent where there is none.",
    type: 'gauge',
    labels: ['tenant'],
    samples: ofTenants(({ plan }) => bytesPerSecond(plan.thresholdBps)),
  },
  {
    name: 'weir_tenant_threshold_packets_per_second',
    help: "Packet rate threshold in the tenant's plan; absent where there is none.",
    type: 'gauge',
    labels: ['tenant'],
    samples: ofTenants(({ plan }) => plan.thresholdPacketsPerSecond),
  },
  {
    name: 'weir_tenant_limit_bytes_per_second',
    help: "What the tenant's port is limited to now; absent where it is not limited.",
    type: 'gauge',
    labels: ['tenant'],
    samples: ofTenants(({ limit }) => (limit?.state === 'inForce' ? bytesPerSecond(limit.rateBps) : null)),
  },
  {
    name: 'weir_tenant_open_incidents',
    help: 'Open incidents of a tenant.',
    type: 'gauge',
    labels: ['tenant'],
    samples: ofTenants(({ openIncidents }) => openIncidents),
  },
  {
    name: 'weir_incidents_opened_total',
    help: 'Incidents opened, by detector; the last one is its exemplar.',
    type: 'counter',
    labels: ['detector'],
    samples: ({ snapshot, openedByDetector }) =>
      snapshot.detectors.map(({ id }): Sample => {
        const opened = openedByDetector.get(id);
        if (opened === undefined) return [[id], 0];
        return [[id], opened.count, { incident: opened.lastId, atMs: opened.lastMs }];
      }),
  },
  {
    name: 'weir_open_incidents',
    help: 'Incidents open now, by detector.',
    type: 'gauge',
    labels: ['detector'],
    samples: ({ snapshot }) => {
      const open = Map.groupBy(snapshot.incidents, ({ state, detector }) => (state === 'open' ? detector : ''));
      return snapshot.detectors.map(({ id }) => [[id], open.get(id)?.length ?? 0]);
    },
  },
  {
    name: 'weir_incidents_suppressed_total',
    help: 'Incidents that were not opened because incidents.maxOpen were open.',
    type: 'counter',
    labels: [],
    samples: ({ snapshot }) => [[[], snapshot.incidentCounters.suppressed]],
  },
  {
    name: 'weir_incident_candidates_evicted_total',
    help: 'Candidates for an incident that were forgotten because there were too many.',
    type: 'counter',
    labels: [],
    samples: ({ snapshot }) => [[[], snapshot.incidentCounters.candidatesEvicted]],
  },
  {
    name: 'weir_limits',
    help: 'Limits by state.',
    type: 'gauge',
    labels: ['state'],
    samples: ({ snapshot }) => {
      const states: readonly LimitStatus['state'][] = ['pending', 'inForce', 'observed', 'exempt', 'failed'];
      return states.map((state) => [[state], snapshot.limits.filter((limit) => limit.state === state).length]);
    },
  },
  ...LIMIT_FAMILIES,
  {
    name: 'weir_alertmanager_up',
    help: 'Whether the Alertmanager accepted the last post; absent before the first.',
    type: 'gauge',
    labels: ['url'],
    samples: ofAlertmanagers(({ ok }) => (ok === null ? null : Number(ok))),
  },
  {
    name: 'weir_alertmanager_sent_alerts_total',
    help: 'Alerts that the Alertmanager accepted; an open one is re-sent.',
    type: 'counter',
    labels: ['url'],
    samples: ofAlertmanagers(({ alertsSent }) => alertsSent),
  },
  {
    name: 'weir_alertmanager_failed_posts_total',
    help: 'Posts that the Alertmanager did not answer, or refused.',
    type: 'counter',
    labels: ['url'],
    samples: ofAlertmanagers(({ postsFailed }) => postsFailed),
  },
  {
    name: 'weir_alertmanager_dropped_alerts_total',
    help: 'Alerts that were never told, because too many were waiting.',
    type: 'counter',
    labels: ['url'],
    samples: ofAlertmanagers(({ alertsDropped }) => alertsDropped),
  },
  {
    name: 'weir_alertmanager_pending_alerts',
    help: 'Openings and closes that the Alertmanager has not accepted yet.',
    type: 'gauge',
    labels: ['url'],
    samples: ofAlertmanagers(({ pending }) => pending),
  },
];

const bytesPerSecond = (bps: number | null): number | null => (bps === null ? null : bps / 8);

/** One sample a thing; null: not known, so there is none. */
const known = (label: string, value: number | null): Sample[] => (value === null ? [] : [[[label], value]]);

function ofInterfaces(value: (status: InterfaceStatus) => number | null) {
  return ({ snapshot }: MetricSources) => snapshot.interfaces.flatMap((each) => known(each.name, value(each)));
}

function ofTotals(value: (totals: InterfaceTotals) => number | null) {
  return ({ traffic }: MetricSources) =>
    [...traffic.interfaces].flatMap(([name, totals]) => known(name, value(totals)));
}

function ofTenants(value: (status: TenantStatus) => number | null) {
  return ({ snapshot }: MetricSources) => snapshot.tenants.flatMap((each) => known(each.id, value(each)));
}

function ofAlertmanagers(value: (status: StatusSnapshot['alertmanager'][number]) => number | null) {
  return ({ snapshot }: MetricSources) => snapshot.alertmanager.flatMap((each) => known(each.url, value(each)));
}

function ofTenantRows(samples: (labels: readonly [string, string], rows: Float64Array, row: number) => Sample[]) {
  return ({ traffic, tenantIds }: MetricSources) =>
    tenantIds.flatMap((id, i) =>
      DIRECTIONS.flatMap(([name, direction]) => samples([id, name], traffic.tenants, ((i + 1) * 2 + direction) * ROW)),
    );
}

function malformedSamples(name: string, { malformed }: InterfaceTotals): Sample[] {
  return DECODE_REASONS.flatMap((reason, i) => {
    const frames = malformed[i] ?? 0;
    return reason === 'none' || frames === 0 ? [] : [[[name, reason], frames] as const];
  });
}
