/** What the windows add up to since the start, per interface and per tenant: the counters behind the metrics and the status. */
import { DECODE_REASONS, PACKET_KINDS } from '../metering/decodeResult.ts';
import { ROW, rowBytes, rowPackets, type Window } from '../metering/window.ts';
import type { AccountsFor } from '../tenants/accounting.ts';

export interface InterfaceTotals {
  frames: number;
  /** null: cannot be known. */
  droppedFrames: number | null;
  packets: number;
  bytes: number;
  windows: number;
  evictedTargets: number;
  evictedSources: number;
  /** Busy targets that were not looked at closely, for all places were taken. */
  refusedDetails: number;
  /** Frames by decode reason. */
  readonly malformed: Float64Array;
}

export class TrafficTotals {
  readonly interfaces = new Map<string, InterfaceTotals>();
  /** Rows by (tenant number * 2 + direction), as in a window. */
  readonly tenants: Float64Array;
  readonly #tenantCount: number;
  readonly #accountsFor: AccountsFor;

  constructor(tenantCount: number, accountsFor: AccountsFor) {
    this.tenants = new Float64Array((tenantCount + 1) * 2 * ROW);
    this.#tenantCount = tenantCount;
    this.#accountsFor = accountsFor;
  }

  /** Adds a closed window up; some tens of microseconds at 1,000 tenants. */
  observeWindow(observationPoint: string, window: Window): void {
    addInterface(this.#interface(observationPoint), window);
    this.observeTenants(observationPoint, window);
  }

  /** Adds up what the window says of tenants that are counted at this observation point. */
  observeTenants(observationPoint: string, window: Window): void {
    const { tenants } = this;
    for (let tenant = 1; tenant <= this.#tenantCount; tenant++) {
      if (!this.#accountsFor(tenant, observationPoint)) continue;
      const end = (tenant + 1) * 2 * ROW;
      for (let i = tenant * 2 * ROW; i < end; i++) tenants[i]! += window.tenants[i]!;
    }
  }

  #interface(name: string): InterfaceTotals {
    const known = this.interfaces.get(name);
    if (known !== undefined) return known;
    const counts = {
      frames: 0,
      droppedFrames: null,
      packets: 0,
      bytes: 0,
      windows: 0,
      evictedTargets: 0,
      evictedSources: 0,
      refusedDetails: 0,
    };
    const totals = { ...counts, malformed: new Float64Array(DECODE_REASONS.length) };
    this.interfaces.set(name, totals);
    return totals;
  }
}

function addInterface(totals: InterfaceTotals, window: Window): void {
  totals.frames += window.received;
  if (window.dropped !== null) totals.droppedFrames = (totals.droppedFrames ?? 0) + window.dropped;
  totals.packets += rowPackets(window.totals, 0);
  totals.bytes += rowBytes(window.totals, 0);
  totals.windows += 1;
  totals.evictedTargets += window.targets.evictions;
  totals.evictedSources += window.sources.evictions;
  totals.refusedDetails += window.details.refused;
  for (let reason = 0; reason < DECODE_REASONS.length; reason++)
    totals.malformed[reason]! += window.malformed[reason] ?? 0;
}

/** The kinds of packets, in groups few enough to be a metric's label. */
export const KIND_GROUPS = ['tcp', 'syn', 'udp', 'icmp', 'other'] as const;
export type KindGroup = (typeof KIND_GROUPS)[number];

const GROUP_OF_KIND: Readonly<Record<(typeof PACKET_KINDS)[number], KindGroup>> = {
  udp: 'udp',
  tcpAck: 'tcp',
  tcpSyn: 'syn',
  tcpSynAck: 'tcp',
  icmp: 'icmp',
  fragment: 'other',
  tcpRst: 'tcp',
  tcpFin: 'tcp',
  tcpOdd: 'tcp',
  other: 'other',
  ipv6Extension: 'other',
  neighbour: 'icmp',
};

/** Packets of a row by group. */
export function packetsByGroup(rows: Float64Array, row: number): Record<KindGroup, number> {
  const groups = { tcp: 0, syn: 0, udp: 0, icmp: 0, other: 0 };
  PACKET_KINDS.forEach((kind, lane) => (groups[GROUP_OF_KIND[kind]] += rows[row + lane] ?? 0));
  return groups;
}
