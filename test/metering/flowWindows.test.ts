import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { INBOUND, OUTBOUND, ROW, rowBytes, rowPackets, Window } from '../../daemon/metering/window.ts';
import {
  Flow,
  flowLagMs,
  FlowWindows,
  flowWindowMs,
  OPEN_WINDOWS,
  UnmeteredFlows,
} from '../../daemon/metering/flowWindows.ts';
import { TCP_SYN, UDP } from '../../daemon/metering/decodeResult.ts';
import { parseAddress } from '../../daemon/tenants/prefix.ts';
import { testContext } from '../support/windowBuilder.ts';
import { detailsOf, sourcesOf, targetsOf } from './readWindow.ts';

const { directory, tenants, hashSeed } = testContext();
const WINDOW_MS = 1000;
const NOW = 1_000_000_500;
const OLDEST = 1_000_000_000 - (OPEN_WINDOWS - 1) * WINDOW_MS;
const ACME = 1;

/** What a closed window said of acme's inbound traffic. */
interface Closed {
  readonly startMs: number;
  readonly endMs: number;
  readonly packets: number;
  readonly octets: number;
  readonly records: number;
  readonly dropped: number | null;
  readonly sampling: number | null;
}

class Bed {
  readonly closed: Closed[] = [];
  readonly unmetered = new UnmeteredFlows();
  readonly windows: FlowWindows;
  readonly free: Window[];
  /** Looks at a window before it is used again. */
  look: (window: Window) => void = () => {};

  constructor(spare = 2) {
    const shape = {
      observed: 'flows',
      tenants: tenants.length,
      targetBits: 6,
      sourceBits: 6,
      details: 16,
      pairBits: 6,
    } as const;
    this.free = Array.from({ length: OPEN_WINDOWS + spare }, () => new Window(shape));
    this.windows = new FlowWindows({
      directory,
      hashSeed,
      windowMs: WINDOW_MS,
      nextWindow: () => this.free.pop() ?? null,
      onWindow: (window) => this.#take(window),
    });
    this.windows.advance(NOW);
  }

  #take(window: Window): void {
    const row = (ACME * 2 + INBOUND) * ROW;
    this.closed.push({
      startMs: window.startMs,
      endMs: window.endMs,
      packets: rowPackets(window.tenants, row),
      octets: rowBytes(window.tenants, row),
      records: window.received,
      dropped: window.dropped,
      sampling: window.samplingInterval,
    });
    this.look(window);
    if (this.takesBack) this.free.push(window);
  }
  takesBack = true;

  observe(options: FlowOptions): void {
    this.windows.observe(flowOf(options), this.unmetered);
  }

  /** Closes everything that is open now. */
  finish(): Closed[] {
    this.windows.advance(NOW + OPEN_WINDOWS * WINDOW_MS);
    return this.closed.filter(({ packets, octets, records }) => packets + octets + records > 0);
  }
}

interface FlowOptions {
  readonly startMs?: number;
  readonly endMs?: number;
  readonly packets?: number;
  readonly octets?: number;
  readonly from?: string;
  readonly to?: string;
  readonly kind?: number;
  readonly sampling?: number | null;
}

function flowOf(options: FlowOptions): Flow {
  const { startMs = NOW, endMs = NOW, packets = 10, octets = 1000, kind = UDP, sampling = 1 } = options;
  const flow = new Flow();
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = parseAddress(options.from ?? '192.0.2.1') ?? [];
  const [d0 = 0, d1 = 0, d2 = 0, d3 = 0] = parseAddress(options.to ?? '198.51.100.9') ?? [];
  Object.assign(flow.header, { source0: s0, source1: s1, source2: s2, source3: s3 });
  Object.assign(flow.header, { destination0: d0, destination1: d1, destination2: d2, destination3: d3 });
  Object.assign(flow.header, { kind, protocol: kind === UDP ? 17 : 6, destinationPort: 5060, flags: 0 });
  return Object.assign(flow, { packets, octets, packetsSeen: packets, startMs, endMs, samplingInterval: sampling });
}

const sumOf = (closed: readonly Closed[], key: 'packets' | 'octets' | 'records'): number =>
  closed.reduce((sum, each) => sum + each[key], 0);

