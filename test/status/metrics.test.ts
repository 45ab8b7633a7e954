import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { DECODE_REASONS, TCP_ACK, TCP_SYN, TCP_SYN_ACK, UDP } from '../../daemon/metering/decodeResult.ts';
import { BYTES_TCP, BYTES_UDP, INBOUND, OUTBOUND, ROW, Window } from '../../daemon/metering/window.ts';
import { Metrics } from '../../daemon/status/metrics.ts';
import type { WorkloadStatus } from '../../daemon/status/hostStatus.ts';
import type { StatusSnapshot } from '../../daemon/status/snapshot.ts';
import { TrafficTotals } from '../../daemon/status/trafficTotals.ts';
import { change, testIncident } from '../support/incident.ts';
import { testInterface, testLimit, testSnapshot, testTenant } from '../support/snapshot.ts';

const LIMIT = testLimit();

const RICH = testSnapshot({
  interfaces: [testInterface(), testInterface({ name: 'eth1', state: 'down', dropped: null, reattached: 2 })],
  tenants: [testTenant({ limit: LIMIT, openIncidents: 1 })],
  limits: [LIMIT],
  incidents: [testIncident(), testIncident({ id: 'b', state: 'closed' })],
  incidentCounters: { opened: 2, closed: 1, suppressed: 4, candidatesEvicted: 5 },
  alertmanager: [
    {
      url: 'http://127.0.0.1:9093',
      ok: false,
      lastSuccessAt: null,
      lastError: 'ECONNREFUSED',
      pending: 1,
      alertsSent: 7,
      alertsDropped: 0,
      postsFailed: 3,
    },
  ],
});

const WORKLOAD: WorkloadStatus = {
  name: 'container acme-pbx',
  state: 'running',
  cpuCores: 1.5,
  cpuLimitCores: 2,
  cpuSeconds: 100,
  throttledSeconds: 1,
  oomKills: 0,
  memoryBytes: 900e6,
  workingSetBytes: 800e6,
  memoryLimitBytes: 1e9,
  waits: { cpu: 0, memory: 0 },
};

function testWindow(tenants: number, dropped: number | null = 2): Window {
  const window = new Window({ tenants, targetBits: 4, sourceBits: 4, details: 1, pairBits: 6 });
  window.open(0);
  const acmeIn = (1 * 2 + INBOUND) * ROW;
  for (const [lane, value] of [
    [UDP, 10],
    [TCP_ACK, 20],
    [TCP_SYN, 30],
    [TCP_SYN_ACK, 5],
    [BYTES_UDP, 1000],
    [BYTES_TCP, 3000],
  ] as const) {
    window.tenants[acmeIn + lane] = value;
    window.totals[lane] = value;
  }
  window.tenants[(1 * 2 + OUTBOUND) * ROW + UDP] = 4;
  window.malformed[DECODE_REASONS.indexOf('ipv4Truncated')] = 3;
  window.close(250, 68, dropped);
  return window;
}

function metricsFor(snapshot: StatusSnapshot, tenantIds: readonly string[] = ['acme']) {
  const traffic = new TrafficTotals(tenantIds.length, (_, point) => point === 'eth0');
  return { traffic, metrics: new Metrics({ tenantIds, traffic, snapshot: () => snapshot }) };
}

const seriesOf = (text: string, prefix: string): string[] => text.split('\n').filter((line) => line.startsWith(prefix));

