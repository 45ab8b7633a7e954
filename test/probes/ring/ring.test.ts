import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { FRAME_OUTGOING, LINKTYPE_ETHERNET, LINKTYPE_RAW, type PacketProbe } from '../../../probes/probe.ts';
import { openRing } from '../../../probes/ring/ring.ts';
import { blockOf, frame, type FrameSpec } from '../../support/frames.ts';
import { addNamespaces, inNamespace, ip, joinByVeth, removeNamespaces } from '../../support/namespace.ts';
import { sendFrames } from '../../support/packetSender.ts';
import { readFrames } from '../../support/ringReader.ts';
import { openTun } from '../../support/tun.ts';

type Options = Partial<Parameters<typeof openRing>[0]>;

const NEAR = 'wr-near';
const FAR = 'wr-far';
const NEAR_ADDRESS = '198.51.100.1';
const FAR_ADDRESS = '198.51.100.2';
const SOURCE = { source: '192.0.2.1', destination: NEAR_ADDRESS, protocol: 'udp' } as const;

const send = (frames: readonly Uint8Array[], packets = frames.length): void => {
  const list = blockOf(frames.map((bytes) => ({ bytes })));
  inNamespace(FAR, () => sendFrames('far0', list, { packets, packetsPerSecond: 200_000 }));
};

/** A ring on near0, for as long as `use` takes. */
function withRing<T>(options: Options, use: (probe: PacketProbe) => T): T {
  const probe = inNamespace(NEAR, () => openRing({ interface: 'near0', ...options }));
  try {
    return use(probe);
  } finally {
    probe.close();
  }
}

const receive = (spec: FrameSpec, options: Options = {}) =>
  withRing(options, (probe) => {
    send([frame(spec)]);
    return readFrames(probe);
  });

function promiscuity(): unknown {
  const links: { promiscuity: unknown }[] = JSON.parse(ip('-n', NEAR, '-j', '-d', 'link', 'show', 'near0'));
  return links[0]?.promiscuity;
}

