import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MINUTE_MS } from '../../daemon/calendar.ts';
import { sustainedThroughput } from '../../daemon/detectors/sustainedThroughput.ts';
import { BYTES_TCP, OUTBOUND, ROW, Window } from '../../daemon/metering/window.ts';
import { openStore } from '../store/fill.ts';
import { testContext, testTenant } from '../support/windowBuilder.ts';
import { ALERTMANAGER_PORT, labConfiguration, STATUS_URL } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon, runWeir } from './labDaemon.ts';
import { TENANTS } from './topology.ts';
import { until } from './until.ts';

const NAMED_WITHIN_MS = 20_000;
const LIFTED_WITHIN_MS = 40_000;
const PORT_BPS = 100e6;
/** The shortest that there are; a sample of five minutes is still being taken. */
const OPTIONS = { for: '1h', releaseAfter: '5m' };
const MINUTES = 70;

/** What the detector remembers of an hour in which acme's upload took a share of its port, minute by minute until now. */
function memoryOfAnHour(share: number): string {
  const context = testContext([testTenant('acme', TENANTS.acme.prefixes, { portBps: PORT_BPS })]);
  const detector = sustainedThroughput.create(sustainedThroughput.config.parse(OPTIONS), context);
  const window = new Window({ tenants: 1, targetBits: 2, sourceBits: 2, details: 0, pairBits: 6 });
  const startMs = Date.now() - MINUTES * MINUTE_MS;
  for (let minute = 0; minute < MINUTES; minute++) {
    window.open(startMs + minute * MINUTE_MS);
    window.tenants[(2 + OUTBOUND) * ROW + BYTES_TCP] = (PORT_BPS * share * MINUTE_MS) / 8000;
    window.close(startMs + (minute + 1) * MINUTE_MS, 0, 0);
    detector.observe(window);
  }
  return JSON.stringify(detector.save?.());
}

describe('the daemon and a tenant whose port is busy around the clock', function () {
  this.timeout(120_000);
  let lab: Lab;
  let daemon: LabDaemon;
  let path = '';
  let configuration = '';

  before(async () => {
    lab = new Lab();
    path = join(lab.directory, 'state', 'weir.db');
    mkdirSync(dirname(path));
    configuration = labConfiguration({
      plans: { acme: { port: '100mbit', limit: '5mbit' } },
      sections: {
        detectors: { sustainedThroughput: { mode: 'enforce', ...OPTIONS } },
        enforcement: { mode: 'enforce', hold: '5s' },
        incidents: { closeAfter: '5s' },
        store: { path },
      },
    });
    await lab.agent('pbx').ask('startAlertmanager', ALERTMANAGER_PORT);
  });
  after(() => lab.stop());

  /** As if the daemon had watched such an hour before it was stopped. */
  function remember(share: number): void {
    const { database, write } = openStore(path, Object.keys(TENANTS));
    const [point, detector] = ['veth-acme', 'sustainedThroughput'];
    write({ kind: 'memory', point, detector, savedMs: Date.now(), state: memoryOfAnHour(share) });
    database.close();
  }

  const alerts = async (): Promise<string[]> => {
    const shown = await lab.agent('pbx').ask('alerts', 'tenant=acme');
    return shown.map(({ labels }) => labels['alertname'] ?? '').toSorted();
  };

  /** What each of them tells of acme's limit: `weir limits`, the API, the metrics. */
  async function told(): Promise<string[]> {
    const { output } = await runWeir(lab, ['limits']);
    const { body } = await lab.agent('pbx').ask('get', `${STATUS_URL}/api/limits`);
    const { items }: { items: { tenant: string; state: string; reason: string }[] } = JSON.parse(body);
    const metrics = (await daemon.get('/metrics')).body;
    return [
      ...output.split('\n').filter((line) => line.startsWith('acme both')),
      ...items.map(({ tenant, state, reason }) => `${tenant} ${state} ${reason}`),
      ...metrics
        .split('\n')
        .filter((line) => /^weir_tenant_limit_bytes_per_second.*acme|^weir_limits\{.*inForce/i.test(line)),
    ];
  }

  it('limits it for an incident of sustainedThroughput, and says so everywhere', async () => {
    remember(0.9);
    daemon = await LabDaemon.start(lab, configuration);
    await daemon.until('a limit', NAMED_WITHIN_MS, ({ limits }) => limits.find(({ state }) => state === 'inForce'));
    const { incidents } = await daemon.status();
    assert.deepEqual(
      incidents.map(({ signature, tenant, direction, state }) => [signature, tenant, direction, state]),
      [['sustainedThroughput', 'acme', 'outbound', 'open']],
    );
    const lines = await told();
    assert.match(lines[0] ?? '', /^acme both directions 5 Mbit\/s, in force: outbound sustainedThroughput, incident /);
    assert.match(lines[1] ?? '', /^acme inForce outbound sustainedThroughput, incident /);
    assert.match(lines.slice(2).join('\n'), /weir_tenant_limit_bytes_per_second.* 625000$/m);
    await until(
      'both alerts',
      NAMED_WITHIN_MS,
      async () => (await alerts()).join() === 'portLimited,sustainedThroughput',
    );
    assert.match(await lab.run('pbx', 'tc', 'class', 'show', 'dev', 'weir-out'), /ceil 5Mbit/);
  });

  it('lifts it after the hold, once an hour has been quiet', async () => {
    await daemon.until('its writing', NAMED_WITHIN_MS, ({ store }) => store?.waiting === 0);
    await daemon.process.stop('SIGKILL');
    remember(0.1);
    daemon = await LabDaemon.start(lab, configuration);
    await daemon.until('no limit', LIFTED_WITHIN_MS, ({ limits }) => limits.length === 0);
    await until('no alert', LIFTED_WITHIN_MS, async () => (await alerts()).length === 0);
    const lines = await told();
    assert.doesNotMatch(lines.join('\n'), /acme (?:both|inForce)|625000/);
    assert.doesNotMatch(await lab.run('pbx', 'tc', 'qdisc', 'show'), /htb|clsact/);
    await daemon.process.stop('SIGTERM');
  });
});
