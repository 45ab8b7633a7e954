import assert from 'node:assert/strict';
import { Observations } from '../../daemon/status/observations.ts';
import { accountingPoints } from '../../daemon/tenants/accounting.ts';
import { DECODE_REASONS } from '../../daemon/metering/decodeResult.ts';
import { INBOUND, OUTBOUND, type Window } from '../../daemon/metering/window.ts';
import { testSample } from '../support/samples.ts';
import { buildWindow, testTenant } from '../support/windowBuilder.ts';

const ACME = 1;
const GLOBEX = 2;
const TENANTS = [testTenant('acme', ['198.51.100.8/29']), testTenant('globex', ['198.51.100.16/29'])];
const POINTS = [
  { name: 'eth0', faces: 'internet', tenant: null },
  { name: 'eth1', faces: 'internet', tenant: null },
  { name: 'port0', faces: 'tenant', tenant: 'acme' },
] as const;
const UP = { received: 100, dropped: 0, state: 'up', reattached: 0 } as const;

/** `packets` of 100 bytes to each tenant, in 250 ms. */
function windowOf(packets: number, startMs = 0): Window {
  const to = (target: string) => ({ from: '203.0.113.1', to: target, kind: 'udp', packets, bytes: 100 }) as const;
  const window = buildWindow([to('198.51.100.9'), to('198.51.100.17')], { startMs });
  window.malformed[DECODE_REASONS.indexOf('ipv4Truncated')] = 3;
  return window;
}

const made = (): Observations => new Observations(TENANTS.length, accountingPoints(POINTS, TENANTS));

describe('Observations', () => {
  it('knows nothing, not zero, before the first window', () => {
    const observations = made();
    const { packetsPerSecond, dropped, lossRatio, lastWindowAt } = observations.interfaceCounters('eth0', 0);
    assert.deepEqual([packetsPerSecond, dropped, lossRatio, lastWindowAt], [null, null, null, null]);
    assert.equal(observations.tenantRate(ACME, INBOUND, 0), null);
  });

  it('counts a tenant at its own port alone, else at every interface to the internet', () => {
    const observations = made();
    for (const [name, packets] of [
      ['eth0', 100],
      ['eth1', 50],
      ['port0', 10],
    ] as const)
      observations.observeWindow(name, windowOf(packets), UP);
    assert.deepEqual(observations.tenantRate(ACME, INBOUND, 250), { packetsPerSecond: 40, bitsPerSecond: 32_000 });
    assert.deepEqual(observations.tenantRate(GLOBEX, INBOUND, 250), { packetsPerSecond: 600, bitsPerSecond: 480_000 });
    assert.deepEqual(observations.tenantRate(ACME, OUTBOUND, 250), { packetsPerSecond: 0, bitsPerSecond: 0 });
  });

  it('has no rate when the last window is more than 2 s old, and still its counts', () => {
    const observations = made();
    observations.observeWindow('eth0', windowOf(100), UP);
    observations.observeWindow('eth0', windowOf(100, 250), { ...UP, received: 200 });
    assert.equal(observations.tenantRate(GLOBEX, INBOUND, 2501), null);
    const { received, packetsPerSecond, malformed, lastPacketAt } = observations.interfaceCounters('eth0', 2501);
    assert.deepEqual(
      { received, packetsPerSecond, malformed, lastPacketAt },
      {
        received: 200,
        packetsPerSecond: null,
        malformed: { ipv4Truncated: 6 },
        lastPacketAt: '1970-01-01T00:00:00.500Z',
      },
    );
  });

  for (const [title, received, dropped, lossRatio] of [
    ['a share of all that came', 75, 25, 0.25],
    ['unknown where the loss is', 75, null, null],
    ['unknown before anything came', 0, 0, null],
  ] as const) {
    it(`gives the loss as ${title}`, () => {
      const observations = made();
      observations.observeWindow('eth0', windowOf(0), { ...UP, received, dropped });
      assert.equal(observations.interfaceCounters('eth0', 250).lossRatio, lossRatio);
    });
  }

  it('remembers what windows were marked with: since when one direction is missing, and how the clock was set', () => {
    const observations = made();
    const observe = (startMs: number, mark: (window: Window) => void): void => {
      const window = windowOf(1, startMs);
      mark(window);
      observations.observeWindow('eth0', window, UP);
    };
    observe(0, (window) => window.suspectOneWay('inbound'));
    observe(250, (window) => window.suspectOneWay('inbound'));
    observe(500, (window) => {
      window.suspectOneWay('inbound');
      window.clockJumped(-3_600_000.4);
    });
    const { onlySees, clock } = observations.interfaceCounters('eth0', 750);
    assert.deepEqual(onlySees, { direction: 'inbound', since: '1970-01-01T00:00:00.000Z' });
    assert.deepEqual(clock, { jumps: 1, lastJumpSeconds: -3600, lastJumpAt: '1970-01-01T00:00:00.750Z' });
    observe(750, () => {});
    assert.equal(observations.interfaceCounters('eth0', 1000).onlySees, null);
    assert.equal(observations.interfaceCounters('eth0', 1000).clock.jumps, 1);
  });

  it("compares a sample's counters with what was captured; of the loopback device what it received", () => {
    const observations = new Observations(TENANTS.length, () => false);
    const names = ['eth0', 'lo'];
    const at = (seconds: number): void => {
      for (const name of names) observations.observeWindow(name, windowOf(500, seconds * 1000 - 250), UP);
    };
    for (const seconds of [1, 11, 21]) {
      at(seconds);
      const bytes = seconds * 28_000;
      const counters = names.map((name) => ({
        name,
        receivedPackets: null,
        receivedBytes: bytes,
        receivedDropped: null,
        sentPackets: null,
        sentBytes: bytes,
        speedBps: null,
      }));
      observations.observeSample(testSample(seconds * 1000 + 1000, [], { interfaces: counters }));
      at(seconds + 2);
    }
    const { eth0, lo } = Object.fromEntries(
      names.map((name) => [name, observations.interfaceCounters(name, 0).unseen.bytes]),
    );
    assert.equal(lo, 0);
    assert(eth0 !== null && eth0 !== undefined && eth0 > 0, String(eth0));
  });
});
