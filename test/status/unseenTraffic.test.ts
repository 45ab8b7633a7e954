import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Meter } from '../../daemon/metering/meter.ts';
import { Tick } from '../../daemon/metering/tick.ts';
import { Window, WINDOW_MS } from '../../daemon/metering/window.ts';
import { type InterfaceBytes, UnseenTraffic } from '../../daemon/status/unseenTraffic.ts';
import type { PacketProbe } from '../../probes/probe.ts';
import { openRing } from '../../probes/ring/ring.ts';
import { blockOf, frame } from '../support/frames.ts';
import { addNamespaces, inNamespace, ip, joinByVeth, removeNamespaces } from '../support/namespace.ts';
import { sendFrames, type SendReport } from '../support/packetSender.ts';

const SHAPE = { tenants: 0, targetBits: 4, sourceBits: 4, details: 1, pairBits: 6 } as const;
const NEAR = 'wr-slf-near';
const FAR = 'wr-slf-far';
const SMALL_RING = { blockBytes: 65_536, blocks: 4 };
const DATAGRAM = frame({ source: '192.0.2.1', destination: '198.51.100.1', protocol: 'udp', payload: 400 });

/** A window of so many frames of 1,000 bytes, `seconds` after the start. */
function windowAt(seconds: number, { frames = 0, dropped = 0, segmentHeaderBytes = 0 } = {}): Window {
  const window = new Window(SHAPE);
  window.open(seconds * 1000 - WINDOW_MS);
  window.totals[0] = frames;
  window.close(seconds * 1000, frames, dropped);
  window.captured(frames * 1000, segmentHeaderBytes, null);
  return window;
}

/** A second of windows, then counters, over and over: what is unseen after each. */
function compare(rounds: readonly { frames: number; counted: number; dropped?: number; reattached?: number }[]) {
  const unseen = new UnseenTraffic();
  let received = 5_000_000;
  let reattached = 0;
  const told = rounds.map((round, i) => {
    reattached = round.reattached ?? reattached;
    received = round.counted < 0 ? 0 : received + round.counted * 1000;
    const at = i * 10 + 1;
    unseen.observeWindow(windowAt(at, { frames: round.frames, dropped: round.dropped ?? 0 }), reattached);
    unseen.observeCounters(at * 1000 + 1000, { received, sent: 777 });
    unseen.observeWindow(windowAt(at + 2), reattached);
    return unseen.bytes;
  });
  return { told, packets: unseen.packets };
}
const same = (frames: number) => ({ frames, counted: frames });

