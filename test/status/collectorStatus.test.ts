import { detectorDefinitions } from '../../daemon/detectors/index.ts';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import type { CollectorReport } from '../../daemon/metering/collectorProtocol.ts';
import { collectorStatus } from '../../daemon/status/collectorStatus.ts';
import { Metrics } from '../../daemon/status/metrics.ts';
import { renderStatus } from '../../daemon/status/render.ts';
import { TrafficTotals } from '../../daemon/status/trafficTotals.ts';
import { testCollector, testExporter } from '../support/collectorStatus.ts';
import { testSnapshot } from '../support/snapshot.ts';

const FIGURES = { octets: 7000, packets: 70, discards: 5, errors: 0 };
const UNKNOWN = { octets: null, packets: null, discards: null, errors: null };

/** A collector with every trouble, and an exporter of which nothing is known. */
const TROUBLED: Partial<CollectorReport> = {
  listeners: [
    {
      address: '0.0.0.0:2055',
      transport: 'udp',
      receiveBufferBytes: 212_992,
      receiveBufferAskedBytes: 16 << 20,
      dropped: 34_168,
      connections: null,
    },
    {
      address: '0.0.0.0:4739',
      transport: 'tcp',
      receiveBufferBytes: null,
      receiveBufferAskedBytes: null,
      dropped: null,
      connections: { accepted: 4, refused: 0, crowdedOut: 0, cutMalformed: 2, cutSlow: 1, open: 1 },
    },
  ],
  strangers: 9,
  crowdedOut: 2,
  exporters: [
    testExporter({
      protocols: ['netflow5', 'ipfix'],
      malformed: { setLength: 3, templateWithdrawal: 1 },
      lostRecords: 1200,
      lostMessages: 4,
      missingTemplates: 6,
      unaddressedRecords: 1,
      lateRecords: 8,
      lateOctets: 8000,
      emptyRecords: 2,
      futureRecords: 3,
      implausibleRecords: 4,
      crowdedOutRecords: 5,
      samplingInterval: 1000,
      clockShiftMs: -3_600_123,
    }),
    testExporter({
      address: '192.0.2.2',
      protocols: ['sflow5'],
      records: 10,
      lostRecords: null,
      unknownSamplingRecords: 10,
      samplingInterval: null,
      interfaces: [{ index: 17, speedBps: 1e9, inbound: FIGURES, outbound: UNKNOWN, lastMs: 0 }],
    }),
  ],
};

const ALL_OFF = Object.fromEntries(detectorDefinitions.map(({ id }) => [id, { mode: 'off' as const }]));

const snapshotOf = (report: Partial<CollectorReport>) =>
  testSnapshot({ collector: collectorStatus(testCollector(report), ALL_OFF) });

const metricsOf = (report: Partial<CollectorReport>): Promise<string> => {
  const snapshot = snapshotOf(report);
  return new Metrics({ tenantIds: [], traffic: new TrafficTotals(0, () => true), snapshot: () => snapshot }).text();
};

const collectorPart = (text: string): string => /Flow collector\n([^]*?)\n\n/.exec(text)?.[1] ?? text;

describe('the status of the flow collector', () => {
  it('is short when all is well', () => {
    assert.equal(
      collectorPart(renderStatus(snapshotOf({}))),
      `  up on 127.0.0.1:2055 udp; windows of 0.5 s, 6.5 s behind; dropped 0; refused 0; restarts 0
  exporter   protocol  messages  records   lost  unreadable  late  unmetered  sampling  clock
  192.0.2.1  ipfix          1 k     28 k  0 rec           0     0          0       1:1  right`,
    );
  });

  it('says what is lost, what cannot be read and why, and unknown where it is', () => {
    assert.equal(
      collectorPart(renderStatus(snapshotOf(TROUBLED))),
      `  up on 0.0.0.0:2055 udp, 0.0.0.0:4739 tcp; windows of 0.5 s, 6.5 s behind; dropped 34.2 k; refused 11; restarts 0
  0.0.0.0:2055: receive buffer 208kib instead of 16mib (net.core.rmem_max)
  exporter   protocol        messages  records               lost  unreadable  late  unmetered  sampling        clock
  192.0.2.1  netflow5 ipfix       1 k     28 k  1.2 k rec + 4 msg          10     8         15    1:1000  -3600.123 s
  192.0.2.2  sflow5               1 k       10                  ?           0     0          0   unknown        right
  192.0.2.1: unreadable: setLength 3, templateWithdrawal 1, sets without their template 6`,
    );
  });

  it('is in the metrics, which pass promtool', async () => {
    const text = await metricsOf(TROUBLED);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    assert.deepEqual([stdout + stderr, status], ['', 0]);
    const of = (address: string) => text.split('\n').filter((line) => line.includes(address));
    assert.deepEqual(of('0.0.0.0'), [
      'weir_collector_dropped_datagrams_total{listener="0.0.0.0:2055"} 34168',
      'weir_collector_receive_buffer_bytes{listener="0.0.0.0:2055"} 212992',
      'weir_collector_receive_buffer_asked_bytes{listener="0.0.0.0:2055"} 16777216',
      'weir_collector_open_connections{listener="0.0.0.0:4739"} 1',
      'weir_collector_cut_connections_total{listener="0.0.0.0:4739",reason="malformed"} 2',
      'weir_collector_cut_connections_total{listener="0.0.0.0:4739",reason="slow"} 1',
    ]);
    const malformed =
      /weir_collector_(malformed_messages|lost|missing_templates|unmetered_records)_total\{exporter="192.0.2.1"/;
    assert.deepEqual(
      of('192.0.2.1')
        .filter((line) => malformed.test(line))
        .map((line) => line.replace('exporter="192.0.2.1"', '')),
      [
        'weir_collector_malformed_messages_total{,reason="setLength"} 3',
        'weir_collector_malformed_messages_total{,reason="templateWithdrawal"} 1',
        'weir_collector_lost_total{,unit="records"} 1200',
        'weir_collector_lost_total{,unit="messages"} 4',
        'weir_collector_missing_templates_total{} 6',
        'weir_collector_unmetered_records_total{,reason="late"} 8',
        'weir_collector_unmetered_records_total{,reason="future"} 3',
        'weir_collector_unmetered_records_total{,reason="implausible"} 4',
        'weir_collector_unmetered_records_total{,reason="crowded_out"} 5',
        'weir_collector_unmetered_records_total{,reason="empty"} 2',
        'weir_collector_unmetered_records_total{,reason="unaddressed"} 1',
      ],
    );
    assert.deepEqual(
      of('192.0.2.2').filter((line) => /lost_total|sampling|interface/.test(line)),
      [
        'weir_collector_unknown_sampling_records_total{exporter="192.0.2.2"} 10',
        'weir_collector_interface_bytes_total{exporter="192.0.2.2",interface="17",direction="inbound"} 7000',
        'weir_collector_interface_packets_total{exporter="192.0.2.2",interface="17",direction="inbound"} 70',
        'weir_collector_interface_discarded_packets_total{exporter="192.0.2.2",interface="17",direction="inbound"} 5',
      ],
    );
  });

  it('is nowhere without a collector', async () => {
    const snapshot = testSnapshot();
    const traffic = new TrafficTotals(0, () => true);
    const text = await new Metrics({ tenantIds: [], traffic, snapshot: () => snapshot }).text();
    assert.deepEqual(
      text.split('\n').filter((line) => line.startsWith('weir_collector')),
      [],
    );
    assert.equal(renderStatus(snapshot).includes('Flow collector'), false);
  });
});
