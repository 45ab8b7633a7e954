import assert from 'node:assert/strict';
import { Capture } from '../../daemon/metering/capture.ts';
import { INBOUND, ROW, rowPackets, TABLES } from '../../daemon/metering/window.ts';
import { CAP_DEFAULTS } from '../../probes/cap/capOptions.ts';
import type { ProbeStatistics } from '../../probes/probe.ts';
import { CapBed, children, isRunning } from '../probes/cap/capBed.ts';
import { frame } from '../support/frames.ts';
import { addNamespaces, enterNamespace, ip, removeNamespaces } from '../support/namespace.ts';
import { testTenant } from '../support/windowBuilder.ts';

const bed = new CapBed('wr-capcapt');
const TENANTS = [testTenant('acme', ['198.51.100.8/29'])];
const packet = frame({ source: '192.0.2.1', destination: '198.51.100.9', protocol: 'udp', destinationPort: 53 });
const unwanted = frame({ source: '192.0.2.1', destination: '198.51.100.9', protocol: 'tcp' });

describe('Capture, by cap', function () {
  this.timeout(20_000);
  let leave: () => void;
  let capture: Capture;
  let packets = 0;
  let last: ProbeStatistics | null = null;
  const deaths: string[] = [];
  let look: (() => void) | null = null;

  function until(condition: (statistics: ProbeStatistics) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    look = () => {
      if (last !== null && condition(last)) resolve();
    };
    look();
    return promise;
  }

  before(() => {
    addNamespaces(bed.near, bed.far);
    bed.join();
    leave = enterNamespace(bed.near);
    capture = new Capture({
      probe: { ...CAP_DEFAULTS, kind: 'cap', interface: 'near0', filter: 'udp port 53', bufferBytes: 1 << 24 },
      tenants: TENANTS,
      shape: { tenants: TENANTS.length, ...TABLES.tenant },
      hashSeed: 1,
      portTenant: 0,
      onWindow: (window, statistics) => {
        packets += rowPackets(window.tenants, (2 + INBOUND) * ROW);
        last = statistics;
        look?.();
      },
      onDeath: (reason) => void deaths.push(reason),
    });
  });
  after(() => {
    leave();
    removeNamespaces(bed.near, bed.far);
  });

  it('meters what the filter lets through, over the death of its child and of its interface, and ends it with stop()', async () => {
    const others = new Set(children());
    await capture.start();
    const childNow = (): number => children().find((pid) => !others.has(pid)) ?? 0;
    bed.send([packet, unwanted], 2000);
    await until(() => packets === 1000);

    process.kill(childNow(), 'SIGKILL');
    await until(({ state, restarts }) => state === 'up' && restarts === 1);
    assert.equal(last?.lastFailure, 'SIGKILL');
    bed.send([packet]);
    await until(() => packets === 1001);

    ip('-n', bed.far, 'link', 'delete', 'far0');
    await until(({ state }) => state === 'absent');
    bed.join();
    await until(({ state, reattached }) => state === 'up' && reattached === 1);
    bed.send([packet]);
    await until(({ received }) => packets === 1002 && received === 1002);
    assert.deepEqual([deaths, capture.restarts, last?.dropped], [[], 0, 0]);

    const child = childNow();
    assert.ok(isRunning(child));
    await capture.stop();
    assert.ok(!isRunning(child));
  });

  it('rejects with the line of libpcap when it cannot start', async () => {
    const refused = new Capture({
      probe: { ...CAP_DEFAULTS, kind: 'cap', interface: 'near0', filter: 'port sipp' },
      tenants: TENANTS,
      shape: { tenants: TENANTS.length, ...TABLES.tenant },
      hashSeed: 1,
      portTenant: 0,
      onWindow: () => {},
      onDeath: () => {},
    });
    await assert.rejects(refused.start(), {
      message: `Cannot capture on near0 through cap with the filter "port sipp": unknown port 'sipp'`,
    });
    await refused.stop();
  });
});
