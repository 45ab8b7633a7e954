import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Liveness } from '../daemon/liveness.ts';
import { type ServiceManager, serviceManagerOf } from '../daemon/serviceManager.ts';
import { DatagramListener } from './support/datagramListener.ts';

/** What comes of what is told. */
function told(path: string, tell: (manager: ServiceManager) => void, environment: object = {}): string[] {
  const listener = new DatagramListener(path);
  const manager = serviceManagerOf({ NOTIFY_SOCKET: path, ...environment });
  try {
    tell(manager);
    return listener.read();
  } finally {
    manager.close();
    listener.close();
    rmSync(path, { force: true });
  }
}

const ticks = (manager: ServiceManager): void => {
  for (let nowMs = 0; nowMs < 3000; nowMs += 250) manager.alive(nowMs);
};
describe('serviceManagerOf', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'weir-notify-'))));
  after(() => rmSync(folder, { recursive: true }));

  for (const [what, path] of [
    ['a path', () => join(folder, 'notify')],
    ['an abstract name', () => `@weir-notify-${process.pid}`],
  ] as const)
    it(`tells a socket at ${what} that the daemon is ready, what it does, and that it stops`, () => {
      const datagrams = told(path(), (manager) => {
        manager.status('observing on eth0');
        manager.status('observing on eth0');
        manager.ready();
        manager.stopping();
      });
      assert.deepEqual(datagrams, ['STATUS=observing on eth0', 'READY=1', 'STOPPING=1\nSTATUS=stopping']);
    });

  it('tells of a reload with the monotonic time in the same datagram', () => {
    const [datagram = ''] = told(join(folder, 'notify'), (manager) => manager.reloading());
    const [, usec = ''] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(datagram) ?? assert.fail(datagram);
    const nowUsec = Number(process.hrtime.bigint() / 1000n);
    assert.ok(Math.abs(nowUsec - Number(usec)) < 1e6, `${usec} is not near ${nowUsec}`);
  });

  for (const [what, environment, answers] of [
    ['four times within its time', { WATCHDOG_USEC: '2000000', WATCHDOG_PID: String(process.pid) }, 6],
    ['once a second where it has time', { WATCHDOG_USEC: '20000000' }, 3],
    ['not where it watches another process', { WATCHDOG_USEC: '2000000', WATCHDOG_PID: '1' }, 0],
    ['not where there is none', {}, 0],
  ] as const)
    it(`answers the watchdog ${what}`, () => {
      const datagrams = told(join(folder, 'notify'), ticks, environment);
      assert.deepEqual(
        datagrams,
        Array.from({ length: answers }, () => 'WATCHDOG=1'),
      );
    });

  it('keeps a line of status to one line that the manager shows', () => {
    const [datagram = ''] = told(join(folder, 'notify'), (manager) => manager.status(`a\nREADY=1\n${'b'.repeat(999)}`));
    assert.match(datagram, /^STATUS=a READY=1 b+$/);
    assert.ok(datagram.length < 500);
  });

  it('tells again that it is ready when the manager was not there to be told', () => {
    const path = join(folder, 'notify');
    const manager = serviceManagerOf({ NOTIFY_SOCKET: path });
    manager.ready();
    const listener = new DatagramListener(path);
    manager.alive(0);
    assert.deepEqual(listener.read(), ['READY=1']);
    manager.close();
    listener.close();
    rmSync(path);
  });

  it('is nobody where the environment names none, and an error where it names no socket', () => {
    serviceManagerOf({}).ready();
    assert.throws(() => serviceManagerOf({ NOTIFY_SOCKET: 'notify' }), /NOTIFY_SOCKET is no path of a socket/);
  });
});

describe('Liveness', () => {
  it('misses who was not heard of for more than 5 s, and pardons what nobody could have heard', () => {
    const liveness = new Liveness(['eth0', 'eth1']);
    assert.deepEqual(liveness.silent(1000), []);
    liveness.heard('eth0', 5000);
    assert.deepEqual(liveness.silent(6000), []);
    assert.deepEqual(liveness.silent(6001), ['eth1']);
    assert.deepEqual(liveness.silent(10_001), ['eth0', 'eth1']);
    liveness.pardon(3000);
    assert.deepEqual(liveness.silent(10_001), ['eth1']);
    liveness.heard('eth1', 10_000);
    assert.deepEqual(liveness.silent(10_001), []);
  });
});
