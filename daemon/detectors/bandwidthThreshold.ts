/** Names a tenant whose mean throughput, in one direction, passes the bandwidth threshold of its plan. */
import { z } from 'zod';
import { type Direction, INBOUND, OUTBOUND, type Window } from '../metering/window.ts';
import type { BandwidthThreshold, Tenant } from '../tenants/tenant.ts';
import type { Detector, DetectorDefinition, Finding, Json, Reading, Signature } from './detector.ts';
import { tenantEvidence, trust } from './shared/evidence.ts';
import { MeanRate, savedMeanRate } from './shared/meanRate.ts';
import { trafficOptions } from './shared/options.ts';

const signature: Signature = {
  id: 'bandwidthThreshold',
  detector: 'bandwidthThreshold',
  clause: 'network.throughput',
  title: 'The mean throughput of the port has passed the threshold of its plan.',
  unit: 'bit/s',
  // The mean over the plan's own time is the patience; more windows would add none.
  entry: { windows: 1, of: 1, atOnce: 1 },
  leaveBelow: 0.7,
};

const config = z
  .strictObject({
    ...trafficOptions('`observe` only reports, `enforce` lets it lead to limits; `off` does not look'),
  })
  .prefault({});

export const bandwidthThreshold: DetectorDefinition<z.output<typeof config>> = {
  id: signature.detector,
  observes: ['packets', 'flows'],
  config,
  create: (_config, { tenants }) => detector(tenants.flatMap(portsOf), tenants),
};

/** One direction of a tenant's port. */
interface Port {
  readonly tenant: string;
  readonly number: number;
  readonly direction: Direction;
  readonly threshold: BandwidthThreshold;
  readonly mean: MeanRate;
}

function portsOf({ id, plan }: Tenant, index: number): Port[] {
  const { threshold, guaranteed } = plan;
  if (threshold === null || guaranteed) return [];
  return (['inbound', 'outbound'] as const).map((direction) => ({
    tenant: id,
    number: index + 1,
    direction,
    threshold,
    mean: new MeanRate(threshold.forMs),
  }));
}

function detector(ports: readonly Port[], tenants: readonly Tenant[]): Detector {
  return {
    id: signature.detector,
    signatures: [signature],
    observe: (window) => ports.flatMap((port) => observe(port, window)),
    explain: (window, number) => {
      const own = ports.filter((port) => port.number === number);
      return own.length > 0 ? own.map((port) => readingOf(port, window)) : whyNot(tenants[number - 1]);
    },
    save: () => ports.map(({ tenant, direction, mean }) => ({ tenant, direction, ...mean.save() })),
    restore: (state) => restore(ports, state),
  };
}

function observe({ tenant, number, direction, threshold, mean }: Port, window: Window): Finding[] {
  mean.add(window.startMs, window.endMs, window.tenantBytes(number, direction === 'inbound' ? INBOUND : OUTBOUND));
  const value = Math.round(mean.bitsPerSecond(window.endMs));
  if (value < threshold.rateBps * signature.leaveBelow) return [];
  return [
    {
      signature,
      tenant,
      direction,
      offender: tenant,
      victim: null,
      severity: 'warning',
      confidence: trust(window),
      value,
      threshold: threshold.rateBps,
      evidence: tenantEvidence(window, number, direction),
    },
  ];
}

const readingOf = ({ tenant, direction, threshold, mean }: Port, { endMs }: Window): Reading => ({
  signature,
  direction,
  offender: tenant,
  victim: null,
  value: Math.round(mean.bitsPerSecond(endMs)),
  threshold: threshold.rateBps,
  reason: null,
});

function whyNot(tenant: Tenant | undefined): Reading[] {
  const reason = tenant?.plan.guaranteed === true ? 'exempt: plan.guaranteed' : 'plan.threshold is not set';
  const threshold = tenant?.plan.threshold?.rateBps ?? null;
  return [{ signature, direction: null, offender: tenant?.id ?? null, victim: null, value: null, threshold, reason }];
}

const savedPorts = z.array(savedMeanRate.extend({ tenant: z.string(), direction: z.string() }));

function restore(ports: readonly Port[], state: Json): void {
  for (const saved of savedPorts.safeParse(state).data ?? []) {
    ports
      .find(({ tenant, direction }) => tenant === saved.tenant && direction === saved.direction)
      ?.mean.restore(saved);
  }
}
