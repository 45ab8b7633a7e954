/** The metrics of the flow collector. An exporter is a label: there are at most 256 of them. */
import type { InterfaceFigures } from '../metering/collectorProtocol.ts';
import type { CollectorStatus, ExporterStatus } from './collectorStatus.ts';
import type { MetricFamily, MetricSources } from './families.ts';

type Samples = ReturnType<MetricFamily['samples']>;

export const COLLECTOR_FAMILIES: readonly MetricFamily[] = [
  {
    name: 'weir_collector_up',
    help: 'Whether flow exporters are listened to; absent where none are configured.',
    type: 'gauge',
    labels: [],
    samples: ofCollector(({ state }) => [[[], state === 'up' ? 1 : 0]]),
  },
  {
    name: 'weir_collector_worker_restarts_total',
    help: 'How often the worker of the flow collector had to be restarted; its other counters begin anew then.',
    type: 'counter',
    labels: [],
    samples: ofCollector(({ workerRestarts }) => [[[], workerRestarts]]),
  },
  {
    name: 'weir_collector_refused_messages_total',
    help: 'Datagrams and connections of addresses that are not configured (stranger), or for which there was no place (crowded_out).',
    type: 'counter',
    labels: ['reason'],
    samples: ofCollector(({ strangers, crowdedOut }) => [
      [['stranger'], strangers],
      [['crowded_out'], crowdedOut],
    ]),
  },
  {
    name: 'weir_collector_dropped_datagrams_total',
    help: 'Datagrams that the kernel dropped because the receive buffer was full; absent where it does not say.',
    type: 'counter',
    labels: ['listener'],
    samples: ofCollector(({ listeners }) =>
      listeners.flatMap(({ address, dropped }) => (dropped === null ? [] : [[[address], dropped] as const])),
    ),
  },
  {
    name: 'weir_collector_receive_buffer_bytes',
    help: 'The receive buffer that the kernel granted to a UDP listener.',
    type: 'gauge',
    labels: ['listener'],
    samples: ofCollector(({ listeners }) =>
      listeners.flatMap(({ address, receiveBufferBytes: bytes }) =>
        bytes === null ? [] : [[[address], bytes] as const],
      ),
    ),
  },
  {
    name: 'weir_collector_receive_buffer_asked_bytes',
    help: 'The receive buffer that is configured; more than is granted: net.core.rmem_max is too small.',
    type: 'gauge',
    labels: ['listener'],
    samples: ofCollector(({ listeners }) =>
      listeners.flatMap(({ address, receiveBufferAskedBytes: bytes }) =>
        bytes === null ? [] : [[[address], bytes] as const],
      ),
    ),
  },
  {
    name: 'weir_collector_open_connections',
    help: 'Open connections of a TCP listener.',
    type: 'gauge',
    labels: ['listener'],
    samples: ofCollector(({ listeners }) =>
      listeners.flatMap(({ address, connections }) =>
        connections === null ? [] : [[[address], connections.open] as const],
      ),
    ),
  },
  {
    name: 'weir_collector_cut_connections_total',
    help: 'TCP connections that were closed because what came was no IPFIX (malformed), or did not come on (slow).',
    type: 'counter',
    labels: ['listener', 'reason'],
    samples: ofCollector(({ listeners }) =>
      listeners.flatMap(({ address, connections }) =>
        connections === null
          ? []
          : [
              [[address, 'malformed'], connections.cutMalformed] as const,
              [[address, 'slow'], connections.cutSlow] as const,
            ],
      ),
    ),
  },
  {
    name: 'weir_collector_messages_total',
    help: 'Datagrams, or IPFIX messages over TCP, of an exporter.',
    type: 'counter',
    labels: ['exporter'],
    samples: ofExporters(({ messages }) => messages),
  },
  {
    name: 'weir_collector_records_total',
    help: 'Flow records and sampled frames of an exporter.',
    type: 'counter',
    labels: ['exporter'],
    samples: ofExporters(({ records }) => records),
  },
  {
    name: 'weir_collector_packets_total',
    help: 'Packets that the records tell of, scaled up from samples.',
    type: 'counter',
    labels: ['exporter'],
    samples: ofExporters(({ packets }) => packets),
  },
  {
    name: 'weir_collector_bytes_total',
    help: 'Bytes that the records tell of, scaled up from samples; most exporters count them from layer 3.',
    type: 'counter',
    labels: ['exporter'],
    samples: ofExporters(({ octets }) => octets),
  },
  {
    name: 'weir_collector_malformed_messages_total',
    help: 'Messages that could not be read to the end, by reason; a reason appears when it first happens.',
    type: 'counter',
    labels: ['exporter', 'reason'],
    samples: ofCollector(({ exporters }) =>
      exporters.flatMap(({ address, malformed }) =>
        Object.entries(malformed).map(([reason, count]) => [[address, reason], count] as const),
      ),
    ),
  },
  {
    name: 'weir_collector_lost_total',
    help: 'What never arrived, by sequence numbers: records (v5, v7, IPFIX) or messages (v9, sFlow), as the protocol counts.',
    type: 'counter',
    labels: ['exporter', 'unit'],
    samples: ofCollector(({ exporters }) =>
      exporters.flatMap(({ address, lostRecords, lostMessages }) => [
        ...(lostRecords === null ? [] : [[[address, 'records'], lostRecords] as const]),
        ...(lostMessages === null ? [] : [[[address, 'messages'], lostMessages] as const]),
      ]),
    ),
  },
  {
    name: 'weir_collector_missing_templates_total',
    help: 'Sets of records that could not be read because their template has not come yet.',
    type: 'counter',
    labels: ['exporter'],
    samples: ofExporters(({ missingTemplates }) => missingTemplates),
  },
  {
    name: 'weir_collector_evicted_total',
    help: 'Templates and domains that made room for others: the exporter, or who forges its address, has sent more than are kept.',
    type: 'counter',
    labels: ['exporter', 'table'],
    samples: ofCollector(({ exporters }) =>
      exporters.flatMap(({ address, evictedTemplates, evictedDomains }) => [
        [[address, 'templates'], evictedTemplates] as const,
        [[address, 'domains'], evictedDomains] as const,
      ]),
    ),
  },
  {
    name: 'weir_collector_late_bytes_total',
    help: 'Bytes that were told of too late to be metered: the exporter has a longer active timeout than collector.activeTimeout.',
    type: 'counter',
    labels: ['exporter'],
    samples: ofExporters(({ lateOctets }) => lateOctets),
  },
  {
    name: 'weir_collector_unmetered_records_total',
    help: 'Records that were not, or not wholly, metered, by reason; unaddressed ones are not among the records.',
    type: 'counter',
    labels: ['exporter', 'reason'],
    samples: ofCollector(({ exporters }) => exporters.flatMap(unmeteredSamples)),
  },
  {
    name: 'weir_collector_unknown_sampling_records_total',
    help: 'Records that do not say how they were sampled, counted as if every packet had been looked at.',
    type: 'counter',
    labels: ['exporter'],
    samples: ofExporters(({ unknownSamplingRecords }) => unknownSamplingRecords),
  },
  {
    name: 'weir_collector_sampling_interval',
    help: 'One packet in so many is looked at, as of the last record; absent where it is not known.',
    type: 'gauge',
    labels: ['exporter'],
    samples: ofExporters(({ samplingInterval }) => samplingInterval),
  },
  {
    name: 'weir_collector_clock_shift_seconds',
    help: 'What is added to the times of an exporter whose clock is off; 0 where it is right.',
    type: 'gauge',
    labels: ['exporter'],
    samples: ofExporters(({ clockShiftSeconds }) => clockShiftSeconds),
  },
  {
    name: 'weir_collector_last_message_timestamp_seconds',
    help: 'When the last message of an exporter came.',
    type: 'gauge',
    labels: ['exporter'],
    samples: ofExporters(({ lastMessageAt }) => Date.parse(lastMessageAt) / 1000),
  },
  {
    name: 'weir_collector_interface_bytes_total',
    help: "What an exporter's interface has counted by its counter samples (sFlow), by ifIndex; at most 1,024 interfaces.",
    type: 'counter',
    labels: ['exporter', 'interface', 'direction'],
    samples: ofInterfaces(({ octets }) => octets),
  },
  {
    name: 'weir_collector_interface_packets_total',
    help: 'Packets of the same: unicast, multicast and broadcast.',
    type: 'counter',
    labels: ['exporter', 'interface', 'direction'],
    samples: ofInterfaces(({ packets }) => packets),
  },
  {
    name: 'weir_collector_interface_discarded_packets_total',
    help: 'Packets that the exporter itself discarded there for want of room.',
    type: 'counter',
    labels: ['exporter', 'interface', 'direction'],
    samples: ofInterfaces(({ discards }) => discards),
  },
];