describe('FlowWindows', () => {
  it('puts a flow that lies in one window there, whole', () => {
    const bed = new Bed();
    bed.observe({ startMs: NOW - 1500, endMs: NOW - 1000 + 499 });
    assert.deepEqual(bed.finish(), [
      { startMs: 999_999_000, endMs: 1_000_000_000, packets: 10, octets: 1000, records: 1, dropped: 0, sampling: 1 },
    ]);
  });

  it('spreads a flow over the windows from its start to its end in proportion', () => {
    const bed = new Bed();
    bed.observe({ startMs: NOW - 4000, endMs: NOW, packets: 4000, octets: 400_000 });
    const closed = bed.finish();
    assert.deepEqual(
      closed.map(({ startMs }) => startMs),
      [999_996_000, 999_997_000, 999_998_000, 999_999_000, 1_000_000_000],
    );
    const expected = [500, 1000, 1000, 1000, 500];
    closed.forEach(({ packets, octets }, i) => {
      assert(Math.abs(packets - expected[i]!) <= 1, `${packets} packets in window ${i}`);
      assert(Math.abs(octets - expected[i]! * 100) <= 100, `${octets} octets in window ${i}`);
    });
  });

  it('neither loses nor invents a packet or an octet: what is metered and what is late are what was told', () => {
    const flow = fc.record({
      startMs: fc.integer({ min: OLDEST - 20_000, max: NOW }),
      length: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100_000 })),
      packets: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1_000_000 })),
      octets: fc.integer({ min: 0, max: 1_500_000_000 }),
    });
    fc.assert(
      fc.property(fc.array(flow, { minLength: 1, maxLength: 20 }), (flows) => {
        const bed = new Bed();
        for (const { startMs, length, ...counts } of flows)
          bed.observe({ startMs, endMs: Math.min(startMs + length, NOW), ...counts });
        const closed = bed.finish();
        const told = flows.reduce((sum, { octets }) => sum + octets, 0);
        assert.equal(sumOf(closed, 'octets') + bed.unmetered.lateOctets, told);
        const inTime = flows.filter(({ startMs }) => startMs >= OLDEST);
        assert(sumOf(closed, 'packets') >= inTime.reduce((sum, { packets }) => sum + packets, 0));
        assert(sumOf(closed, 'packets') <= flows.reduce((sum, { packets }) => sum + packets, 0));
        assert(closed.every(({ packets, octets }) => packets >= 0 && octets >= 0));
      }),
    );
  });

  it('lets small flows alike fall into all windows that they span, not one and the same', () => {
    const bed = new Bed();
    for (let i = 0; i < 10_000; i++) bed.observe({ startMs: NOW - 10_000, endMs: NOW, packets: 2, octets: 120 });
    const closed = bed.finish();
    assert.equal(sumOf(closed, 'packets'), 20_000);
    for (const { packets } of closed.slice(1, -1)) assert(Math.abs(packets - 2000) < 100, `${packets} packets`);
  });

  it('meters of a flow that began too early what is in time, and counts the rest as late', () => {
    const bed = new Bed();
    bed.observe({ startMs: OLDEST - 10_000, endMs: OLDEST + 10_000, packets: 2000, octets: 200_000 });
    bed.observe({ startMs: 0, endMs: 1, packets: 7, octets: 700 });
    const closed = bed.finish();
    assert(Math.abs(sumOf(closed, 'packets') - 1000) <= 1);
    assert.equal(sumOf(closed, 'octets') + bed.unmetered.lateOctets, 200_700);
    assert.equal(bed.unmetered.lateRecords, 2);
  });

  it('closes windows in order, a lag after their end, also empty ones', () => {
    const bed = new Bed();
    const lag = flowLagMs(WINDOW_MS);
    bed.windows.advance(OLDEST + WINDOW_MS + lag - 1);
    assert.equal(bed.closed.length, 0);
    bed.windows.advance(OLDEST + WINDOW_MS + lag);
    bed.windows.advance(OLDEST + 3 * WINDOW_MS + lag);
    assert.deepEqual(
      bed.closed.map(({ startMs, endMs }) => [startMs, endMs]),
      [0, 1, 2].map((i) => [OLDEST + i * WINDOW_MS, OLDEST + (i + 1) * WINDOW_MS]),
    );
  });

  it('counts what there is no window for while the main thread is late, and goes on after', () => {
    const bed = new Bed(0);
    bed.takesBack = false;
    bed.windows.advance(NOW + WINDOW_MS);
    bed.observe({ startMs: NOW + WINDOW_MS, endMs: NOW + WINDOW_MS, octets: 500 });
    bed.observe({ startMs: NOW, endMs: NOW + WINDOW_MS, packets: 100, octets: 10_000 });
    const { crowdedOutRecords, crowdedOutOctets, lateRecords } = bed.unmetered;
    assert.deepEqual([crowdedOutRecords, lateRecords], [2, 0]);
    assert(Math.abs(crowdedOutOctets - 5500) <= 100, `${crowdedOutOctets} octets`);
    bed.free.push(
      new Window({
        observed: 'flows',
        tenants: tenants.length,
        targetBits: 6,
        sourceBits: 6,
        details: 16,
        pairBits: 6,
      }),
    );
    bed.windows.advance(NOW + WINDOW_MS);
    bed.observe({ startMs: NOW + WINDOW_MS, endMs: NOW + WINDOW_MS, octets: 300 });
    assert.equal(bed.unmetered.crowdedOutRecords, 2);
  });

  it('begins anew when the clock is set by more than the windows reach, forward or back', () => {
    for (const jumpMs of [3_600_000, -3_600_000]) {
      const bed = new Bed(OPEN_WINDOWS);
      bed.observe({});
      bed.windows.advance(NOW + jumpMs);
      assert.equal(bed.closed.length, OPEN_WINDOWS);
      bed.observe({ startMs: NOW + jumpMs, endMs: NOW + jumpMs });
      bed.windows.advance(NOW + jumpMs + OPEN_WINDOWS * WINDOW_MS);
      assert.equal(sumOf(bed.closed, 'packets'), 20);
    }
  });

  it('says in a window what was lost, what was sampled most sparsely, and what nobody knows', () => {
    const bed = new Bed();
    bed.observe({ sampling: 100 });
    bed.observe({ sampling: 1000 });
    bed.windows.lose(3);
    bed.windows.lose(4);
    bed.observe({ startMs: NOW - 1000, endMs: NOW - 1000, sampling: null });
    const [before, last] = bed.finish();
    assert.deepEqual([before?.dropped, before?.sampling, before?.records], [0, null, 1]);
    assert.deepEqual([last?.dropped, last?.sampling, last?.records], [7, 1000, 2]);
    const unknown = new Bed();
    unknown.observe({});
    unknown.windows.lose(null);
    assert.equal(unknown.finish().at(-1)?.dropped, null);
  });

  it('counts sources and targets as packets are counted, with a line for whoever is seen twice', () => {
    const bed = new Bed();
    bed.observe({ from: '192.0.2.1', packets: 300, kind: TCP_SYN });
    bed.observe({ from: '192.0.2.2', packets: 1, to: '198.51.100.17', octets: 40 });
    bed.look = (window) => {
      if (window.received === 0) return;
      assert.deepEqual(
        [...sourcesOf(window)],
        [['192.0.2.1', { tenant: 0, packets: 300, syn: 300, udp: 0, answered: 0, refused: 0 }]],
      );
      assert.deepEqual(
        [...targetsOf(window)],
        [['198.51.100.9', { tenant: 1, packets: 300, bytes: 1000, kinds: { tcpSyn: 300 } }]],
      );
      assert.deepEqual(detailsOf(window).get('198.51.100.9')?.topSources, [['192.0.2.1', 1]]);
      assert.equal(window.tenantPackets(2, INBOUND, UDP), 1);
      assert.equal(window.tenantPackets(0, OUTBOUND, TCP_SYN), 300);
    };
    assert.equal(bed.finish().length, 1);
  });

  for (const targets of [2, 4, 8, 16]) {
    it(`knows who sends to each of ${targets} busy targets whose flows come in turn`, () => {
      const bed = new Bed();
      const names = Array.from({ length: targets }, (_, i) => `198.51.100.${i + 1}`);
      bed.look = (window) => {
        if (window.received === 0) return;
        const details = detailsOf(window);
        assert.deepEqual(
          names.map((name) => details.get(name)?.topSources),
          names.map(() => [['192.0.2.1', 1]]),
        );
      };
      for (let i = 0; i < 1000; i++) for (const to of names) bed.observe({ to, packets: 1 });
      assert.equal(sumOf(bed.finish(), 'records'), targets * 1000);
    });
  }

  it('is not turned over by absurd counts, nor flushed by 100,000 forged addresses', () => {
    const bed = new Bed();
    for (let i = 0; i < 3; i++) bed.observe({ packets: 2 ** 41, octets: 2 ** 47 });
    for (let i = 0; i < 100_000; i++)
      bed.observe({ from: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, packets: 1, octets: 40, kind: TCP_SYN });
    bed.look = (window) => {
      if (window.received === 0) return;
      assert.equal(targetsOf(window).get('198.51.100.9')?.packets, 0x7fff_ffff);
      assert(sourcesOf(window).has('192.0.2.1'));
      assert.equal(rowPackets(window.tenants, (ACME * 2 + INBOUND) * ROW), 3 * 2 ** 41 + 100_000);
    };
    assert.equal(bed.finish().length, 1);
  });
});

describe('flowWindowMs()', () => {
  for (const [timeoutMs, windowMs] of [
    [1000, 250],
    [3000, 250],
    [5000, 500],
    [60_000, 5000],
    [1_800_000, 150_000],
  ] as const)
    it(`is ${windowMs} ms for an active timeout of ${timeoutMs} ms, which its windows reach over`, () => {
      assert.equal(flowWindowMs(timeoutMs), windowMs);
      assert(flowLagMs(windowMs) >= timeoutMs);
    });
});