describe('openRing', () => {
  before(() => {
    addNamespaces(NEAR, FAR);
    joinByVeth([NEAR, 'near0'], [FAR, 'far0']);
    ip('-n', NEAR, 'address', 'add', `${NEAR_ADDRESS}/24`, 'dev', 'near0');
    ip('-n', FAR, 'address', 'add', `${FAR_ADDRESS}/24`, 'dev', 'far0');
  });
  after(() => removeNamespaces(NEAR, FAR));

  it('hands over every frame that was sent, byte by byte and in order', () => {
    const sent = Array.from({ length: 500 }, (_, i) => frame({ ...SOURCE, sourcePort: 10_000 + i, payload: i % 80 }));
    const before = Date.now();
    const received = withRing({}, (probe) => {
      send(sent);
      return readFrames(probe);
    });
    assert.deepEqual(
      received.map(({ bytes }) => bytes),
      sent,
    );
    assert.ok(received.every(({ timeMs }, i) => timeMs >= (received[i - 1]?.timeMs ?? before - 1)));
    assert.ok(received.every(({ timeMs }) => timeMs <= Date.now()));
    assert.ok(received.every(({ wireLength, bytes }) => wireLength === bytes.length));
  });

  it('hands over 300,000 frames through a ring that turns round many times, and counts them', () => {
    const packets = 300_000;
    const list = blockOf(Array.from({ length: 64 }, () => ({ bytes: frame({ ...SOURCE, payload: 18 }) })));
    withRing({ blockBytes: 65_536, blocks: 16 }, (probe) => {
      let count = 0;
      let bytes = 0;
      for (let sent = 0; sent < packets; sent += 5000) {
        inNamespace(FAR, () => sendFrames('far0', list, { packets: 5000 }));
        const isLast = sent + 5000 === packets;
        for (const { wireLength } of readFrames(probe, isLast ? 50 : 0)) {
          count++;
          bytes += wireLength;
        }
      }
      assert.deepEqual([count, bytes], [packets, packets * 60]);
      assert.deepEqual(probe.statistics(), { received: packets, dropped: 0, state: 'up', reattached: 0 });
    });
  });

  it('captures headers of ordinary packets and the whole of signalling, in IPv4 and IPv6', () => {
    const V6 = { source: '2001:db8::1', destination: '2001:db8::2', protocol: 'udp' } as const;
    for (const spec of [SOURCE, V6]) {
      const [media] = receive({ ...spec, destinationPort: 10_000, payload: 900 });
      const [signalling] = receive({ ...spec, destinationPort: 5060, payload: 900 });
      assert.equal(media?.bytes.length, 128);
      assert.equal(signalling?.bytes.length, signalling?.wireLength);
      assert.equal(media?.wireLength, signalling?.wireLength);
    }
    const [short] = receive({ ...SOURCE, payload: 900 }, { snapLength: 64 });
    assert.equal(short?.bytes.length, 64);
  });

  it('gives the VLAN tag that the kernel took out, and the length with it', () => {
    const tagged = frame({ ...SOURCE, payload: 900, destinationPort: 5060, vlans: [0x6005] });
    const [one] = receive({ ...SOURCE, payload: 900, destinationPort: 5060, vlans: [0x6005] });
    assert.equal(one?.vlanTag, 0x8100_6005);
    assert.equal(one?.wireLength, tagged.length);
    assert.deepEqual(one?.bytes, frame({ ...SOURCE, payload: 900, destinationPort: 5060 }));
  });

  it('leaves the inner of two VLAN tags in the frame', () => {
    const [one] = receive({ ...SOURCE, payload: 900, destinationPort: 5060, vlans: [7, 8] });
    assert.equal(one?.vlanTag, 0x8100_0007);
    assert.deepEqual(one?.bytes, frame({ ...SOURCE, payload: 900, destinationPort: 5060, vlans: [8] }));
  });

  it('tells own packets from received ones', () => {
    const frames = withRing({}, (probe) => {
      inNamespace(NEAR, () =>
        execFileSync('hping3', ['-q', '-1', '-c', '3', '-i', 'u1000', FAR_ADDRESS], { stdio: 'pipe' }),
      );
      return readFrames(probe);
    });
    const echo = frames.filter(({ bytes }) => bytes[12] === 8 && bytes[13] === 0 && bytes[23] === 1);
    const REQUEST = 8;
    assert.deepEqual(
      echo.map(({ bytes, flags }) => [bytes[34], (flags & FRAME_OUTGOING) !== 0]),
      Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? [REQUEST, true] : [0, false])),
    );
  });

  it('sees each packet of the loopback device once', () => {
    const frames = withRing({ interface: 'lo' }, (probe) => {
      inNamespace(NEAR, () =>
        execFileSync('hping3', ['-q', '-1', '-c', '3', '-i', 'u1000', '127.0.0.1'], { stdio: 'pipe' }),
      );
      return readFrames(probe);
    });
    assert.equal(frames.filter(({ bytes }) => bytes[23] === 1).length, 6);
  });

  it('captures bare IP packets on a device without a layer 2', () => {
    const tun = openTun(NEAR, 'wrtun');
    const packet = frame({ ...SOURCE, payload: 300, destinationPort: 5060 }).subarray(14);
    withRing({ interface: 'wrtun' }, (probe) => {
      writeSync(tun, packet);
      const block = probe.next(1000);
      assert.ok(block !== null);
      assert.equal(block.linkType, LINKTYPE_RAW);
      assert.deepEqual(block.bytes.slice(block.offsets[0], block.offsets[0]! + block.capturedLengths[0]!), packet);
    });
    closeSync(tun);
  });

  it('counts what finds no room in the ring', () => {
    withRing({ blockBytes: 4096, blocks: 4 }, (probe) => {
      send([frame({ ...SOURCE, payload: 100 })], 10_000);
      const delivered = readFrames(probe).length;
      const { received, dropped } = probe.statistics();
      assert.equal(received, delivered);
      assert.equal(dropped, 10_000 - delivered);
      assert.ok(delivered > 0 && delivered < 1000);
    });
  });

  it('goes on after it was full', () => {
    withRing({ blockBytes: 4096, blocks: 4 }, (probe) => {
      send([frame({ ...SOURCE, payload: 100 })], 1000);
      readFrames(probe);
      send([frame({ ...SOURCE, sourcePort: 9 })], 5);
      assert.equal(readFrames(probe).length, 5);
    });
  });

  it('is promiscuous only on request, and no longer than it is open', () => {
    withRing({}, () => assert.equal(promiscuity(), 0));
    withRing({ promiscuous: true }, () => assert.equal(promiscuity(), 1));
    assert.equal(promiscuity(), 0);
  });

  it('waits as long as it was told where nothing comes, without burning the processor', () => {
    withRing({}, (probe) => {
      const start = performance.now();
      const cpu = process.cpuUsage();
      assert.equal(probe.next(600), null);
      const { user, system } = process.cpuUsage(cpu);
      assert.ok(performance.now() - start >= 599);
      // All threads of the process count, the compiler's too; spinning would take all of the 600 ms.
      assert.ok(user + system < 300_000, `${user + system} µs`);
      assert.equal(probe.next(0), null);
    });
  });

  it('hands over a single frame as soon as its block is retired', () => {
    withRing({ retireMs: 10 }, (probe) => {
      send([frame(SOURCE)]);
      const start = performance.now();
      assert.equal(probe.next(5000)?.count, 1);
      assert.ok(performance.now() - start < 1000);
    });
  });

  it('refuses a second block before the first is released, and a block that is not its own', () => {
    withRing({}, (probe) => {
      send([frame(SOURCE)]);
      const block = probe.next(1000);
      assert.equal(block?.linkType, LINKTYPE_ETHERNET);
      assert.throws(() => probe.next(0), /not released/);
      assert.throws(() => probe.release(blockOf([])), /not the last one/);
    });
  });

  it('leaves nothing to read behind when it is closed, twice as well as once', () => {
    const [probe, block] = withRing({}, (open) => {
      send([frame(SOURCE)]);
      return [open, open.next(1000)] as const;
    });
    probe.close();
    assert.ok(block !== null);
    assert.equal(block.bytes.length, 0);
    probe.release(block);
    assert.throws(() => probe.next(0), /closed/);
    assert.deepEqual(probe.statistics(), { received: 1, dropped: 0, state: 'ended', reattached: 0 });
  });

  it('works in a worker thread', async () => {
    const source = `
      import { parentPort } from 'node:worker_threads';
      import { openRing } from ${JSON.stringify(import.meta.resolve('../../../probes/ring/ring.ts'))};
      const probe = openRing({ interface: 'near0' });
      parentPort.postMessage('open');
      const block = probe.next(5000);
      parentPort.postMessage(block?.count);
      probe.close();`;
    const worker = inNamespace(NEAR, () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`)));
    const messages: unknown[] = [];
    const ended = new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
    worker.on('message', (message) => {
      messages.push(message);
      if (message === 'open') send([frame(SOURCE)]);
    });
    await ended;
    assert.deepEqual(messages, ['open', 1]);
  });
});
