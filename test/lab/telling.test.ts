import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { synFlood } from './attacks.ts';
import { ALERTMANAGER_PORT, labConfiguration, STATUS_PORT, STATUS_URL } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import type { LabProcess } from './labProcess.ts';
import { TENANTS } from './topology.ts';
import { until } from './until.ts';

const WEBHOOK_PORT = 8080;
const PROMETHEUS_URL = 'http://127.0.0.1:9090';
const RULES = join(import.meta.dirname, '../../systemd/prometheus/weir.rules.yaml');
const WITHIN_MS = 20_000;
const FLOOD = synFlood({ to: TENANTS.acme.ipv4, seconds: 60, packetsPerSecond: 4000 });

describe('what the daemon tells others', function () {
  this.timeout(120_000);
  let lab: Lab;
  let daemon: LabDaemon;
  let configuration = '';

  before(async () => {
    lab = new Lab();
    configuration = labConfiguration({
      sections: {
        incidents: { closeAfter: '5s' },
        store: { path: join(lab.directory, 'state', 'weir.db') },
        alertmanager: { urls: [`http://127.0.0.1:${ALERTMANAGER_PORT}`], resend: '5s' },
      },
    });
    await lab.agent('pbx').ask('startAlertmanager', ALERTMANAGER_PORT, WEBHOOK_PORT);
    daemon = await LabDaemon.start(lab, configuration);
  });
  after(() => lab.stop());

  const told = async (status: string) =>
    (await lab.agent('pbx').ask('notifications')).filter(
      ({ labels, status: was }) => was === status && labels['alertname'] === 'synFlood',
    );

  const query = async (expression: string): Promise<{ metric: Record<string, string> }[]> => {
    const url = `${PROMETHEUS_URL}/api/v1/query?query=${encodeURIComponent(expression)}`;
    const { body } = await lab.agent('pbx').ask('get', url);
    const { data }: { data: { result: { metric: Record<string, string> }[] } } = JSON.parse(body);
    return data.result;
  };
  const down = () => query('ALERTS{alertname="WeirDown", alertstate="firing"}');

  const openFlood = () =>
    daemon.until('the flood', WITHIN_MS, ({ incidents, startedAt }) =>
      incidents.find(
        ({ signature, state, lastSeen }) => signature === 'synFlood' && state === 'open' && lastSeen > startedAt,
      ),
    );

  describe('a real Prometheus', () => {
    let prometheus: LabProcess;

    before(async () => {
      const rules = join(lab.directory, 'weir.rules.yaml');
      // As shipped, but for the time that it waits before it fires.
      writeFileSync(rules, readFileSync(RULES, 'utf8').replaceAll(/for: \d+m/g, 'for: 1s'));
      const config = join(lab.directory, 'prometheus.yaml');
      writeFileSync(
        config,
        JSON.stringify({
          global: { scrape_interval: '1s', evaluation_interval: '1s' },
          rule_files: [rules],
          scrape_configs: [{ job_name: 'weir', static_configs: [{ targets: [`127.0.0.1:${STATUS_PORT}`] }] }],
        }),
      );
      prometheus = lab.spawn('pbx', [
        'prometheus',
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(lab.directory, 'prometheus')}`,
        '--web.listen-address=127.0.0.1:9090',
        '--enable-feature=exemplar-storage',
      ]);
      await until('Prometheus', WITHIN_MS, async () => {
        const ready = lab.agent('pbx').ask('get', `${PROMETHEUS_URL}/-/ready`);
        return ready.then(
          ({ status }) => status === 200,
          () => false,
        );
      });
    });
    after(() => prometheus.stop());

    it('scrapes it, and is told of an incident by an exemplar', async () => {
      await until('a scrape', WITHIN_MS, async () => (await query('up{job="weir"} == 1')).length === 1);
      const flood = lab.spawn('internet', FLOOD);
      const { id } = await openFlood();
      const end = Date.now() / 1000;
      const asked = new URLSearchParams({
        query: 'weir_incidents_opened_total{detector="synFlood"}',
        start: String(end - 60),
        end: String(end + 60),
      }).toString();
      const exemplar = await until('an exemplar', WITHIN_MS, async () => {
        const { body } = await lab.agent('pbx').ask('get', `${PROMETHEUS_URL}/api/v1/query_exemplars?${asked}`);
        const { data }: { data: { exemplars: { labels: { incident: string } }[] }[] } = JSON.parse(body);
        return data[0]?.exemplars[0]?.labels.incident;
      });
      assert.equal(exemplar, id);
      await flood.stop('SIGINT');
      await until('its end', WITHIN_MS, async () => (await told('resolved')).length > 0);
    });

    it('fires while the daemon is stopped, and no longer once it runs', async () => {
      await daemon.process.stop('SIGTERM');
      const [alert] = await until('the alert', WITHIN_MS, async () => {
        const alerts = await down();
        return alerts.length > 0 && alerts;
      });
      assert.equal(alert?.metric['severity'], 'critical');
      daemon = await LabDaemon.start(lab, configuration);
      await until('its end', WITHIN_MS, async () => (await down()).length === 0);
    });
  });

  it("has a receiver told of one start and one end, through a restart of either side's", async () => {
    const [firedBefore, resolvedBefore] = [(await told('firing')).length, (await told('resolved')).length];
    const flood = lab.spawn('internet', FLOOD);
    const { id } = await openFlood();
    await until('the start', WITHIN_MS, async () => (await told('firing')).length > firedBefore);
    const first = (await told('firing')).at(-1);
    assert.equal(first?.generatorURL, `${STATUS_URL}/incidents/${id}`);
    await daemon.until('its writing', WITHIN_MS, ({ store }) => store?.waiting === 0);
    await daemon.process.stop('SIGKILL');
    daemon = await LabDaemon.start(lab, configuration);
    assert.equal((await openFlood()).id, id);
    assert.equal((await told('firing')).length, firedBefore + 1, 'the receiver is not told twice');
    // One that has forgotten everything tells of the start anew.
    const pbx = lab.agent('pbx');
    await pbx.ask('stopAlertmanager');
    await pbx.ask('startAlertmanager', ALERTMANAGER_PORT, WEBHOOK_PORT);
    await until('the start again', WITHIN_MS, async () => (await told('firing')).length === firedBefore + 2);
    await flood.stop('SIGINT');
    await until('the end', WITHIN_MS, async () => (await told('resolved')).length === resolvedBefore + 1);
    assert.deepEqual((await told('resolved')).at(-1)?.labels, first.labels);
  });
});
