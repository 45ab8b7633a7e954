/**
 * Names carpet bombs: a tenant's addresses together are sent far more than one of them may be, and none of them most of it; or a tenant
 * does it to a prefix of somebody else's.
 */
import { z } from 'zod';
import { count } from '../config/units.ts';
import {
  FRAGMENT,
  ICMP,
  OTHER,
  TCP_ACK,
  TCP_FIN,
  TCP_ODD,
  TCP_RST,
  TCP_SYN,
  TCP_SYN_ACK,
  UDP,
} from '../metering/decodeResult.ts';
import { INBOUND, OUTBOUND, type Window } from '../metering/window.ts';
import type { Detector, DetectorContext, DetectorDefinition, Finding, Json, Reading, Signature } from './detector.ts';
import { type Carpet, mainSender, outboundCarpet, sendsToMany } from './shared/carpet.ts';
import { rateSeconds, tenantEvidence, trustInSilence } from './shared/evidence.ts';
import { trafficOptions } from './shared/options.ts';

const signature: Signature = {
  id: 'carpetBomb',
  detector: 'carpetBomb',
  clause: 'network.disruption',
  title: 'Many addresses of one network together are flooded, each of them thinly.',
  unit: 'packets/s',
  entry: { windows: 2, of: 3, atOnce: 2 },
  leaveBelow: 0.7,
};

const CRITICAL = 5;
/** With fewer each is flooded enough to be named by itself. */
const LEAST_TARGETS = 16;
/** The share that one address has at most. */
const MOST_OF_ONE = 0.25;
/** SYNs that nobody completes and pings are worth so many datagrams, as in the floods of one address. */
const RARE_WEIGHT = 20;
/** The share that a sweeper has of what it sends, and how fast it is, packets/s. */
const SWEEPER_SHARE = 0.8;
const FASTEST_SWEEP = 10_000;

const config = z
  .strictObject({
    ...trafficOptions('reports'),
    packetsPerSecond: count(1)
      .default(20_000)
      .describe(
        'packets a second at all addresses of a tenant that belong to no conversation; of SYNs and pings a twentieth',
      ),
  })
  .prefault({});

export const carpetBomb: DetectorDefinition<z.output<typeof config>> = {
  id: signature.id,
  observes: ['packets', 'flows'],
  config,
  thresholds: [{ signature, option: 'packetsPerSecond', least: 1000 }],
  create: ({ packetsPerSecond }, context) => new CarpetBombDetector(packetsPerSecond, context),
};

/** A sort of flood, by the tenant's rows alone: what comes in beyond what goes out. */
interface Sort {
  readonly type: string;
  readonly weight: number;
  readonly kinds: readonly number[];
  unasked(inbound: (kind: number) => number, outbound: (kind: number) => number): number;
}

const beyond =
  (kind: number) =>
  (inbound: (kind: number) => number, outbound: (kind: number) => number): number =>
    inbound(kind) - outbound(kind);

const SORTS: readonly Sort[] = [
  { type: 'udp', weight: 1, kinds: [UDP], unasked: beyond(UDP) },
  {
    type: 'syn',
    weight: RARE_WEIGHT,
    kinds: [TCP_SYN],
    // A connection that is completed brings two more at least.
    unasked: (inbound) => inbound(TCP_SYN) - (inbound(TCP_ACK) + inbound(TCP_FIN)) / 2,
  },
  { type: 'icmp', weight: RARE_WEIGHT, kinds: [ICMP], unasked: beyond(ICMP) },
  { type: 'fragment', weight: RARE_WEIGHT, kinds: [FRAGMENT], unasked: beyond(FRAGMENT) },
  {
    type: 'tcp',
    weight: RARE_WEIGHT,
    kinds: [TCP_SYN_ACK, TCP_RST, TCP_ODD],
    unasked: (inbound, outbound) =>
      inbound(TCP_SYN_ACK) + inbound(TCP_RST) + inbound(TCP_ODD) - outbound(TCP_SYN) - outbound(TCP_ACK),
  },
  { type: 'other', weight: 1, kinds: [OTHER], unasked: beyond(OTHER) },
];

interface Load {
  readonly sort: Sort;
  readonly packets: number;
}

class CarpetBombDetector implements Detector {
  readonly id = signature.id;
  readonly signatures = [signature];
  readonly #threshold: number;
  readonly #context: DetectorContext;

  constructor(threshold: number, context: DetectorContext) {
    this.#threshold = threshold;
    this.#context = context;
  }

