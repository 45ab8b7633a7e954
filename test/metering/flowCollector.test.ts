import assert from 'node:assert/strict';
import { OPEN_WINDOWS, FlowWindows } from '../../daemon/metering/flowWindows.ts';
import { clockToleranceMs, FlowCollector } from '../../daemon/metering/flowCollector.ts';
import { TCP_ACK, TCP_SYN, UDP } from '../../daemon/metering/decodeResult.ts';
import { INBOUND, rowBytes, ROW, Window } from '../../daemon/metering/window.ts';
import { type FlowOrigin, FlowRecord, type FlowSink } from '../../probes/flow.ts';
import { LINKTYPE_ETHERNET } from '../../probes/probe.ts';
import { frame } from '../support/frames.ts';
import { testContext } from '../support/windowBuilder.ts';

const { directory, tenants, hashSeed } = testContext();
const WINDOW_MS = 1000;
const NOW = 1_700_000_000_500;
const EXPORTER = '192.0.2.254';
const ACME_IN = (1 * 2 + INBOUND) * ROW;

class Bed {
  readonly collector: FlowCollector;
  /** Acme's inbound packets, by kind, and octets by start of their window, relative to NOW's. */
  readonly seen = new Map<number, Record<string, number>>();
  readonly #windows: FlowWindows;

  constructor(sampling: number | null = null) {
    const shape = {
      observed: 'flows',
      tenants: tenants.length,
      targetBits: 4,
      sourceBits: 4,
      details: 2,
      pairBits: 6,
    } as const;
    const free = Array.from({ length: OPEN_WINDOWS * 2 }, () => new Window(shape));
    this.#windows = new FlowWindows({
      directory,
      hashSeed,
      windowMs: WINDOW_MS,
      nextWindow: () => free.pop() ?? null,
      onWindow: (window) => {
        this.#look(window);
        free.push(window);
      },
    });
    this.collector = new FlowCollector({
      windows: this.#windows,
      toleranceMs: clockToleranceMs(WINDOW_MS),
      samplingOf: (exporter) => (exporter === EXPORTER ? sampling : null),
    });
  }

  #look(window: Window): void {
    const octets = rowBytes(window.tenants, ACME_IN);
    if (octets === 0) return;
    const [syn, ack, udp] = [TCP_SYN, TCP_ACK, UDP].map((kind) => window.tenantPackets(1, INBOUND, kind));
    const entry = { syn: syn ?? 0, ack: ack ?? 0, udp: udp ?? 0, octets, sampling: window.samplingInterval ?? -1 };
    this.seen.set(window.startMs - (NOW - 500), entry);
  }

  tell(changes: Partial<FlowRecord> = {}, exportTimeMs = NOW, receivedMs = NOW, exporter = EXPORTER): void {
    const record = Object.assign(new FlowRecord(), {
      ipVersion: 4,
      protocolIdentifier: 6,
      sourceIPv4Address: 0xc000_0201 | 0,
      destinationIPv4Address: 0xc633_6409 | 0,
      destinationTransportPort: 5060,
      tcpControlBits: 2,
      octetDeltaCount: 400,
      packetDeltaCount: 10,
      flowStartMilliseconds: NOW,
      flowEndMilliseconds: NOW,
      samplingInterval: 1,
      ...changes,
    });
    const origin: FlowOrigin = { exporter, protocol: 'ipfix', observationDomainId: 0, exportTimeMs };
    this.collector.openMessage(exporter, receivedMs);
    this.collector.observeFlow(record, origin);
  }

  finish(): Map<number, Record<string, number>> {
    this.#windows.advance(NOW + OPEN_WINDOWS * WINDOW_MS);
    return this.seen;
  }

  get flows() {
    return this.collector.exporters.get(EXPORTER) ?? assert.fail('not heard');
  }
}

const entry = (changes: Record<string, number> = {}) => ({
  syn: 10,
  ack: 0,
  udp: 0,
  octets: 400,
  sampling: 1,
  ...changes,
});

const total = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0);

