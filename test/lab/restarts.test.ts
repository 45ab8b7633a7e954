import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { History } from '../../daemon/store/history.ts';
import type { ShownAlert } from '../support/alertmanager.ts';
import { synFlood } from './attacks.ts';
import { ALERTMANAGER_PORT, labConfiguration, STATUS_URL } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import { TENANTS } from './topology.ts';
import { until } from './until.ts';

const NAMED_WITHIN_MS = 10_000;
const CLOSED_WITHIN_MS = 20_000;
/** Of an answer, while an fsync takes 5 s; a machine that is busy otherwise may take its time. */
const ANSWERED_WITHIN_MS = 1000;
const { acme } = TENANTS;
const FLOOD = synFlood({ to: acme.ipv4, seconds: 60, packetsPerSecond: 4000 });

describe('the daemon and its store', function () {
  this.timeout(90_000);
  let lab: Lab;
  let daemon: LabDaemon;
  let path = '';
  let configuration = '';

  before(async () => {
    lab = new Lab();
    path = join(lab.directory, 'state', 'weir.db');
    configuration = labConfiguration({ sections: { incidents: { closeAfter: '5s' }, store: { path } } });
    await lab.agent('pbx').ask('startAlertmanager', ALERTMANAGER_PORT);
  });
  // One that a failed test leaves would have the port of the next.
  afterEach(() => daemon.process.stop('SIGKILL'));
  after(() => lab.stop());

  const alerts = (): Promise<ShownAlert[]> => lab.agent('pbx').ask('alerts', 'alertname=synFlood');
  /** The flood's incident, once this daemon has seen it too. */
  const openFlood = () =>
    daemon.until('the flood', NAMED_WITHIN_MS, ({ incidents, startedAt }) =>
      incidents.find(
        ({ signature, state, lastSeen }) => signature === 'synFlood' && state === 'open' && lastSeen > startedAt,
      ),
    );

  it('goes on with an incident after a kill -9 and after a stop: one id, one beginning, one alert', async () => {
    daemon = await LabDaemon.start(lab, configuration);
    const flood = lab.spawn('internet', FLOOD);
    const { id, firstSeen } = await openFlood();
    await until('an alert', NAMED_WITHIN_MS, async () => (await alerts()).length > 0);
    await daemon.until('its writing', NAMED_WITHIN_MS, ({ store }) => store?.waiting === 0);
    await daemon.process.stop('SIGKILL');
    daemon = await LabDaemon.start(lab, configuration);
    const afterKill = await openFlood();
    assert.deepEqual([afterKill.id, afterKill.firstSeen], [id, firstSeen]);
    await daemon.process.stop('SIGTERM');
    daemon = await LabDaemon.start(lab, configuration);
    const afterStop = await openFlood();
    assert.deepEqual([afterStop.id, afterStop.firstSeen], [id, firstSeen]);
    const { incidents } = await daemon.status();
    assert.equal(incidents.filter(({ signature }) => signature === 'synFlood').length, 1);
    assert.equal((await alerts()).length, 1);
    await flood.stop('SIGINT');
    await daemon.until('its end', CLOSED_WITHIN_MS, (status) =>
      status.incidents.every(({ state }) => state === 'closed'),
    );
    await until('no alert', CLOSED_WITHIN_MS, async () => (await alerts()).length === 0);
    await daemon.process.stop('SIGTERM');
  });

  it('has who used how much, and how near the threshold it came, in its history', () => {
    const history = new History(path);
    const nowMs = Date.now();
    const usage = history.usage('acme', nowMs - 600_000, nowMs, 'minute');
    assert.ok(usage.reduce((sum, { inPackets }) => sum + inPackets, 0) > 1000);
    const levels = [...history.levels(nowMs - 600_000, nowMs)].filter(({ signature }) => signature === 'synFlood');
    assert.ok(
      levels.some(({ tenant, direction, value }) => tenant === 'acme' && direction === 'inbound' && value > 1000),
    );
    history.close();
  });

  it('shows the incidents of the last run that are closed', async () => {
    daemon = await LabDaemon.start(lab, configuration);
    const { incidents } = await daemon.status();
    assert.deepEqual(
      incidents.filter(({ signature }) => signature === 'synFlood').map(({ state }) => state),
      ['closed'],
    );
    await daemon.process.stop('SIGTERM');
  });

  it('watches, names and answers while every fsync of the disk takes 5 s, and says so', async () => {
    const library = join(lab.directory, 'slowDisk.so');
    const source = join(import.meta.dirname, 'slowDisk.c');
    const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const slow = labConfiguration({ sections: { store: { path: join(lab.directory, 'slow', 'weir.db') } } });
    daemon = await LabDaemon.start(lab, slow, { prefix: ['env', `LD_PRELOAD=${library}`] });
    const flood = lab.spawn('internet', FLOOD);
    let longestMs = 0;
    const sawStall = daemon.until('a stalled store', 40_000, ({ store }) => store?.state === 'stalled');
    await until('a stalled store', 40_000, async () => {
      const beganMs = performance.now();
      const { status: code, body } = await lab.agent('pbx').ask('get', `${STATUS_URL}/healthz`);
      longestMs = Math.max(longestMs, performance.now() - beganMs);
      assert.equal(code, 200, body);
      return (await daemon.status()).store?.state === 'stalled';
    });
    await sawStall;
    await openFlood();
    await flood.stop('SIGINT');
    assert.ok(longestMs < ANSWERED_WITHIN_MS, `an answer took ${longestMs} ms`);
    await daemon.process.stop('SIGKILL');
  });
});
