/** The metrics of limits: what each has passed and dropped, and whether limiting works. */
import type { MetricFamily, MetricSources } from './families.ts';
import type { QueueTraffic } from './snapshot.ts';

type Samples = ReturnType<MetricFamily['samples']>;

const DIRECTIONS = ['outbound', 'inbound'] as const;
const QUEUES = ['voice', 'bulk'] as const;

interface Way {
  readonly direction: (typeof DIRECTIONS)[number];
  readonly traffic: QueueTraffic;
}

/** For each queue of each limit that is in the kernel. */
const ofQueues =
  (samples: (labels: readonly [tenant: string, queue: string], ways: readonly Way[]) => Samples) =>
  ({ snapshot }: MetricSources): Samples =>
    snapshot.limits.flatMap((limit) =>
      QUEUES.flatMap((queue) => {
        const ways = DIRECTIONS.flatMap((direction) => {
          const traffic = limit[direction]?.[queue] ?? null;
          return traffic === null ? [] : [{ direction, traffic }];
        });
        return ways.length === 0 ? [] : samples([limit.tenant, queue], ways);
      }),
    );

export const LIMIT_FAMILIES: readonly MetricFamily[] = [
  {
    name: 'weir_limit_passed_bytes_total',
    help: "Bytes that passed a queue of a tenant's limit; voice: calls, signalling and small packets.",
    type: 'counter',
    labels: ['tenant', 'direction', 'queue'],
    samples: ofQueues(([tenant, queue], ways) =>
      ways.map(({ direction, traffic }) => [[tenant, direction, queue], traffic.bytes]),
    ),
  },
  {
    name: 'weir_limit_dropped_packets_total',
    help: "Packets that a queue of a tenant's limit dropped, of both directions; of voice, each is one too many.",
    type: 'counter',
    labels: ['tenant', 'queue'],
    samples: ofQueues((labels, ways) => [[labels, ways.reduce((sum, { traffic }) => sum + traffic.drops, 0)]]),
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