describe('FlowCollector', () => {
  it('meters a record as packets of its kind, at its time', () => {
    const bed = new Bed();
    bed.tell();
    bed.tell({ flowStartMilliseconds: NOW - 2000, flowEndMilliseconds: NOW - 2000, protocolIdentifier: 17 });
    assert.deepEqual(
      [...bed.finish()],
      [
        [-2000, entry({ syn: 0, udp: 10 })],
        [0, entry()],
      ],
    );
    assert.deepEqual([bed.flows.records, bed.flows.packets, bed.flows.octets], [2, 20, 800]);
  });

  it('scales samples up, says when nobody knows how, and believes the configuration before the exporter', () => {
    const said = new Bed();
    said.tell({ samplingInterval: 100 });
    assert.deepEqual([...said.finish().values()], [entry({ syn: 1000, octets: 40_000, sampling: 100 })]);
    const unknown = new Bed();
    unknown.tell({ samplingInterval: 0 });
    assert.deepEqual([...unknown.finish().values()], [entry({ sampling: -1 })]);
    assert.deepEqual([unknown.flows.unknownSamplingRecords, unknown.flows.samplingInterval], [1, null]);
    const configured = new Bed(7);
    configured.tell({ samplingInterval: 0 });
    configured.tell({ samplingInterval: 100 });
    assert.deepEqual([...configured.finish().values()], [entry({ syn: 140, octets: 5600, sampling: 7 })]);
    assert.equal(configured.flows.unknownSamplingRecords, 0);
  });

  it('says of every window that a flow spans how it was sampled', () => {
    for (const [samplingInterval, shown] of [
      [100, 100],
      [0, -1],
    ] as const) {
      const bed = new Bed();
      bed.tell({ samplingInterval, flowStartMilliseconds: NOW - 3000, flowEndMilliseconds: NOW });
      const windows = [...bed.finish().values()];
      assert.deepEqual(
        windows.map(({ sampling }) => sampling),
        [shown, shown, shown, shown],
      );
    }
  });

  it('shifts the times of an exporter whose clock is off, in both directions, and shows by how much', () => {
    for (const off of [-3_600_000, 20_000, 86_400_000]) {
      const bed = new Bed();
      const at = NOW + off - 1000;
      bed.tell({ flowStartMilliseconds: at, flowEndMilliseconds: at }, NOW + off);
      assert.deepEqual([...bed.finish()], [[-1000, entry()]]);
      assert.equal(bed.flows.clock.shiftMs, -off);
    }
  });

  it('takes whole seconds and the way of a message for no wrong clock, and keeps a shift steady', () => {
    const bed = new Bed();
    bed.tell({}, NOW - 999);
    assert.equal(bed.flows.clock.shiftMs, 0);
    bed.tell({}, NOW - 20_000);
    bed.tell({}, NOW - 19_100);
    assert.equal(bed.flows.clock.shiftMs, 20_000);
    bed.tell({}, NOW);
    assert.equal(bed.flows.clock.shiftMs, 0);
  });

  it('takes a clock that is a little fast back to now, and refuses what is far in the future', () => {
    const bed = new Bed();
    bed.tell({ flowStartMilliseconds: NOW + 900, flowEndMilliseconds: NOW + 1000 });
    bed.tell({ flowStartMilliseconds: NOW, flowEndMilliseconds: NOW + 60_000 });
    assert.deepEqual([...bed.finish()], [[0, entry()]]);
    assert.equal(bed.flows.futureRecords, 1);
  });

  it('counts what is too old as late, and meters it nowhere', () => {
    const bed = new Bed();
    bed.tell({ flowStartMilliseconds: NOW - 100_000, flowEndMilliseconds: NOW - 99_000 });
    assert.deepEqual([...bed.finish()], []);
    assert.deepEqual([bed.flows.lateRecords, bed.flows.lateOctets], [1, 400]);
  });

  it('refuses numbers that no network has, and addresses that stand for others', () => {
    const bed = new Bed();
    const poser = new FlowRecord();
    poser.destinationIPv6Address.set([0, 0, 0xffff, 0xc633_6409 | 0]);
    const wrong: Partial<FlowRecord>[] = [
      { octetDeltaCount: 2 ** 60 },
      { packetDeltaCount: 2 ** 50 },
      { packetDeltaCount: Number.NaN },
      { octetDeltaCount: -1 },
      { flowEndMilliseconds: Number.NaN },
      { ipVersion: 6, destinationIPv6Address: poser.destinationIPv6Address },
    ];
    for (const changes of wrong) bed.tell(changes);
    assert.deepEqual([...bed.finish()], []);
    assert.equal(bed.flows.implausibleRecords, wrong.length);
  });

  it('counts records of nothing on their own: they are events, and no fault', () => {
    const bed = new Bed();
    bed.tell({ packetDeltaCount: 0, octetDeltaCount: 0 });
    assert.deepEqual([...bed.finish()], []);
    assert.deepEqual([bed.flows.emptyRecords, bed.flows.implausibleRecords], [1, 0]);
  });

  it('meters sampled frames as what they stand for', () => {
    const bed = new Bed();
    const bytes = frame({ source: '192.0.2.1', destination: '198.51.100.9', protocol: 'udp' });
    const origin: FlowOrigin = { exporter: EXPORTER, protocol: 'sflow5', observationDomainId: 0, exportTimeMs: NOW };
    bed.collector.openMessage(EXPORTER, NOW);
    const sink: FlowSink = bed.collector;
    const buffer = new Uint8Array(200);
    buffer.set(bytes, 50);
    sink.observeSampledFrame(buffer, 50, bytes.length, 1518, LINKTYPE_ETHERNET, 512, origin);
    sink.observeSampledFrame(buffer, 0, 20, 20, LINKTYPE_ETHERNET, 512, origin);
    assert.deepEqual([...bed.finish().values()], [entry({ syn: 0, udp: 512, octets: 1518 * 512, sampling: 512 })]);
    assert.equal(bed.flows.otherFrames, 1);
  });

  it('refuses sampled frames of a length that no frame has', () => {
    const bed = new Bed();
    const bytes = frame({ source: '192.0.2.1', destination: '198.51.100.9', protocol: 'udp' });
    const origin: FlowOrigin = { exporter: EXPORTER, protocol: 'sflow5', observationDomainId: 0, exportTimeMs: NOW };
    bed.collector.openMessage(EXPORTER, NOW);
    const sink: FlowSink = bed.collector;
    sink.observeSampledFrame(bytes, 0, bytes.length, 2 ** 32 - 1, LINKTYPE_ETHERNET, 2 ** 24, origin);
    sink.observeSampledFrame(bytes, 0, bytes.length, 2 ** 19, LINKTYPE_ETHERNET, 1, origin);
    assert.deepEqual([...bed.finish().values()], [entry({ syn: 0, udp: 1, octets: 2 ** 19 })]);
    assert.equal(bed.flows.implausibleRecords, 1);
  });

  it('neither loses nor invents packets where a probability tells what share of them was looked at', () => {
    for (let i = 0; i < 20; i++) {
      const bed = new Bed();
      // Each flow is rounded in another way than those before.
      for (let before = 0; before < i; before++)
        bed.tell({ destinationIPv4Address: 1, flowStartMilliseconds: NOW - 9999, flowEndMilliseconds: NOW });
      bed.tell({
        packetDeltaCount: 1,
        octetDeltaCount: 100,
        samplingInterval: 1 / 0.3,
        flowStartMilliseconds: NOW - 9999,
        flowEndMilliseconds: NOW - 500,
      });
      const shares = [...bed.finish().values()];
      const [packets, octets] = [shares.map(({ syn = 0 }) => syn), shares.map((share) => share['octets'] ?? 0)];
      assert.deepEqual([total(packets).toFixed(6), total(octets).toFixed(6)], ['3.333333', '333.333333']);
      assert(Math.min(...packets, ...octets) >= 0, JSON.stringify([packets, octets]));
    }
  });

  it('counts late records of which no octets are told', () => {
    const bed = new Bed();
    bed.tell({ octetDeltaCount: 0, flowStartMilliseconds: NOW - 99_000, flowEndMilliseconds: NOW - 99_000 });
    bed.tell({ octetDeltaCount: 0, flowStartMilliseconds: NOW - 99_000, flowEndMilliseconds: NOW });
    assert.deepEqual([bed.flows.lateRecords, bed.flows.lateOctets], [2, 0]);
  });

  it('remembers 256 exporters, those heard last', () => {
    const bed = new Bed();
    for (let i = 0; i < 300; i++) bed.tell({}, NOW, NOW + i, `192.0.2.${i}`);
    assert.equal(bed.collector.exporters.size, 256);
    assert(bed.collector.exporters.has('192.0.2.299') && !bed.collector.exporters.has('192.0.2.43'));
  });
});