describe('Metrics', () => {
  it('passes promtool check metrics', async () => {
    const { metrics, traffic } = metricsFor(RICH);
    traffic.observeWindow('eth0', testWindow(1));
    metrics.observeIncident(change('opened'));
    const input = await metrics.text();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    assert.equal(stdout + stderr, '');
    assert.equal(status, 0);
  });

  it('names the last incident as exemplar in OpenMetrics, which promtool and Prometheus read', async () => {
    const { metrics, traffic } = metricsFor(RICH);
    traffic.observeWindow('eth0', testWindow(1));
    metrics.observeIncident(change('opened', { id: '00c0ffee0001', firstSeen: '2026-03-01T10:00:00.500Z' }));
    const text = await metrics.text('openMetrics');
    assert.ok(
      text.includes(
        '\nweir_incidents_opened_total{detector="synFlood"} 1 # {incident="00c0ffee0001"} 1 1772359200.5\n',
      ),
    );
    assert.ok(text.includes('\n# TYPE weir_incidents_opened counter\n') && text.endsWith('\n# EOF\n'));
    assert.ok(text.includes('\n# TYPE process_cpu_seconds counter\n'));
    assert.doesNotMatch(text, /\n\n|^# TYPE \S+_total counter$/m);
    assert.doesNotMatch(await metrics.text(), / # /);
  });

  it("counts a tenant's traffic at its accounting point alone, by direction and kind", async () => {
    const { metrics, traffic } = metricsFor(RICH);
    traffic.observeWindow('eth0', testWindow(1));
    traffic.observeWindow('eth1', testWindow(1));
    traffic.observeWindow('eth0', testWindow(1));
    const text = await metrics.text();
    assert.deepEqual(seriesOf(text, 'weir_tenant_'), [
      'weir_tenant_packets_total{tenant="acme",direction="outbound",kind="tcp"} 0',
      'weir_tenant_packets_total{tenant="acme",direction="outbound",kind="syn"} 0',
      'weir_tenant_packets_total{tenant="acme",direction="outbound",kind="udp"} 8',
      'weir_tenant_packets_total{tenant="acme",direction="outbound",kind="icmp"} 0',
      'weir_tenant_packets_total{tenant="acme",direction="outbound",kind="other"} 0',
      'weir_tenant_packets_total{tenant="acme",direction="inbound",kind="tcp"} 50',
      'weir_tenant_packets_total{tenant="acme",direction="inbound",kind="syn"} 60',
      'weir_tenant_packets_total{tenant="acme",direction="inbound",kind="udp"} 20',
      'weir_tenant_packets_total{tenant="acme",direction="inbound",kind="icmp"} 0',
      'weir_tenant_packets_total{tenant="acme",direction="inbound",kind="other"} 0',
      'weir_tenant_bytes_total{tenant="acme",direction="outbound"} 0',
      'weir_tenant_bytes_total{tenant="acme",direction="inbound"} 8000',
      'weir_tenant_port_bytes_per_second{tenant="acme"} 12500000',
      'weir_tenant_threshold_bytes_per_second{tenant="acme"} 10000000',
      'weir_tenant_limit_bytes_per_second{tenant="acme"} 2500000',
      'weir_tenant_open_incidents{tenant="acme"} 1',
    ]);
  });

  it("tells what a probe's figures can be doubted for, and leaves out what is not known", async () => {
    const doubted = testInterface({
      captureProcess: { restarts: 2, lastFailure: 'SIGABRT' },
      onlySees: { direction: 'inbound', since: '2026-03-01T09:00:00.250Z' },
      clock: { jumps: 3, lastJumpSeconds: -3600, lastJumpAt: '2026-03-01T09:30:00.000Z' },
      unseen: { bytes: 5000, packets: 7 },
    });
    const unknown = testInterface({
      name: 'eth1',
      lastPacketAt: null,
      link: null,
      unseen: { bytes: null, packets: null },
    });
    const { metrics } = metricsFor(testSnapshot({ interfaces: [doubted, unknown] }));
    assert.deepEqual(seriesOf(await metrics.text(), 'weir_probe_'), [
      'weir_probe_capture_process_restarts_total{interface="eth0"} 2',
      'weir_probe_last_packet_timestamp_seconds{interface="eth0"} 1772359212.99',
      'weir_probe_link_bytes_per_second{interface="eth0"} 125000000',
      'weir_probe_only_sees{interface="eth0",direction="outbound"} 0',
      'weir_probe_only_sees{interface="eth0",direction="inbound"} 1',
      'weir_probe_only_sees{interface="eth1",direction="outbound"} 0',
      'weir_probe_only_sees{interface="eth1",direction="inbound"} 0',
      'weir_probe_clock_jumps_total{interface="eth0"} 3',
      'weir_probe_clock_jumps_total{interface="eth1"} 0',
      'weir_probe_unseen_bytes_total{interface="eth0"} 5000',
    ]);
  });

  it('counts what each limit passed and dropped', async () => {
    const { metrics } = metricsFor(RICH);
    const text = await metrics.text();
    assert.deepEqual(seriesOf(text, 'weir_limit_'), [
      'weir_limit_passed_bytes_total{tenant="acme",direction="outbound",queue="voice"} 200000',
      'weir_limit_passed_bytes_total{tenant="acme",direction="inbound",queue="voice"} 200000',
      'weir_limit_passed_bytes_total{tenant="acme",direction="outbound",queue="bulk"} 52000000',
      'weir_limit_passed_bytes_total{tenant="acme",direction="inbound",queue="bulk"} 69000000',
      'weir_limit_dropped_packets_total{tenant="acme",queue="voice"} 0',
      'weir_limit_dropped_packets_total{tenant="acme",queue="bulk"} 10000',
    ]);
    assert.deepEqual(seriesOf(text, 'weir_limiting_'), ['weir_limiting_stopped 0', 'weir_limiting_failing 0']);
  });

  it('counts what every interface received, lost and could not read', async () => {
    const { metrics, traffic } = metricsFor(RICH);
    traffic.observeWindow('eth0', testWindow(1));
    traffic.observeWindow('eth0', testWindow(1));
    traffic.observeWindow('eth1', testWindow(1, null));
    assert.deepEqual(seriesOf(await metrics.text(), 'weir_interface_'), [
      'weir_interface_up{interface="eth0"} 1',
      'weir_interface_up{interface="eth1"} 0',
      'weir_interface_reattachments_total{interface="eth0"} 0',
      'weir_interface_reattachments_total{interface="eth1"} 2',
      'weir_interface_worker_restarts_total{interface="eth0"} 0',
      'weir_interface_worker_restarts_total{interface="eth1"} 0',
      'weir_interface_windows_total{interface="eth0"} 2',
      'weir_interface_windows_total{interface="eth1"} 1',
      'weir_interface_received_frames_total{interface="eth0"} 136',
      'weir_interface_received_frames_total{interface="eth1"} 68',
      'weir_interface_dropped_frames_total{interface="eth0"} 4',
      'weir_interface_packets_total{interface="eth0"} 130',
      'weir_interface_packets_total{interface="eth1"} 65',
      'weir_interface_bytes_total{interface="eth0"} 8000',
      'weir_interface_bytes_total{interface="eth1"} 4000',
      'weir_interface_malformed_frames_total{interface="eth0",reason="ipv4Truncated"} 6',
      'weir_interface_malformed_frames_total{interface="eth1",reason="ipv4Truncated"} 3',
      'weir_interface_evicted_entries_total{interface="eth0",table="targets"} 0',
      'weir_interface_evicted_entries_total{interface="eth0",table="sources"} 0',
      'weir_interface_evicted_entries_total{interface="eth0",table="details"} 0',
      'weir_interface_evicted_entries_total{interface="eth1",table="targets"} 0',
      'weir_interface_evicted_entries_total{interface="eth1",table="sources"} 0',
      'weir_interface_evicted_entries_total{interface="eth1",table="details"} 0',
    ]);
  });

  it('counts incidents, limits and alerts', async () => {
    const { metrics } = metricsFor(RICH);
    for (const event of ['opened', 'refreshed', 'closed', 'opened'] as const) metrics.observeIncident(change(event));
    const text = await metrics.text();
    for (const series of [
      'weir_incidents_suppressed_total 4',
      'weir_incident_candidates_evicted_total 5',
      'weir_build_info{version="0.1.0"} 1',
      'weir_incidents_opened_total{detector="synFlood"} 2',
      'weir_open_incidents{detector="synFlood"} 1',
      'weir_limits{state="inForce"} 1',
      'weir_limits{state="failed"} 0',
      'weir_alertmanager_up{url="http://127.0.0.1:9093"} 0',
      'weir_alertmanager_sent_alerts_total{url="http://127.0.0.1:9093"} 7',
      'weir_alertmanager_failed_posts_total{url="http://127.0.0.1:9093"} 3',
      'weir_alertmanager_pending_alerts{url="http://127.0.0.1:9093"} 1',
    ])
      assert(text.includes(`\n${series}\n`), series);
  });

  it('gives a second scrape the same counters, and one under way the same text', async () => {
    const { metrics, traffic } = metricsFor(RICH);
    traffic.observeWindow('eth0', testWindow(1));
    const scrape = metrics.text();
    assert.equal(metrics.text(), scrape);
    const [first, second] = [await scrape, await metrics.text()];
    assert.deepEqual(seriesOf(first, 'weir_'), seriesOf(second, 'weir_'));
  });

  it('has at most 30 series a tenant at 1,000 tenants, cheap to feed and to scrape', async () => {
    const tenantIds = Array.from({ length: 1000 }, (_, i) => `tenant${i}`);
    const plan = { ...testTenant().plan, thresholdPacketsPerSecond: 5000 };
    const snapshot = testSnapshot({
      tenants: tenantIds.map((id) => testTenant({ id, limit: LIMIT, plan, workload: WORKLOAD })),
      limits: tenantIds.map((tenant) => testLimit({ tenant })),
    });
    const { metrics, traffic } = metricsFor(snapshot, tenantIds);
    const window = testWindow(1000);
    const fed = performance.now();
    for (let i = 0; i < 1000; i++) traffic.observeWindow('eth0', window);
    const windowMs = (performance.now() - fed) / 1000;
    const start = performance.now();
    const text = await metrics.text();
    const scrapeMs = performance.now() - start;
    const series = text.split('\n').filter((line) => line.includes('tenant="tenant7"'));
    // All that there can be of a tenant.
    assert.equal(series.length, 30);
    assert(windowMs < 1, `a window took ${windowMs} ms`);
    assert(scrapeMs < 500, `the scrape took ${scrapeMs} ms`);
  });
});
