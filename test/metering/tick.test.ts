import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Meter } from '../../daemon/metering/meter.ts';
import { Tick } from '../../daemon/metering/tick.ts';
import { rowPackets, Window, WINDOW_MS } from '../../daemon/metering/window.ts';
import { blockOf, frame, type TimedFrame } from '../support/frames.ts';
import { tenantsOf } from './readWindow.ts';

/** 1 March 2026, as a capture has it. */
const EPOCH_MS = 1_772_323_200_000;
/** Packets further back than this are of a clock that was set back. */
const CLOCK_SET_BACK_MS = 1000;
/** The k-th tick's packets come from tenant k + 1, so that a window's rows tell whose packets it holds. */
const TICKS = 64;
const SHAPE = { tenants: TICKS, targetBits: 2, sourceBits: 2, details: 1, pairBits: 6 } as const;
const directory = { lookup: (_w0: number, _w1: number, _w2: number, w3: number) => w3 & 255 };
const packets = Array.from({ length: TICKS }, (_, i) =>
  frame({ source: `192.0.2.${i + 1}`, destination: '203.0.113.0', protocol: 'udp' }),
);

const packetAt = (timeMs: number): TimedFrame => ({
  bytes: packets[Math.floor(timeMs / WINDOW_MS)] ?? assert.fail(String(timeMs)),
  timeMs: EPOCH_MS + timeMs,
});

interface Seen {
  readonly startMs: number;
  readonly endMs: number;
  readonly received: number;
  readonly dropped: number | null;
  readonly metered: number;
  /** Ticks whose packets it holds. */
  readonly ticks: readonly number[];
}

const read = (window: Window): Seen => ({
  startMs: window.startMs - EPOCH_MS,
  endMs: window.endMs - EPOCH_MS,
  received: window.received,
  dropped: window.dropped,
  metered: rowPackets(window.totals, 0),
  ticks: [...tenantsOf(window).keys()].filter((row) => row.endsWith('outbound')).map((row) => Number.parseInt(row) - 1),
});

interface Options {
  /** Whether a window is free, asked again and again. */
  readonly free?: () => boolean;
  readonly dropped?: () => number | null;
}

const window = new Window(SHAPE);
const meter = new Meter(directory, window);

/** A tick whose one window is read as soon as it is closed. */
function start({ free = () => true, dropped = () => 0 }: Options = {}) {
  const seen: Seen[] = [];
  const tick = new Tick({
    meter,
    nextWindow: () => (free() ? window : null),
    onWindow: (closed) => seen.push(read(closed)),
    dropped,
  });
  /** Times in milliseconds since EPOCH_MS. */
  const observe = (...times: readonly number[]): void => {
    tick.observe(blockOf(times.map(packetAt)));
  };
  return { tick, seen, observe };
}

const spans = (seen: readonly Seen[]) => seen.map(({ startMs, endMs, received }) => [startMs, endMs, received]);
const sum = (seen: readonly Seen[], field: 'received' | 'metered'): number =>
  seen.reduce((total, one) => total + one[field], 0);

const time = fc.integer({ min: 0, max: TICKS * WINDOW_MS - 1 });
/** Cut into blocks of one size. */
function observeInBlocks(observe: (...times: number[]) => void, times: readonly number[], size: number): void {
  for (let at = 0; at < times.length; at += size) observe(...times.slice(at, at + size));
}

