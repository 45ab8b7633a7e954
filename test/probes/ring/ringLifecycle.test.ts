import assert from 'node:assert/strict';
import type { PacketProbe } from '../../../probes/probe.ts';
import { openRing } from '../../../probes/ring/ring.ts';
import { blockOf, frame } from '../../support/frames.ts';
import { addNamespaces, inNamespace, ip, joinByVeth, removeNamespaces } from '../../support/namespace.ts';
import { sendFrames } from '../../support/packetSender.ts';
import { readFrames, waitForState } from '../../support/ringReader.ts';

const NEAR = 'wr-life';
const FAR = 'wr-lifefar';
const bytes = frame({ source: '192.0.2.1', destination: '198.51.100.1', protocol: 'udp' });

const send = (packets: number): void => {
  inNamespace(FAR, () => sendFrames('far0', blockOf([{ bytes }]), { packets }));
};
const join = (): void => joinByVeth([NEAR, 'near0'], [FAR, 'far0']);
const link = (...words: string[]): string => ip('-n', NEAR, 'link', ...words);
const open = (options = {}): PacketProbe => openRing({ interface: 'near0', blockBytes: 65_536, blocks: 4, ...options });

/** A new ring is made in the thread's namespace: all of a test runs in the probe's. */
const inNear = (title: string, test: () => void): void => void it(title, () => inNamespace(NEAR, test));

describe('openRing, on an interface that comes and goes', () => {
  before(() => addNamespaces(NEAR, FAR));
  beforeEach(join);
  afterEach(() => {
    ip('-n', FAR, 'link', 'delete', 'far0');
  });
  after(() => removeNamespaces(NEAR, FAR));

  inNear('says at once that it went down, waits without spinning, and goes on after', () => {
    const probe = open();
    waitForState(probe, 'up');
    send(10);
    link('set', 'near0', 'down');
    const start = performance.now();
    assert.equal(readFrames(probe, 5000).length, 10);
    assert.ok(performance.now() - start < 1000);
    assert.equal(probe.statistics().state, 'down');

    const wait = performance.now();
    const cpu = process.cpuUsage();
    assert.equal(probe.next(500), null);
    const { user, system } = process.cpuUsage(cpu);
    assert.ok(performance.now() - wait >= 499);
    assert.ok(user + system < 60_000, `${user + system} µs`);

    link('set', 'near0', 'up');
    waitForState(probe, 'up');
    send(7);
    assert.equal(readFrames(probe).length, 7);
    assert.deepEqual(probe.statistics(), { received: 17, dropped: 0, state: 'up', reattached: 0 });
    probe.close();
  });

  inNear('is down without a carrier', () => {
    const probe = open();
    waitForState(probe, 'up');
    ip('-n', FAR, 'link', 'set', 'far0', 'down');
    waitForState(probe, 'down');
    ip('-n', FAR, 'link', 'set', 'far0', 'up');
    waitForState(probe, 'up');
    probe.close();
  });

  inNear('takes the interface that got its name, however busy the old one still is', () => {
    const probe = open();
    waitForState(probe, 'up');
    link('set', 'near0', 'name', 'old0');
    link('add', 'near0', 'up', 'type', 'veth', 'peer', 'name', 'far1', 'netns', FAR);
    ip('-n', FAR, 'link', 'set', 'far1', 'up');
    const untilMs = performance.now() + 5000;
    while (probe.statistics().reattached === 0) {
      assert.ok(performance.now() < untilMs);
      send(3);
      const block = probe.next(200);
      if (block !== null) probe.release(block);
    }
    waitForState(probe, 'up');
    link('delete', 'near0');
    probe.close();
  });

  inNear('opens on an interface that is down', () => {
    link('set', 'near0', 'down');
    const probe = open();
    assert.equal(probe.statistics().state, 'down');
    assert.equal(probe.next(50), null);
    link('set', 'near0', 'up');
    waitForState(probe, 'up');
    send(3);
    assert.equal(readFrames(probe).length, 3);
    probe.close();
  });

  inNear('reads the last frames of a deleted interface, and attaches to the new one of its name', () => {
    const probe = open();
    waitForState(probe, 'up');
    for (let times = 1; times <= 3; times++) {
      send(10);
      link('delete', 'near0');
      assert.equal(readFrames(probe, 5000).length, 10);
      assert.equal(probe.statistics().state, 'absent');
      assert.equal(probe.next(30), null);
      join();
      const start = performance.now();
      waitForState(probe, 'up');
      assert.ok(performance.now() - start < 1500);
      send(5);
      assert.equal(readFrames(probe).length, 5);
      assert.deepEqual(probe.statistics(), { received: 15 * times, dropped: 0, state: 'up', reattached: times });
    }
    probe.close();
  });

  inNear('attaches anew where the interface was deleted and made again between two looks', () => {
    const probe = open();
    link('delete', 'near0');
    join();
    assert.equal(probe.statistics().state, 'absent');
    waitForState(probe, 'up');
    send(5);
    assert.equal(readFrames(probe).length, 5);
    assert.equal(probe.statistics().reattached, 1);
    probe.close();
  });

  inNear('waits for an interface that does not exist yet', () => {
    link('delete', 'near0');
    const probe = open({ waitForInterface: true });
    assert.deepEqual(probe.statistics(), { received: 0, dropped: 0, state: 'absent', reattached: 0 });
    const start = performance.now();
    assert.equal(probe.next(100), null);
    assert.ok(performance.now() - start >= 99);
    join();
    waitForState(probe, 'up');
    send(4);
    assert.equal(readFrames(probe).length, 4);
    assert.deepEqual(probe.statistics(), { received: 4, dropped: 0, state: 'up', reattached: 0 });
    probe.close();
  });

  inNear('is absent while the interface has another name', () => {
    const probe = open();
    waitForState(probe, 'up');
    link('set', 'near0', 'down');
    link('set', 'near0', 'name', 'other0');
    waitForState(probe, 'absent');
    link('set', 'other0', 'name', 'near0');
    link('set', 'near0', 'up');
    waitForState(probe, 'up');
    send(2);
    assert.equal(readFrames(probe).length, 2);
    assert.equal(probe.statistics().reattached, 0);
    probe.close();
  });
});
