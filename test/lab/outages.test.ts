import assert from 'node:assert/strict';
import type { InterfaceStatus } from '../../daemon/status/snapshot.ts';
import { synFlood } from './attacks.ts';
import { ALERTMANAGER_PORT, labConfiguration } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import { TENANTS } from './topology.ts';
import { until } from './until.ts';

const NOTICED_WITHIN_MS = 3000;
const RETRIED_WITHIN_MS = 10_000;
const SECTIONS = {
  detectors: { synFlood: { packetsPerSecond: 1000 } },
  alertmanager: { urls: [`http://127.0.0.1:${ALERTMANAGER_PORT}`], resend: '1s' },
};

describe('the daemon, when something is away', function () {
  this.timeout(60_000);
  let lab: Lab;
  let daemon: LabDaemon;

  before(async () => {
    lab = new Lab();
    daemon = await LabDaemon.start(lab, labConfiguration({ sections: SECTIONS }));
  });
  after(() => lab.stop());

  const cedarIs = (wanted: InterfaceStatus['state'], reattached: number): Promise<boolean> =>
    daemon.until(`veth-cedar ${wanted}`, NOTICED_WITHIN_MS, ({ interfaces }) =>
      interfaces.some((each) => each.name === 'veth-cedar' && each.state === wanted && each.reattached === reattached),
    );

  const receivedThere = async (): Promise<number> =>
    (await daemon.status()).interfaces.find(({ name }) => name === 'veth-cedar')?.received ?? 0;

  it('shows an interface that goes down, and goes on when it is up again', async () => {
    await lab.run('pbx', 'ip', 'link', 'set', 'veth-cedar', 'down');
    await cedarIs('down', 0);
    await lab.run('pbx', 'ip', 'link', 'set', 'veth-cedar', 'up');
    await cedarIs('up', 0);
  });

  it('shows an interface that is deleted, and attaches to the one that is made anew', async () => {
    await lab.run('pbx', 'ip', 'link', 'delete', 'veth-cedar');
    await cedarIs('absent', 0);
    lab.rejoin('cedar');
    await cedarIs('up', 1);
  });

  it('sees traffic there as before', async () => {
    const before = await receivedThere();
    const packetsPerSecond = 500;
    const flood = lab.spawn('internet', synFlood({ to: TENANTS.cedar.ipv4, seconds: 20, packetsPerSecond }));
    await until('packets', NOTICED_WITHIN_MS, async () => (await receivedThere()) > before + packetsPerSecond);
    await flood.stop('SIGINT');
  });

  it('tells an Alertmanager that was away, and one that has forgotten, what is open', async () => {
    const flood = lab.spawn('internet', synFlood({ to: TENANTS.acme.ipv4, seconds: 60, packetsPerSecond: 5000 }));
    const pbx = lab.agent('pbx');
    const told = (): Promise<boolean> =>
      until('an alert', RETRIED_WITHIN_MS, async () => (await pbx.ask('alerts', 'alertname=synFlood')).length === 1);
    await daemon.until('a failed post', RETRIED_WITHIN_MS, ({ incidents, alertmanager }) =>
      alertmanager.some(({ ok, pending }) => incidents.length === 1 && ok === false && pending === 1),
    );
    await pbx.ask('startAlertmanager', ALERTMANAGER_PORT);
    await told();
    await pbx.ask('stopAlertmanager');
    await pbx.ask('startAlertmanager', ALERTMANAGER_PORT);
    await told();
    await flood.stop('SIGINT');
  });

  it('has lost no packet of all that', async () => {
    const { interfaces } = await daemon.status();
    assert.deepEqual(
      interfaces.filter(({ dropped }) => dropped !== 0),
      [],
    );
  });
});
