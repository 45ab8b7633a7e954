import assert from 'node:assert/strict';
import { Collector, type CollectorOptions } from '../../daemon/metering/collector.ts';
import type { CollectorReport } from '../../daemon/metering/collectorProtocol.ts';
import { INBOUND, OUTBOUND, rowPackets, ROW } from '../../daemon/metering/window.ts';
import { flowDatagrams } from '../bench/flowDatagrams.ts';
import { sendDatagrams } from '../support/datagramSender.ts';
import { fixedMessage } from '../support/flowMessages.ts';
import { addNamespaces, enterNamespace, removeNamespaces } from '../support/namespace.ts';
import { testTenant } from '../support/windowBuilder.ts';

const NAMESPACE = 'wr-collector';
const PORT = 2055;
const LOOPBACK = { words: [0, 0, 0xffff, 0x7f00_0001], text: '127.0.0.1:2055', port: PORT } as const;
/** The shortest windows there are: they come 3.25 s after their end. */
const WINDOW_MS = 250;
/** All that the datagrams tell of. */
const TENANTS = [testTenant('all', ['10.20.0.0/16'])];
const RECORDS = 20;

/** A collector, and what it has told so far. */
class Bed {
  readonly collector: Collector;
  readonly deaths: string[] = [];
  records = 0;
  packets = 0;
  templates: unknown = null;
  /** Of any window. */
  isLossUnknown = false;
  #look: () => void = () => {};

  constructor(templates: unknown = null, udp: CollectorOptions['input']['udp'] = [LOOPBACK]) {
    this.collector = new Collector({
      input: {
        udp,
        tcp: [],
        receiveBufferBytes: 1 << 20,
        exporters: [{ prefix: '127.0.0.1/32', sampling: null }],
        windowMs: WINDOW_MS,
        tenants: TENANTS,
        hashSeed: 1,
        templates,
      },
      onWindow: (window) => {
        this.records += window.received;
        this.isLossUnknown ||= window.dropped === null;
        for (const direction of [INBOUND, OUTBOUND]) this.packets += rowPackets(window.tenants, (2 + direction) * ROW);
        this.#look();
      },
      onReport: (report) => {
        this.templates = report.templates ?? this.templates;
        this.#look();
      },
      onDeath: (reason) => void this.deaths.push(reason),
    });
  }

  get report(): CollectorReport {
    return this.collector.report ?? assert.fail('no report yet');
  }

  until(condition: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#look = () => {
      if (condition()) resolve();
    };
    this.#look();
    return promise;
  }
}

describe('Collector', function () {
  this.timeout(30_000);
  let leave: () => void;
  before(() => {
    addNamespaces(NAMESPACE);
    leave = enterNamespace(NAMESPACE);
  });
  after(() => {
    leave();
    removeNamespaces(NAMESPACE);
  });

  it('hands over what the records tell of, reports, and can read data on after a restart by the templates that it gave', async () => {
    const first = new Bed();
    await first.collector.start();
    const datagrams = flowDatagrams('ipfix', 10, RECORDS, Date.now());
    sendDatagrams({ port: PORT, datagrams });
    await first.until(() => first.records === 10 * RECORDS);
    const [exporter] = first.report.exporters;
    assert.deepEqual(
      [exporter?.address, exporter?.records, exporter?.packets, exporter?.lateRecords, exporter?.missingTemplates],
      ['127.0.0.1', first.records, first.packets, 0, 0],
    );
    await first.until(() => first.templates !== null);
    await first.collector.stop();

    const second = new Bed(JSON.parse(JSON.stringify(first.templates)));
    await second.collector.start();
    const [, ...withoutTemplate] = flowDatagrams('ipfix', 10, RECORDS, Date.now());
    sendDatagrams({ port: PORT, datagrams: withoutTemplate });
    await second.until(() => second.records === 10 * RECORDS);
    assert.equal(second.report.exporters[0]?.missingTemplates, 0);
    await second.collector.stop();
    assert.deepEqual([...first.deaths, ...second.deaths, second.collector.restarts], [0]);
  });

  it('knows no loss of an exporter that numbers nothing', async () => {
    const bed = new Bed();
    await bed.collector.start();
    const nowMs = Date.now();
    const record = { source: 0x0a14_0001, destination: 1, packets: 1, octets: 40, sourcePort: 1, destinationPort: 2 };
    const uptime = { first: 1000, last: 1000, flags: 2, protocol: 6 };
    sendDatagrams({
      port: PORT,
      datagrams: [fixedMessage(1, { exportTimeMs: nowMs, uptimeMs: 1000 }, { ...record, ...uptime })],
    });
    await bed.until(() => bed.records === 1);
    await bed.until(() => bed.isLossUnknown);
    assert.deepEqual(
      bed.report.exporters.map(({ lostRecords, lostMessages }) => [lostRecords, lostMessages]),
      [[null, null]],
    );
    await bed.collector.stop();
  });

  it('rejects in one line where it cannot listen', async () => {
    const first = new Bed();
    await first.collector.start();
    const second = new Bed();
    await assert.rejects(second.collector.start(), { message: /^Cannot listen on 127\.0\.0\.1:2055: .*$/ });
    await Promise.all([first.collector.stop(), second.collector.stop()]);
    assert.deepEqual(second.deaths, []);
  });
});
