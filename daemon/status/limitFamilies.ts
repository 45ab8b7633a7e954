/** The metrics of limits: what each has passed and dropped, and whether limiting works. */
import type { MetricFamily, MetricSources } from './families.ts';
import type { LimitTraffic, QueueTraffic } from './snapshot.ts';

type Samples = ReturnType<MetricFamily['samples']>;

const DIRECTIONS = ['outbound', 'inbound'] as const;

/** For each direction of each limit that is in the kernel. */
function ofLimits(samples: (labels: readonly [string, string], traffic: LimitTraffic) => Samples) {
  return ({ snapshot }: MetricSources): Samples =>
    snapshot.limits.flatMap((limit) =>
      DIRECTIONS.flatMap((direction) => {
        const traffic = limit[direction];
        return traffic === null ? [] : samples([limit.tenant, direction], traffic);
      }),
    );
}

const ofQueues = (value: (queue: QueueTraffic) => number) =>
  ofLimits((labels, { voice, bulk }) =>
    Object.entries({ voice, bulk }).flatMap(([queue, counters]) =>
      counters === null ? [] : [[[...labels, queue], value(counters)] as const],
    ),
  );

export const LIMIT_FAMILIES: readonly MetricFamily[] = [
  {
    name: 'weir_limit_offered_bytes_total',
    help: 'Bytes that came to the limit of a tenant: passed, or dropped, whose bytes are estimated.',
    type: 'counter',
    labels: ['tenant', 'direction'],
    samples: ofLimits((labels, { offered }) => (offered === null ? [] : [[labels, offered.bytes]])),
  },
  {
    name: 'weir_limit_passed_bytes_total',
    help: "Bytes that passed a queue of a tenant's limit; voice: calls, signalling and small packets.",
    type: 'counter',
    labels: ['tenant', 'direction', 'queue'],
    samples: ofQueues(({ bytes }) => bytes),
  },
  {
    name: 'weir_limit_dropped_packets_total',
    help: "Packets that a queue of a tenant's limit dropped; of voice, each is one too many.",
    type: 'counter',
    labels: ['tenant', 'direction', 'queue'],
    samples: ofQueues(({ drops }) => drops),
  },
  {
    name: 'weir_limiting_stopped',
    help: 'Whether limiting has stopped because too many limits came at once.',
    type: 'gauge',
    labels: [],
    samples: ({ snapshot }) => [[[], Number(snapshot.enforcement.stoppedAt !== null)]],
  },
  {
    name: 'weir_limiting_failing',
    help: 'Whether the kernel is not as limits want it.',
    type: 'gauge',
    labels: [],
    samples: ({ snapshot }) => [[[], Number(snapshot.enforcement.error !== null)]],
  },
];