  observe(window: Window): Finding[] {
    return [...this.#inbound(window), ...this.#outbound(window)];
  }

  #inbound(window: Window): Finding[] {
    const least = this.#threshold * rateSeconds(window) * signature.leaveBelow;
    return this.#context.tenants.flatMap(({ id }, index) => {
      const load = heaviest(window, index + 1);
      if (load.packets * load.sort.weight < least) return [];
      if (whyNot(window, index + 1, load) !== null) return [];
      const rate = load.packets / rateSeconds(window);
      const threshold = this.#threshold / load.sort.weight;
      return [
        {
          signature,
          tenant: id,
          direction: 'inbound',
          offender: null,
          victim: id,
          severity: rate >= CRITICAL * threshold ? 'critical' : 'warning',
          confidence: Math.round(0.9 * trustInSilence(window) * 100) / 100,
          value: Math.round(rate),
          threshold,
          level: Math.round(rate * load.sort.weight),
          evidence: { ...tenantEvidence(window, index + 1, 'inbound'), type: load.sort.type },
        },
      ];
    });
  }

  /** Of datagrams alone: SYNs and pings to many are a sweep. */
  #outbound(window: Window): Finding[] {
    const seconds = rateSeconds(window);
    const suspects = this.#context.tenants.flatMap(({ id }, index) => {
      const packets = sentInVain(window, index + 1);
      return packets < this.#threshold * seconds * signature.leaveBelow ? [] : [{ id, number: index + 1, packets }];
    });
    if (suspects.length === 0) return [];
    const carpet = outboundCarpet(window, this.#context.hashSeed);
    return suspects.flatMap(({ id, number, packets }): Finding[] => {
      const value = Math.round(Math.min(packets, carpet.packets) / seconds);
      if (value < this.#threshold * signature.leaveBelow || whyNoCarpet(window, number, carpet) !== null) return [];
      return [
        {
          signature,
          tenant: id,
          direction: 'outbound',
          offender: mainSender(window, number, packets) ?? id,
          victim: null,
          severity: value >= CRITICAL * this.#threshold ? 'critical' : 'warning',
          confidence: Math.round(0.9 * trustInSilence(window) * 100) / 100,
          value,
          threshold: this.#threshold,
          evidence: { ...tenantEvidence(window, number, 'outbound'), type: 'udp' },
        },
      ];
    });
  }

  explain(window: Window, tenant: number): Reading[] {
    return [...this.#explainInbound(window, tenant), ...this.#explainOutbound(window, tenant)];
  }

  #explainOutbound(window: Window, tenant: number): Reading[] {
    const carpet = outboundCarpet(window, this.#context.hashSeed);
    const packets = sentInVain(window, tenant);
    const value = Math.round(Math.min(packets, carpet.packets) / rateSeconds(window));
    const threshold = this.#threshold;
    const reason = value >= threshold * signature.leaveBelow ? whyNoCarpet(window, tenant, carpet) : null;
    const offender = mainSender(window, tenant, packets) ?? this.#context.tenants[tenant - 1]?.id ?? null;
    return [{ signature, direction: 'outbound', offender, victim: null, value, threshold, reason }];
  }

  #explainInbound(window: Window, tenant: number): Reading[] {
    const load = heaviest(window, tenant);
    const [threshold, value] = [this.#threshold / load.sort.weight, Math.round(load.packets / rateSeconds(window))];
    const victim = this.#context.tenants[tenant - 1]?.id ?? null;
    const reason = value >= threshold * signature.leaveBelow ? whyNot(window, tenant, load) : null;
    return [{ signature, direction: 'inbound', offender: null, victim, value, threshold, reason }];
  }

  save(): Json {
    return null;
  }

  restore(): void {}
}

/** Datagrams of a tenant's beyond those that come back. */
const sentInVain = (window: Window, tenant: number): number =>
  Math.max(window.tenantPackets(tenant, OUTBOUND, UDP) - window.tenantPackets(tenant, INBOUND, UDP), 0);

/** Why it is no carpet of this tenant's. */
function whyNoCarpet(window: Window, tenant: number, { targets, isOnePrefix }: Carpet): string | null {
  if (targets < LEAST_TARGETS) return `${targets} addresses are too few`;
  if (!isOnePrefix) return 'it goes to many networks';
  return sendsToMany(window, tenant, LEAST_TARGETS) ? null : 'others send to these addresses';
}

/** The sort of which most comes in, measured by its weight. */
function heaviest(window: Window, tenant: number): Load {
  const inbound = (kind: number): number => window.tenantPackets(tenant, INBOUND, kind);
  const outbound = (kind: number): number => window.tenantPackets(tenant, OUTBOUND, kind);
  const loads = SORTS.map((sort): Load => ({ sort, packets: Math.max(sort.unasked(inbound, outbound), 0) }));
  return loads.reduce((most, load) =>
    load.packets * load.sort.weight > most.packets * most.sort.weight ? load : most,
  );
}

/** Sorts that a scan of many hosts brings: its probes, and the resets of what was answered. */
const SCANNED: ReadonlySet<string> = new Set(['syn', 'tcp', 'icmp']);

/** Whether one address, that is no tenant's, sends half of so many packets. */
function isOfOne({ sources }: Window, packets: number): boolean {
  return sources.used().some((line) => sources.tenant(line) === 0 && sources.packets(line) >= packets / 2);
}

/** Why it is no carpet: one address has much of it, or there are too few of them. */
function whyNot(window: Window, tenant: number, { sort, packets }: Load): string | null {
  const { targets } = window;
  let most = 0;
  let hit = 0;
  let seen = 0;
  for (const line of targets.used()) {
    if (targets.tenant(line) !== tenant) continue;
    const own = sort.kinds.reduce((sum, kind) => sum + window.targetPackets(line, kind), 0);
    if (own === 0) continue;
    hit += 1;
    seen += own;
    most = Math.max(most, own);
  }
  if (most > packets * MOST_OF_ONE) return 'one address receives most of it';
  if (SCANNED.has(sort.type) && isOfOne(window, packets)) return 'one address sends most of it: a scan';
  // Addresses that receive one packet in a window have no line: that is thin indeed.
  if (hit < LEAST_TARGETS && seen > packets / 2) return `${hit} addresses are too few`;
  return isSweep(window, packets, sort) ? 'one address sweeps them' : null;
}

/** From one address, and not faster than a scanner is: hostSweep's business. */
function isSweep(window: Window, packets: number, { weight }: Sort): boolean {
  if (weight === 1 || packets > FASTEST_SWEEP * rateSeconds(window)) return false;
  const { sources } = window;
  return sources.used().some((line) => sources.packets(line) >= packets * SWEEPER_SHARE);
}
