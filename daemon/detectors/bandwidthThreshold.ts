/** Names a tenant whose mean throughput or packet rate, in one direction, passes the threshold of its plan. */
import { z } from 'zod';
import { type Direction, INBOUND, OUTBOUND, ROW, rowBytes, rowPackets, type Window } from '../metering/window.ts';
import type { BandwidthThreshold, Tenant } from '../tenants/tenant.ts';
import type { Detector, DetectorDefinition, Finding, Json, Reading, Signature } from './detector.ts';
import { tenantEvidence, trust } from './shared/evidence.ts';
import { MeanRate, savedMeanRate } from './shared/meanRate.ts';
import { trafficOptions } from './shared/options.ts';

const byBits: Signature = {
  id: 'bandwidthThreshold',
  detector: 'bandwidthThreshold',
  clause: 'network.throughput',
  title: 'The mean throughput of the port has passed the threshold of its plan.',
  unit: 'bit/s',
  // The mean over the plan's own time is the patience; more windows would add none.
  entry: { windows: 1, of: 1, atOnce: 1 },
  leaveBelow: 0.7,
};

const byPackets: Signature = {
  ...byBits,
  id: 'packetThreshold',
  title: 'The mean packet rate of the port has passed the threshold of its plan.',
  unit: 'packets/s',
};

interface Measure {
  readonly signature: Signature;
  /** Its key in plan.threshold. */
  readonly key: string;
  /** null: the plan has none of it. */
  thresholdOf(threshold: BandwidthThreshold): number | null;
  /** Of a row of `window.tenants`. */
  amount(rows: Float64Array, row: number): number;
}

const MEASURES: readonly Measure[] = [
  {
    signature: byBits,
    key: 'rate',
    thresholdOf: ({ rateBps }) => rateBps,
    amount: (rows, row) => rowBytes(rows, row) * 8,
  },
  {
    signature: byPackets,
    key: 'packets',
    thresholdOf: ({ packetsPerSecond }) => packetsPerSecond,
    amount: rowPackets,
  },
];

const config = z
  .strictObject({
    ...trafficOptions('limits'),
  })
  .prefault({});

export const bandwidthThreshold: DetectorDefinition<z.output<typeof config>> = {
  id: byBits.detector,
  observes: ['packets', 'flows'],
  readsPlans: true,
  config,
  create: (_config, { tenants }) => detector(tenants.flatMap(meansOf), tenants),
};

/** One measure of one direction of a tenant's port. */
interface PortMean {
  readonly tenant: string;
  readonly number: number;
  readonly direction: Direction;
  readonly measure: Measure;
  readonly threshold: number;
  readonly mean: MeanRate;
}

function meansOf({ id, plan }: Tenant, index: number): PortMean[] {
  const { threshold: planned, guaranteed } = plan;
  if (planned === null || guaranteed) return [];
  return (['inbound', 'outbound'] as const).flatMap((direction) =>
    MEASURES.flatMap((measure) => {
      const threshold = measure.thresholdOf(planned);
      const mean = new MeanRate(planned.forMs);
      return threshold === null ? [] : [{ tenant: id, number: index + 1, direction, measure, threshold, mean }];
    }),
  );
}

function detector(means: readonly PortMean[], tenants: readonly Tenant[]): Detector {
  return {
    id: byBits.detector,
    signatures: MEASURES.map(({ signature }) => signature),
    observe: (window) => means.flatMap((each) => observe(each, window)),
    explain: (window, number) =>
      MEASURES.flatMap((measure) => {
        const own = means.filter((each) => each.number === number && each.measure === measure);
        return own.length > 0 ? own.map((each) => readingOf(each, window)) : whyNot(measure, tenants[number - 1]);
      }),
    save: () => means.map((each) => ({ ...keyOf(each), ...each.mean.save() })),
    restore: (state) => restore(means, state),
  };
}

function observe({ tenant, number, direction, measure, threshold, mean }: PortMean, window: Window): Finding[] {
  const row = (number * 2 + (direction === 'inbound' ? INBOUND : OUTBOUND)) * ROW;
  mean.add(window.startMs, window.endMs, measure.amount(window.tenants, row));
  const value = Math.round(mean.perSecond(window.endMs));
  if (value < threshold * measure.signature.leaveBelow) return [];
  return [
    {
      signature: measure.signature,
      tenant,
      direction,
      offender: tenant,
      victim: null,
      severity: 'warning',
      confidence: trust(window),
      value,
      threshold,
      evidence: tenantEvidence(window, number, direction),
    },
  ];
}

const readingOf = ({ tenant, direction, measure, threshold, mean }: PortMean, { endMs }: Window): Reading => ({
  signature: measure.signature,
  direction,
  offender: tenant,
  victim: null,
  value: Math.round(mean.perSecond(endMs)),
  threshold,
  reason: null,
});

function whyNot(measure: Measure, tenant: Tenant | undefined): Reading[] {
  const { signature, key } = measure;
  const planned = tenant?.plan.threshold ?? null;
  const unset = `plan.threshold${planned === null ? '' : `.${key}`} is not set`;
  const reason = tenant?.plan.guaranteed === true ? 'exempt: plan.guaranteed' : unset;
  const threshold = planned && measure.thresholdOf(planned);
  return [{ signature, direction: null, offender: tenant?.id ?? null, victim: null, value: null, threshold, reason }];
}

const keyOf = ({ tenant, direction, measure }: PortMean) => ({ tenant, direction, signature: measure.signature.id });

const savedMeans = z.array(savedMeanRate.extend({ tenant: z.string(), direction: z.string(), signature: z.string() }));

const nameOf = ({ tenant, direction, signature }: Record<'tenant' | 'direction' | 'signature', string>): string =>
  `${tenant} ${direction} ${signature}`;

function restore(means: readonly PortMean[], state: Json): void {
  const byName = new Map(means.map((each) => [nameOf(keyOf(each)), each.mean]));
  for (const saved of savedMeans.safeParse(state).data ?? []) byName.get(nameOf(saved))?.restore(saved);
}
