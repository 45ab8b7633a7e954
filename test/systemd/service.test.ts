import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { StatusSnapshot } from '../../daemon/status/snapshot.ts';
import { synFlood } from '../lab/attacks.ts';
import { LabProcess } from '../lab/labProcess.ts';
import { until } from '../lab/until.ts';
import { addNamespaces, ip, removeNamespaces } from '../support/namespace.ts';
import { Container } from './container.ts';
import { debianPackage, laterVersion } from './debianPackage.ts';

const OUTSIDE = `weir-sd-${process.pid}`;
const STARTED_WITHIN_MS = 30_000;
const BACK_WITHIN_MS = 2_000;
/** WatchdogSec=15s and the start. */
const WATCHDOG_WITHIN_MS = 30_000;
const NAMED_WITHIN_MS = 10_000;
const ACME = '198.51.100.10';

const configuration = (sections: object = {}): string =>
  stringify({
    interfaces: [{ name: 'eth0', faces: 'internet' }],
    tenants: [{ id: 'acme', addresses: ['198.51.100.8/29'], plan: { port: '100mbit', limit: '5mbit' } }],
    enforcement: { mode: 'enforce' },
    ...sections,
  });

/** A test goes on where the one before it has ended: the life of one installation. */
describe('Weir as a service of a real systemd', function () {
  this.timeout(180_000);
  let folder: string;
  let container: Container;
  let untouched: Readonly<Record<string, string>>;

  before(async function () {
    // The first time the system is made, too.
    this.timeout(900_000);
    folder = mkdtempSync(join(tmpdir(), 'weir-service-'));
    const path = debianPackage();
    container = new Container();
    addNamespaces(OUTSIDE);
    await container.boot();
    plugIn();
    container.put(path, '/root/weir.deb');
    container.put(laterVersion(path, folder), '/root/later.deb');
    untouched = traces();
  });
  after(async () => {
    await container.stop();
    removeNamespaces(OUTSIDE);
    rmSync(folder, { recursive: true });
  });

  /** Its interface, which a reboot takes away. */
  function plugIn(): void {
    const ends = ['link', 'add', 'outside', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(container.leader)];
    ip('-n', OUTSIDE, ...ends);
    ip('-n', OUTSIDE, 'addr', 'add', '198.51.100.2/29', 'dev', 'outside');
    ip('-n', OUTSIDE, 'link', 'set', 'outside', 'up');
    ip('-n', OUTSIDE, 'route', 'add', '198.51.100.8/29', 'via', '198.51.100.1');
    container.check('ip', 'addr', 'add', '198.51.100.1/29', 'dev', 'eth0');
    container.check('ip', 'link', 'set', 'eth0', 'up');
  }

  /** What an installation may leave behind: files, users, links, queueing disciplines, units. */
  function traces(): Record<string, string> {
    const folders = ['/etc', '/usr', '/var/lib', '/var/cache', '/opt', '/root', '/home'];
    // What dpkg, apt and the system write for every package.
    const others =
      '^/var/lib/(dpkg|apt|systemd)/|^/var/cache/(apt|ldconfig|debconf)/|^/etc/(passwd|group|g?shadow|subuid|subgid)-$|^/etc/ld.so.cache$|/etc/systemd/system$';
    const files = container.check('sh', '-c', `find ${folders.join(' ')} -xdev | grep -Ev '${others}' | sort`);
    return {
      files,
      users: container.check('sh', '-c', 'cut -d: -f1 /etc/passwd /etc/group /etc/shadow /etc/gshadow | sort'),
      links: container.check('ip', '-d', 'link', 'show', 'type', 'ifb'),
      qdiscs: container.check('tc', 'qdisc', 'show'),
      filters: container.check('tc', 'filter', 'show', 'dev', 'eth0'),
      units: container.check('sh', '-c', 'systemctl list-unit-files --no-legend | grep weir || true'),
    };
  }

  const shown = (property: string): string =>
    container.check('systemctl', 'show', 'weir.service', `--property=${property}`, '--value').trim();
  const journal = (): string => container.check('journalctl', '--unit=weir.service', '--no-pager', '--output=cat');
  const status = async (): Promise<StatusSnapshot> => {
    const snapshot: StatusSnapshot = JSON.parse(container.check('weir', 'status', '--json'));
    return snapshot;
  };
  const configure = (yaml: string): void => writeFileSync(join(container.root, 'etc/weir/weir.yaml'), yaml);
  const limits = async () =>
    (await status()).limits.map(({ tenant, state, rateBps }) => `${tenant} ${state} ${rateBps / 1e6}`);
  const HELD = ['acme inForce 5'];
  const queues = (): string => container.run('tc', 'class', 'show', 'dev', 'weir-out').stdout;

  /** Another process of it than before, that answers. */
  const isBack = (pid: string, withinMs: number): Promise<true> =>
    until('another process', withinMs, async () => {
      const isOther = shown('ActiveState') === 'active' && shown('SubState') === 'running' && shown('MainPID') !== pid;
      return isOther ? (true as const) : undefined;
    });

  it('is installed, and as such starts nothing; what it comes with passes weir check', () => {
    container.check('dpkg', '--install', '/root/weir.deb');
    assert.equal(shown('ActiveState'), 'inactive');
    assert.equal(shown('UnitFileState'), 'enabled');
    assert.match(container.check('weir', 'check'), /no problems/);
    assert.equal(container.check('stat', '--format=%U:%G %a', '/etc/weir/weir.yaml').trim(), 'root:weir 640');
  });

  it('starts, is ready once it captures, says in a line what it does, and runs with two capabilities as nobody', async () => {
    configure(configuration());
    container.check('systemctl', 'start', 'weir.service');
    assert.equal(shown('ActiveState'), 'active');
    assert.match(shown('StatusText'), /^enforcing on eth0: 1 tenants, /);
    const { interfaces } = await status();
    assert.deepEqual(
      interfaces.map(({ name, state }) => [name, state]),
      [['eth0', 'up']],
    );
    const proc = container.check('cat', `/proc/${shown('MainPID')}/status`);
    // CAP_NET_ADMIN is number 12, CAP_NET_RAW 13.
    assert.match(proc, /^CapEff:\t0{12}3000$/m);
    assert.match(proc, /^CapBnd:\t0{12}3000$/m);
    assert.match(proc, /^NoNewPrivs:\t1$/m);
    assert.match(proc, /^Seccomp:\t2$/m);
    assert.doesNotMatch(proc, /^Uid:\t0/m);
  });

  it('names a flood', async () => {
    const flood = new LabProcess(OUTSIDE, synFlood({ to: ACME, seconds: 20, packetsPerSecond: 3000 }));
    const found = await until('the flood', NAMED_WITHIN_MS, async () =>
      (await status()).incidents.find(({ signature }) => signature === 'synFlood'),
    );
    assert.equal(found.tenant, 'acme');
    await flood.stop('SIGINT');
  });

  it('limits by hand, in the kernel', async () => {
    container.check('weir', 'limit', 'acme', '5mbit');
    assert.deepEqual(await limits(), HELD);
    assert.match(queues(), /rate 5Mbit/);
  });

  it('takes up a good configuration at a reload, without another process', async () => {
    const pid = shown('MainPID');
    configure(configuration({ detectors: { synFlood: { packetsPerSecond: 900 }, udpFlood: { mode: 'off' } } }));
    container.check('systemctl', 'reload', 'weir.service');
    await until('the reload', 5000, async () => (await status()).reload?.refused === null);
    assert.equal((await status()).detectors.find(({ id }) => id === 'udpFlood')?.mode, 'off');
    assert.equal(shown('MainPID'), pid);
    assert.equal(shown('ActiveState'), 'active');
    assert.deepEqual(await limits(), HELD);
  });

  it('refuses a bad one, whether weir check or the daemon finds it, and goes on', async () => {
    const pid = shown('MainPID');
    configure('interfaces: [');
    assert.notEqual(container.run('systemctl', 'reload', 'weir.service').status, 0);
    assert.match(journal(), /weir\.yaml:\d+:\d+/);
    configure(configuration({ store: { path: '/var/lib/weir/other.db' } }));
    container.check('systemctl', 'reload', 'weir.service');
    await until('the refusal', 5000, async () => (await status()).reload?.refused?.includes('store'));
    assert.match(shown('StatusText'), /^configuration refused at .*: a change of store needs a restart/);
    assert.equal(shown('MainPID'), pid);
    assert.deepEqual(await limits(), HELD);
    configure(configuration());
  });

  it('is back within 2 s of a kill -9, with the limit in the kernel all the time, and adopted', async () => {
    const pid = shown('MainPID');
    const before = queues();
    container.check('sh', '-c', `kill -9 ${pid}`);
    const diedMs = performance.now();
    await until('another process', STARTED_WITHIN_MS, async () => !['0', pid].includes(shown('MainPID')));
    const tookMs = performance.now() - diedMs;
    await isBack(pid, STARTED_WITHIN_MS);
    assert.equal(rulesOf(queues()), rulesOf(before));
    assert.deepEqual(await limits(), HELD);
    assert.ok(tookMs < BACK_WITHIN_MS * contention(), `it took ${Math.round(tookMs)} ms`);
  });

  it('is started anew by the watchdog when it hangs', async () => {
    const pid = shown('MainPID');
    container.check('sh', '-c', `kill -STOP ${pid}`);
    await isBack(pid, WATCHDOG_WITHIN_MS);
    assert.match(journal(), /Watchdog timeout/);
    assert.deepEqual(await limits(), HELD);
  });

  it('keeps a limit through an upgrade, and lifts it when it is stopped', async () => {
    const pid = shown('MainPID');
    const before = queues();
    container.check('dpkg', '--install', '/root/later.deb');
    await isBack(pid, STARTED_WITHIN_MS);
    assert.equal(container.check('dpkg-query', '--show', '--showformat=${Version}', 'weir'), '99.0');
    assert.match(journal(), /"keepLimits":true/);
    assert.equal(rulesOf(queues()), rulesOf(before));
    assert.deepEqual(await limits(), HELD);
    container.check('systemctl', 'stop', 'weir.service');
    assert.equal(queues(), '');
    container.check('systemctl', 'start', 'weir.service');
    assert.deepEqual(await limits(), HELD);
  });

  it('comes up again after a reboot, though its interface comes later, with the limit', async () => {
    await container.reboot();
    plugIn();
    await until('the service', STARTED_WITHIN_MS, async () => shown('ActiveState') === 'active');
    assert.deepEqual(await limits(), HELD);
  });

  it('leaves nothing behind when it is purged', () => {
    container.check('dpkg', '--purge', 'weir');
    assert.deepEqual(traces(), untouched);
  });
});

/** How many want each processor: a machine that others keep busy takes its time. */
const contention = (): number => Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());

/** Without what counts. */
const rulesOf = (text: string): string => text.replaceAll(/ leaf \S+/g, '');
