import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Capture } from '../../daemon/metering/capture.ts';
import { INBOUND, rowPackets, ROW, TABLES } from '../../daemon/metering/window.ts';
import type { ProbeStatistics } from '../../probes/probe.ts';
import { loadLibc } from '../../probes/libc.ts';
import { RING_DEFAULTS } from '../../probes/ring/ringOptions.ts';
import { blockOf, frame } from '../support/frames.ts';
import { addNamespaces, enterNamespace, inNamespace, ip, joinByVeth, removeNamespaces } from '../support/namespace.ts';
import { sendFrames } from '../support/packetSender.ts';
import { testTenant } from '../support/windowBuilder.ts';

const NEAR = 'wr-capt';
const FAR = 'wr-captfar';
const TENANTS = [testTenant('acme', ['198.51.100.8/29'])];
const bytes = frame({ source: '192.0.2.1', destination: '198.51.100.9', protocol: 'udp' });
const RLIMIT_NOFILE = 7;

const send = (packets: number): void => {
  inNamespace(FAR, () => sendFrames('far0', blockOf([{ bytes }]), { packets }));
};

interface Seen {
  packets: number;
  statistics: ProbeStatistics;
}

/** A capture on near0, what it saw, and waits for it to have seen or said something. */
class CaptureBed {
  readonly seen: Seen = { packets: 0, statistics: { received: 0, dropped: null, state: 'absent', reattached: 0 } };
  readonly deaths: string[] = [];
  readonly capture: Capture;
  /** Called at once when a worker died. */
  onDeath: () => void = () => {};
  #look: () => void = () => {};

  constructor(interfaceName = 'near0') {
    this.capture = new Capture({
      probe: { ...RING_DEFAULTS, kind: 'ring', interface: interfaceName, blockBytes: 65_536, blocks: 4 },
      tenants: TENANTS,
      shape: { tenants: TENANTS.length, ...TABLES.tenant },
      hashSeed: 1,
      portTenant: 0,
      onWindow: (window, statistics) => {
        this.seen.packets += rowPackets(window.tenants, (2 + INBOUND) * ROW);
        this.seen.statistics = statistics;
        this.#look();
      },
      onDeath: (reason) => {
        this.deaths.push(reason);
        this.onDeath();
        this.#look();
      },
    });
  }

  until(condition: (bed: this) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#look = () => {
      if (condition(this)) resolve();
    };
    this.#look();
    return promise;
  }
}

describe('Capture', () => {
  let leave: () => void;
  before(() => addNamespaces(NEAR, FAR));
  after(() => removeNamespaces(NEAR, FAR));
  beforeEach(() => {
    joinByVeth([NEAR, 'near0'], [FAR, 'far0']);
    leave = enterNamespace(NEAR);
  });
  afterEach(() => {
    leave();
    ip('-n', FAR, 'link', 'delete', 'far0');
  });

  it('gives windows with every packet, also when the main thread is late, and ends its thread with stop()', async () => {
    const bed = new CaptureBed();
    await bed.capture.start();
    assert.equal(bed.capture.state, 'up');
    for (let batch = 0; batch < 8; batch++) {
      // The thread is held up: longer than there are free windows.
      inNamespace(FAR, () => sendFrames('far0', blockOf([{ bytes }]), { packets: 1000, packetsPerSecond: 4000 }));
    }
    await bed.until(({ seen }) => seen.statistics.received === 8000 && seen.packets === 8000);
    assert.deepEqual(bed.seen.statistics, { received: 8000, dropped: 0, state: 'up', reattached: 0 });
    await bed.capture.stop();
    await bed.capture.stop();
    assert.deepEqual([bed.deaths, bed.capture.restarts], [[], 0]);
  });

  it('rejects with the reason of the probe when it cannot start, and does not try again', async () => {
    const bed = new CaptureBed('nosuch0');
    await assert.rejects(bed.capture.start(), /^Error: Cannot capture on nosuch0: no such interface \(there are: /);
    assert.deepEqual([bed.deaths, bed.capture.restarts], [[], 0]);
    await bed.capture.stop();
  });

  it('settles a start() that is overtaken by stop()', async () => {
    const bed = new CaptureBed();
    const [started] = await Promise.allSettled([bed.capture.start(), bed.capture.stop()]);
    assert.match(started.status, /^(fulfilled|rejected)$/);
    assert.deepEqual([bed.deaths, bed.capture.restarts], [[], 0]);
  });

  it('starts a worker that died again, counts and says it, and goes on counting from before', async () => {
    const bed = new CaptureBed();
    await bed.capture.start();
    send(100);
    await bed.until(({ seen }) => seen.packets === 100);
    ip('link', 'delete', 'near0');
    await bed.until(({ seen }) => seen.statistics.state === 'absent');

    const remake = spawn('sh', [
      '-c',
      `read go; ip -n ${NEAR} link add near0 up type veth peer name far0 netns ${FAR}`,
    ]);
    await once(remake, 'spawn');
    const restoreFiles = allowNoMoreFiles();
    bed.onDeath = restoreFiles;
    remake.stdin.end('go\n');
    await bed.until(({ deaths }) => deaths.length === 1);
    assert.match(bed.deaths[0] ?? '', /^Cannot .* on near0: too many open files/);
    assert.deepEqual([bed.capture.state, bed.capture.restarts], ['dead', 1]);

    ip('-n', FAR, 'link', 'set', 'far0', 'up');
    await bed.until(({ seen }) => seen.statistics.state === 'up');
    send(10);
    await bed.until(({ seen }) => seen.packets === 110);
    assert.deepEqual(bed.seen.statistics, { received: 110, dropped: 0, state: 'up', reattached: 0 });
    await bed.capture.stop();
    assert.equal(bed.deaths.length, 1);
  });
});

/** Has every open(2) and socket(2) of this process fail (EMFILE); returns the way back. */
function allowNoMoreFiles(): () => void {
  const getrlimit = loadLibc().declare('int getrlimit(int resource, void *limit)');
  const setrlimit = loadLibc().declare('int setrlimit(int resource, const void *limit)');
  const [limit, none] = [new BigUint64Array(2), new BigUint64Array(2)];
  assert.equal(getrlimit(RLIMIT_NOFILE, limit), 0);
  none.set([3n, limit[1] ?? 0n]);
  assert.equal(setrlimit(RLIMIT_NOFILE, none), 0);
  return () => assert.equal(setrlimit(RLIMIT_NOFILE, limit), 0);
}