describe('UnseenTraffic', () => {
  it('is not known before three readings, and nothing where all was captured', () => {
    assert.deepEqual(compare([same(100), same(100), same(100), same(5000)]).told, [null, null, 0, 0]);
  });

  it('tells what neither was captured nor counted as lost, once a second reading confirms it', () => {
    const { told, packets } = compare([same(100), { frames: 1000, counted: 3000 }, same(100), same(100)]);
    assert.deepEqual(told, [null, null, 1_967_000, 1_967_000]);
    assert.equal(packets, 1967);
  });

  const explained: [string, Parameters<typeof compare>[0]][] = [
    ['what is counted as lost', [same(100), { frames: 1000, counted: 3000, dropped: 2000 }, same(100), same(100)]],
    ['a reading that came late', [same(100), { frames: 1000, counted: 1500 }, { frames: 1000, counted: 500 }, same(9)]],
    ['tags and checksums that a card counts', [same(100), { frames: 1000, counted: 1028 }, same(0), same(0)]],
    ['counters that began anew', [same(100), { frames: 10, counted: -1 }, same(10), same(10), same(10)]],
    [
      'an interface that was made anew, and has counted more since',
      [same(100), { frames: 10, counted: 1e6, reattached: 1 }, same(10), same(10), same(10)],
    ],
  ];
  for (const [title, rounds] of explained) {
    it(`is explained by ${title}`, () => assert.equal(compare(rounds).told.at(-1), 0));
  }

  it('is explained by the headers that the segments of super-packets have of their own', () => {
    const unseen = new UnseenTraffic();
    [0, 100_000, 100_000].forEach((received, i) => {
      unseen.observeWindow(windowAt(i * 10 + 1, { frames: 90, segmentHeaderBytes: 10_000 }), 0);
      unseen.observeCounters(i * 10_000 + 2000, { received, sent: 0 });
      unseen.observeWindow(windowAt(i * 10 + 3), 0);
    });
    assert.equal(unseen.bytes, 0);
  });

  it('waits for the windows of a worker that is dead, and tells what passed meanwhile', () => {
    const unseen = new UnseenTraffic();
    unseen.observeWindow(windowAt(1, { frames: 100 }), 0);
    for (const at of [2, 12, 22]) unseen.observeCounters(at * 1000, { received: at * 100_000, sent: 0 });
    unseen.observeWindow(windowAt(23), 0);
    for (const at of [32, 42]) {
      unseen.observeCounters(at * 1000, { received: at * 100_000, sent: 0 });
      unseen.observeWindow(windowAt(at + 1), 0);
    }
    assert.equal(unseen.bytes, 1_000_000);
  });

  it('begins anew when the clock is set back', () => {
    const unseen = new UnseenTraffic();
    for (const start of [100, 0]) {
      for (const at of [1, 11, 21]) {
        unseen.observeWindow(windowAt(start + at, { frames: 100 }), 0);
        unseen.observeCounters((start + at + 1) * 1000, { received: at * 10_000, sent: 0 });
        unseen.observeWindow(windowAt(start + at + 2), 0);
      }
    }
    assert.equal(unseen.bytes, 0);
  });

  describe('on a veth', () => {
    let server: ChildProcess;

    before(async () => {
      addNamespaces(NEAR, FAR);
      joinByVeth([NEAR, 'near0'], [FAR, 'far0']);
      ip('-n', NEAR, 'address', 'add', '198.51.100.1/24', 'dev', 'near0');
      ip('-n', FAR, 'address', 'add', '198.51.100.2/24', 'dev', 'far0');
      server = spawn('ip', ['netns', 'exec', NEAR, 'iperf3', '--server', '--forceflush']);
      assert(server.stdout !== null);
      await once(server.stdout, 'data');
    });
    after(async () => {
      server.kill();
      await once(server, 'exit');
      removeNamespaces(NEAR, FAR);
    });

    it('is nothing where every packet was captured', () => {
      const { unseen, dropped } = watch({}, () => void send(50_000, 100_000));
      assert.deepEqual([unseen, dropped], [0, 0]);
    });

    it('is nothing under TCP in super-packets', async () => {
      let exited: Promise<unknown[]> = Promise.resolve([]);
      const { unseen, frames, packets, bytes } = watch({}, (capture) => {
        const words = ['netns', 'exec', FAR, 'iperf3', '--client', '198.51.100.1', '--time', '1'];
        exited = once(spawn('ip', words, { stdio: 'ignore' }), 'exit');
        capture(1500);
      });
      assert.deepEqual(await exited, [0, null]);
      assert(bytes > 50e6 && packets > 3 * frames, `${bytes} bytes in ${frames} frames, ${packets} packets`);
      assert.equal(unseen, 0);
    });

    it('is nothing where what was lost is counted: a reader that stands still, a ring that is full', () => {
      const { unseen, dropped } = watch(SMALL_RING, () => void send(20_000, Infinity));
      assert(dropped > 10_000, `${dropped} lost`);
      assert.equal(unseen, 0);
    });

    it('is what passed while nobody captured', () => {
      let sent = 0;
      const { unseen } = watch({}, (capture, pause) => {
        capture(100);
        pause(() => (sent = send(50_000, Infinity).bytes));
      });
      assert(unseen !== null && unseen > sent * 0.9 && unseen <= sent, `${unseen} of ${sent}`);
    });
  });
});

const send = (packets: number, packetsPerSecond: number): SendReport =>
  inNamespace(FAR, () => sendFrames('far0', blockOf([{ bytes: DATAGRAM }]), { packets, packetsPerSecond }));

function countersOf(name: string): InterfaceBytes {
  const [link]: { stats64: { rx: { bytes: number }; tx: { bytes: number } } }[] = JSON.parse(
    ip('-n', NEAR, '-s', '-j', 'link', 'show', name),
  );
  assert(link !== undefined);
  return { received: link.stats64.rx.bytes, sent: link.stats64.tx.bytes };
}

/** Captures on near0 while `act` lasts, and compares with the kernel's counters before it, after it, and once more. */
function watch(
  ring: Partial<Parameters<typeof openRing>[0]>,
  act: (capture: (ms: number) => void, pause: (during: () => void) => void) => void,
) {
  const unseen = new UnseenTraffic();
  const window = new Window(SHAPE);
  const seen = { frames: 0, packets: 0, bytes: 0, dropped: 0 };
  const open = (): PacketProbe => inNamespace(NEAR, () => openRing({ interface: 'near0', ...ring }));
  let probe = open();
  const tick = new Tick({
    meter: new Meter({ lookup: () => 0 }, window),
    nextWindow: () => window,
    onWindow: () => {
      seen.frames += window.received;
      seen.packets += window.totals.reduce((sum, count, column) => sum + (column < 10 ? count : 0), 0);
      seen.bytes += window.capturedBytes;
      seen.dropped += window.dropped ?? 0;
      unseen.observeWindow(window, 0);
    },
    dropped: () => probe.statistics().dropped,
  });
  const capture = (ms: number): void => {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs) {
      const block = probe.next(20);
      if (block === null) tick.advance(Date.now() - 21);
      else {
        tick.observe(block);
        probe.release(block);
      }
    }
  };
  const read = (): void => {
    unseen.observeCounters(Date.now(), countersOf('near0'));
    capture(850);
  };
  capture(850);
  read();
  act(capture, (during) => {
    probe.close();
    during();
    probe = open();
  });
  capture(850);
  read();
  read();
  probe.close();
  return { unseen: unseen.bytes, ...seen };
}
