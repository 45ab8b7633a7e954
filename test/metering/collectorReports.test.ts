import assert from 'node:assert/strict';
import { CollectorReports } from '../../daemon/metering/collectorReports.ts';
import { clockToleranceMs, FlowCollector } from '../../daemon/metering/flowCollector.ts';
import { FlowWindows, OPEN_WINDOWS } from '../../daemon/metering/flowWindows.ts';
import { Window } from '../../daemon/metering/window.ts';
import { CollectorProbe } from '../../probes/netflow/collectorProbe.ts';
import { FlowDecoder } from '../../probes/netflow/flowDecoder.ts';
import { sendDatagrams } from '../support/datagramSender.ts';
import { dataOf, HEADER, NOW, PLAIN, templateOf } from '../support/flowCells.ts';
import { templatedMessage } from '../support/flowMessages.ts';
import { testContext } from '../support/windowBuilder.ts';

const { directory, tenants, hashSeed } = testContext();
const WINDOW_MS = 1000;
const SHAPE = {
  observed: 'flows',
  tenants: tenants.length,
  targetBits: 4,
  sourceBits: 4,
  details: 2,
  pairBits: 6,
} as const;
const LOOPBACK = { words: [0, 0, 0xffff, 0x7f00_0001], port: 0, text: '127.0.0.1:0' } as const;

/** What a collector's worker is made of, and the losses that its windows were told of. */
class Bed {
  dropped: number | null = 0;
  readonly #probe: CollectorProbe;
  readonly #windows: FlowWindows;
  readonly #reports: CollectorReports;

  constructor() {
    this.#windows = new FlowWindows({
      directory,
      hashSeed,
      windowMs: WINDOW_MS,
      nextWindow: () => new Window(SHAPE),
      onWindow: ({ dropped }) => {
        this.dropped = dropped === null || this.dropped === null ? null : this.dropped + dropped;
      },
    });
    const windows = this.#windows;
    const toleranceMs = clockToleranceMs(WINDOW_MS);
    const collector = new FlowCollector({ windows, toleranceMs, samplingOf: () => null });
    const decoder = new FlowDecoder(collector);
    const probe = new CollectorProbe({
      udp: [LOOPBACK],
      tcp: [],
      receiveBufferBytes: 1 << 22,
      admit: () => '127.0.0.1',
      decoder,
      openMessage: (exporter, receivedMs) => collector.openMessage(exporter, receivedMs),
      now: () => NOW,
    });
    this.#probe = probe;
    this.#reports = new CollectorReports({ probe, decoder, collector, windows }, NOW);
  }

  /** Messages of NetFlow v9, numbered from `first` on, each with so many records; and the report of then. */
  tell(first: number, messages: number, records: number): void {
    const sets = [templateOf('netflow9', PLAIN), ...Array.from({ length: records }, () => dataOf(PLAIN))];
    const datagrams = Array.from({ length: messages }, (_, i) =>
      templatedMessage('netflow9', { ...HEADER, sequence: first + i }, ...sets),
    );
    const wanted = this.#probe.statistics().messages + messages;
    sendDatagrams({ port: this.#probe.ports[0] ?? 0, datagrams });
    for (let rounds = 0; rounds < 100 && this.#probe.statistics().messages < wanted; rounds++) this.#probe.poll(20);
    assert.equal(this.#probe.statistics().messages, wanted);
    this.#reports.take(NOW);
  }

  finish(): number | null {
    this.#windows.advance(NOW + OPEN_WINDOWS * WINDOW_MS);
    this.#probe.close();
    return this.dropped;
  }
}

describe('CollectorReports', () => {
  it('estimates lost messages by the records that those had which came until then, once', () => {
    const bed = new Bed();
    bed.tell(0, 20, 1);
    bed.tell(120, 40, 1);
    bed.tell(160, 100, 20);
    bed.tell(260, 100, 20);
    assert.equal(bed.finish(), 100);
  });

  it('counts each loss as it comes', () => {
    const bed = new Bed();
    bed.tell(0, 20, 2);
    bed.tell(30, 40, 2);
    bed.tell(75, 40, 2);
    assert.equal(bed.finish(), 30);
  });
});