describe('Tick', () => {
  it('closes one window per 250 ms of packet time in which there are packets', () => {
    fc.assert(
      fc.property(
        fc.array(time, { maxLength: 200, size: 'max' }),
        fc.integer({ min: 1, max: 64 }),
        (unordered, size) => {
          const times = unordered.toSorted((a, b) => a - b);
          const { tick, seen, observe } = start();
          observeInBlocks(observe, times, size);
          tick.finish();
          const byTick = Map.groupBy(times, (at) => Math.floor(at / WINDOW_MS));
          assert.deepEqual(
            seen,
            [...byTick].map(([index, { length }]) => ({
              startMs: index * WINDOW_MS,
              endMs: (index + 1) * WINDOW_MS,
              received: length,
              dropped: 0,
              metered: length,
              ticks: [index],
            })),
          );
        },
      ),
    );
  });

  it('meters every packet once, in a window not far from its time, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(time, { maxLength: 200, size: 'max' }), fc.integer({ min: 1, max: 64 }), (times, size) => {
        const { tick, seen, observe } = start();
        observeInBlocks(observe, times, size);
        tick.finish();
        assert.equal(sum(seen, 'received'), times.length);
        assert.equal(sum(seen, 'metered'), times.length);
        for (const { startMs, endMs, ticks } of seen) {
          assert.deepEqual([startMs % WINDOW_MS, endMs - startMs], [0, WINDOW_MS]);
          for (const index of ticks)
            assert(
              index * WINDOW_MS < endMs && (index + 1) * WINDOW_MS > startMs - CLOCK_SET_BACK_MS,
              `${startMs}: ${index}`,
            );
        }
      }),
    );
  });

  it('loses nothing while no window is free', () => {
    const often = fc.infiniteStream(fc.boolean());
    fc.assert(
      fc.property(fc.array(time, { maxLength: 200, size: 'max' }), often, (times, isFree) => {
        let asked = 0;
        const { tick, seen, observe } = start({ free: () => (asked++ === 0 ? true : isFree.next().value) });
        observeInBlocks(observe, times, 16);
        tick.finish();
        assert.equal(sum(seen, 'received'), times.length);
        assert.equal(sum(seen, 'metered'), times.length);
        for (const { startMs, endMs } of seen) {
          assert(endMs > startMs, `${startMs} … ${endMs}`);
          assert.deepEqual([startMs % WINDOW_MS, endMs % WINDOW_MS], [0, 0]);
        }
      }),
    );
  });

  it('lets a window last until another is free', () => {
    let isFree = true;
    const { tick, seen, observe } = start({ free: () => isFree });
    observe(0);
    isFree = false;
    observe(300, 600);
    isFree = true;
    observe(700, 1000);
    tick.finish();
    assert.deepEqual(spans(seen), [
      [0, 750, 4],
      [1000, 1250, 1],
    ]);
  });

  it('keeps an extended window whole when the clock is set back', () => {
    let isFree = true;
    const { tick, seen, observe } = start({ free: () => isFree });
    observe(9000);
    isFree = false;
    observe(9300, 100, 200);
    tick.finish();
    assert.deepEqual(spans(seen), [[9000, 9500, 4]]);
  });

  it('refuses to begin without a window', () => {
    const { observe } = start({ free: () => false });
    assert.throws(() => observe(0), RangeError);
  });

  it('begins anew where a clock is set back to', () => {
    const { tick, seen, observe } = start();
    observe(9000, 9100, 7900, 8000, 9300);
    tick.finish();
    assert.deepEqual(spans(seen), [
      [9000, 9250, 2],
      [7750, 8000, 1],
      [8000, 8250, 1],
      [9250, 9500, 1],
    ]);
  });

  it('keeps packets that a card gave out of order in the open window', () => {
    const { tick, seen, observe } = start();
    observe(1250, 1249, 1251, 1248, 1260);
    tick.finish();
    assert.deepEqual(spans(seen), [[1250, 1500, 5]]);
  });

  it('looks at every time of a block, not at its last only', () => {
    const { tick, seen, observe } = start();
    observe(0, 300, 10);
    tick.finish();
    assert.deepEqual(spans(seen), [
      [0, 250, 1],
      [250, 500, 2],
    ]);
  });

  it('closes windows in silence, when the time is told', () => {
    const { tick, seen, observe } = start();
    observe(100);
    for (const now of [200, 249, 250, 499, 500, 3000]) tick.advance(EPOCH_MS + now);
    observe(3100);
    tick.finish();
    assert.deepEqual(spans(seen), [
      [0, 250, 1],
      [250, 500, 0],
      [500, 750, 0],
      [3000, 3250, 1],
    ]);
  });

  it('does not turn back for a told time that lags behind the packets', () => {
    const { tick, seen, observe } = start();
    observe(1250);
    tick.advance(EPOCH_MS + 1000);
    tick.finish();
    assert.deepEqual(spans(seen), [[1250, 1500, 1]]);
  });

  it('tells the losses of each window, and that they are unknown', () => {
    let dropped: number | null = 3;
    const { tick, seen, observe } = start({ dropped: () => dropped });
    for (const [at, total] of [
      [0, 3],
      [250, 10],
      [500, 10],
      [750, null],
      [1000, 15],
    ] as const) {
      observe(at);
      dropped = total;
      tick.finish();
    }
    assert.deepEqual(
      seen.map((one) => one.dropped),
      [3, 7, 0, null, 5],
    );
  });

  it("tells each window's bytes, its last packet and how the clock was set meanwhile", () => {
    const told: unknown[] = [];
    const tick = new Tick({
      meter,
      nextWindow: () => window,
      onWindow: ({ capturedBytes, segmentHeaderBytes, lastPacketMs, clockJumpMs }) =>
        told.push([capturedBytes, segmentHeaderBytes, lastPacketMs, clockJumpMs]),
      dropped: () => 0,
    });
    const bytes = packets[0] ?? assert.fail();
    const superPacket = { bytes, timeMs: EPOCH_MS + 100, wireLength: 3000, segmentSize: 1000 };
    tick.observe(blockOf([{ bytes, timeMs: EPOCH_MS }, superPacket]));
    tick.clockJumped(-500);
    tick.advance(EPOCH_MS + 250);
    tick.advance(EPOCH_MS + 500);
    tick.finish();
    assert.deepEqual(told, [
      [bytes.length + 3000, 3 * 90, EPOCH_MS + 100, -500],
      [0, 0, null, 0],
      [0, 0, null, 0],
    ]);
  });

  it('opens another window for what comes after the end', () => {
    const { tick, seen, observe } = start();
    observe(0);
    tick.finish();
    observe(1);
    tick.finish();
    assert.deepEqual(spans(seen), [
      [0, 250, 1],
      [0, 250, 1],
    ]);
  });

  it('closes nothing before the first packet, nor twice', () => {
    const { tick, seen, observe } = start();
    tick.finish();
    observe(0);
    tick.finish();
    tick.finish();
    assert.equal(seen.length, 1);
  });

  it('survives times that are none', () => {
    const { tick, seen } = start();
    const bytes = packets[0] ?? assert.fail();
    tick.observe(blockOf([-1, NaN, Infinity, -Infinity, -1, 0, 1e18].map((timeMs) => ({ bytes, timeMs }))));
    tick.finish();
    assert.equal(sum(seen, 'received'), 7);
    assert.equal(sum(seen, 'metered'), 7);
  });
});
