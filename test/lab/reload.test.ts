import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatagramListener } from '../support/datagramListener.ts';
import { synFlood } from './attacks.ts';
import { labConfiguration, type LabConfiguration } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import type { LabProcess } from './labProcess.ts';
import { TENANTS } from './topology.ts';
import { until } from './until.ts';

const NAMED_WITHIN_MS = 10_000;
const RELOADED_WITHIN_MS = 5_000;
const { acme } = TENANTS;
const PLANS = { acme: { limit: '5mbit' }, birch: { limit: '5mbit' } };
const enforcing = (sections: object = {}): LabConfiguration => ({
  plans: PLANS,
  sections: { enforcement: { mode: 'enforce' }, alertmanager: { urls: [] }, ...sections },
});

describe('a reload of the configuration', function () {
  this.timeout(60_000);
  let lab: Lab;
  let daemon: LabDaemon;
  let manager: DatagramListener;
  let flood: LabProcess;
  let told: string[] = [];
  let reloadedAt: string | null = null;

  before(async () => {
    lab = new Lab();
    const notify = join(lab.directory, 'notify');
    manager = new DatagramListener(notify);
    const prefix = ['env', `NOTIFY_SOCKET=${notify}`, 'WATCHDOG_USEC=4000000'];
    daemon = await LabDaemon.start(lab, labConfiguration(enforcing()), { prefix });
    flood = lab.spawn('internet', synFlood({ to: acme.ipv4, seconds: 60, packetsPerSecond: 4000 }));
  });
  after(async () => {
    await daemon.process.stop('SIGTERM');
    manager.close();
    await lab.stop();
  });

  const hear = (): string[] => (told = [...told, ...manager.read()]);

  /** The reason of the refusal, once the daemon has tried. */
  async function reload(yaml: string): Promise<string | null> {
    writeFileSync(join(lab.directory, 'weir.yaml'), yaml);
    process.kill(daemon.process.pid, 'SIGHUP');
    const done = await daemon.until('the reload', RELOADED_WITHIN_MS, ({ reload: last }) =>
      last !== null && last.at !== reloadedAt ? last : undefined,
    );
    reloadedAt = done.at;
    return done.refused;
  }

  const control = (...words: string[]): Promise<string> => {
    const main = join(import.meta.dirname, '../../daemon/main.ts');
    const config = join(lab.directory, 'weir.yaml');
    return lab.run(
      'pbx',
      'env',
      `RUNTIME_DIRECTORY=${join(lab.directory, 'weir')}`,
      process.execPath,
      main,
      ...words,
      '--config',
      config,
    );
  };

  /** The rates that the kernel holds, however they are written. */
  const rates = async (): Promise<string[]> => {
    const rows = (await lab.run('pbx', 'tc', 'class', 'show', 'dev', 'weir-out')).split('\n');
    return [...new Set(rows.flatMap((row) => / rate (\S+)/.exec(row)?.[1] ?? []))].toSorted();
  };

  const openFlood = async () => {
    const { incidents } = await daemon.status();
    return incidents.find(({ signature, state }) => signature === 'synFlood' && state === 'open');
  };

  it('was preceded by a start that the manager was told of, and the watchdog is answered', async () => {
    await until('an answer', 5000, async () => hear().includes('WATCHDOG=1'));
    assert.ok(told.indexOf('READY=1') >= 0 && told.indexOf('READY=1') < told.indexOf('WATCHDOG=1'));
    assert.ok(told.some((each) => /^STATUS=enforcing on eth0, veth-acme, \S+, \S+: 4 tenants, /.test(each)));
  });

  it('takes up thresholds, plans and enforcement with no incident, limit, packet or window lost', async () => {
    const { id } = await daemon.until('the flood', NAMED_WITHIN_MS, ({ incidents }) =>
      incidents.find(({ signature }) => signature === 'synFlood'),
    );
    await control('limit', 'acme', '3mbit');
    const before = await rates();
    assert.ok(before.includes('3Mbit'), before.join());
    const earlier = (await daemon.status()).interfaces.map(({ received }) => received);
    const detectors = { synFlood: { packetsPerSecond: 500 }, udpFlood: { mode: 'off' } };
    const plans = { ...PLANS, acme: { limit: '8mbit' } };
    const text = labConfiguration({ ...enforcing({ detectors, enforcement: { mode: 'enforce', hold: '5m' } }), plans });
    told = [];
    assert.equal(await reload(text), null);
    const { detectors: shown, tenants, interfaces, limits } = await daemon.status();
    assert.equal(shown.find((each) => each.id === 'udpFlood')?.mode, 'off');
    assert.equal(tenants.find((each) => each.id === 'acme')?.plan.limitBps, 8e6);
    assert.deepEqual(await rates(), before);
    assert.deepEqual(
      limits.map(({ tenant, state }) => [tenant, state]),
      [['acme', 'inForce']],
    );
    assert.ok(
      interfaces.every(({ received, workerRestarts, dropped }, i) => {
        return received >= (earlier[i] ?? Infinity) && workerRestarts === 0 && dropped === 0;
      }),
    );
    const { threshold } = await daemon.until('the new threshold', NAMED_WITHIN_MS, ({ incidents }) =>
      incidents.find((each) => each.id === id && each.state === 'open' && each.threshold === 500),
    );
    assert.equal(threshold, 500);
    const words = hear();
    const reloading = words.findIndex((each) => /^RELOADING=1\nMONOTONIC_USEC=\d+$/.test(each));
    assert.ok(reloading >= 0 && words.indexOf('READY=1') > reloading, words.join(' | '));
  });

  const REFUSED: readonly (readonly [string, string, RegExp])[] = [
    ['text that is none', 'interfaces: [', /weir\.yaml:\d+:\d+/],
    ['an unknown key', `${labConfiguration(enforcing())}detector: {}\n`, /weir\.yaml:\d+:\d+ detector: /],
    [
      'other interfaces',
      labConfiguration(enforcing({ interfaces: [{ name: 'eth0' }] })),
      /a change of interfaces needs a restart/,
    ],
    [
      'another tenant',
      labConfiguration(enforcing({ tenants: [{ id: 'elm', addresses: ['192.0.2.128/25'] }], interfaces: [] })),
      /needs a restart/,
    ],
    [
      'another store',
      labConfiguration(enforcing({ store: { path: '/nowhere/weir.db' } })),
      /a change of store needs a restart/,
    ],
  ];
  for (const [what, yaml, reason] of REFUSED)
    it(`takes up nothing of a configuration with ${what}, and says why`, async () => {
      const before = await daemon.status();
      told = [];
      const refused = (await reload(yaml)) ?? assert.fail('it was taken up');
      assert.match(refused, reason);
      const after = await daemon.status();
      assert.deepEqual(after.detectors, before.detectors);
      assert.deepEqual(
        after.tenants.map(({ id, plan }) => [id, plan]),
        before.tenants.map(({ id, plan }) => [id, plan]),
      );
      assert.ok(await openFlood(), 'the incident stays open');
      const page = await daemon.get('/metrics');
      assert.match(page.body, /^weir_config_last_reload_successful 0$/m);
      assert.ok(
        hear().some((each) => each.startsWith('STATUS=configuration refused')),
        told.join(' | '),
      );
      assert.ok(daemon.process.stdout.includes('Cannot reload the configuration'));
    });

  it('lifts every limit when enforcement is turned to observe, and limits again when it is turned back', async () => {
    const observing = { plans: PLANS, sections: { enforcement: { mode: 'observe' }, alertmanager: { urls: [] } } };
    assert.equal(await reload(labConfiguration(observing)), null);
    assert.doesNotMatch(await lab.run('pbx', 'ip', 'link', 'show'), /weir-(?:in|out)/);
    assert.equal(await reload(labConfiguration(enforcing())), null);
    await control('limit', 'birch', '4mbit');
    assert.ok((await rates()).includes('4Mbit'));
    await flood.stop('SIGINT');
  });

  it('keeps the limits in the kernel when the daemon hands over, for the next one to adopt', async () => {
    const before = await rates();
    await daemon.process.stop('SIGUSR2');
    assert.deepEqual(await rates(), before);
    assert.ok(hear().includes('STOPPING=1\nSTATUS=stopping'));
    daemon = await LabDaemon.start(lab, labConfiguration(enforcing()));
    assert.doesNotMatch(
      await lab.run('pbx', 'ip', 'link', 'show'),
      /weir-(?:in|out)/,
      'without a store nobody knows of them',
    );
  });
});