function ofCollector(samples: (status: CollectorStatus) => Samples) {
  return ({ snapshot: { collector } }: MetricSources): Samples => (collector === null ? [] : samples(collector));
}

function ofExporters(value: (status: ExporterStatus) => number | null) {
  return ofCollector(({ exporters }) =>
    exporters.flatMap((each) => {
      const known = value(each);
      return known === null ? [] : [[[each.address], known] as const];
    }),
  );
}

function unmeteredSamples(status: ExporterStatus): Samples {
  return [
    [[status.address, 'late'], status.lateRecords],
    [[status.address, 'future'], status.futureRecords],
    [[status.address, 'implausible'], status.implausibleRecords],
    [[status.address, 'crowded_out'], status.crowdedOutRecords],
    [[status.address, 'empty'], status.emptyRecords],
    [[status.address, 'unaddressed'], status.unaddressedRecords],
  ];
}

function ofInterfaces(value: (figures: InterfaceFigures) => number | null) {
  return ofCollector(({ exporters }) =>
    exporters.flatMap(({ address, interfaces }) =>
      interfaces.flatMap(({ index, inbound, outbound }) => {
        const sides = [
          ['inbound', value(inbound)],
          ['outbound', value(outbound)],
        ] as const;
        return sides.flatMap(([direction, known]) =>
          known === null ? [] : [[[address, String(index), direction], known] as const],
        );
      }),
    ),
  );
}
