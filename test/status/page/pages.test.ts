import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Incident } from '../../../daemon/incidents/incident.ts';
import { loadConfig } from '../../../daemon/config/load.ts';
import { collectorStatus } from '../../../daemon/status/collectorStatus.ts';
import { EventStream } from '../../../daemon/status/eventStream.ts';
import { startStatusServer, type StatusServer } from '../../../daemon/status/server.ts';
import type { StatusSnapshot } from '../../../daemon/status/snapshot.ts';
import { HistoryReader } from '../../../daemon/store/historyReader.ts';
import { temporaryFolder } from '../../store/temporary.ts';
import { assertAccessible, launchBrowser, screenshot, visit, type Visit } from '../../support/browser.ts';
import { testCollector } from '../../support/collectorStatus.ts';
import { change, sampleIncident } from '../../support/incident.ts';
import { fillPast, pastId, pastIncident } from '../../support/pastStore.ts';
import {
  testArchive,
  testInterface,
  testLimit,
  testOverview,
  testSnapshot,
  testSources,
  testTenant,
} from '../../support/snapshot.ts';

const TENANTS = 1000;
const INCIDENTS = 10_000;
const USABLE_MS = 1000;
const ATTEMPTS = 5;
/** Whoever can choose a text on the page would like it to be more than a text. */
const HOSTILE = `"><img src=x onerror="document.title='taken'"><script>document.title='taken'</script>'`;

const now = new Date().toISOString();
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const tenantIds = ['acme', ...numbers(TENANTS - 1).map((i) => `tenant-${i}`)];

const OPEN: readonly Incident[] = [
  pastIncident(20_000, { state: 'open', firstSeen: now, lastSeen: now }),
  sampleIncident({ id: pastId(20_001), firstSeen: now, lastSeen: now, severity: 'warning' }),
  pastIncident(20_002, {
    state: 'open',
    firstSeen: now,
    lastSeen: now,
    tenant: HOSTILE,
    victim: HOSTILE,
    offender: HOSTILE,
    title: HOSTILE,
    observationPoint: HOSTILE,
  }),
];

const WORKLOAD = {
  name: 'unit acme.service',
  state: 'running' as const,
  cpuCores: 0.5,
  cpuLimitCores: 2,
  cpuSeconds: 10,
  throttledSeconds: 0,
  oomKills: 0,
  memoryBytes: 1e8,
  workingSetBytes: 9e7,
  memoryLimitBytes: 2e8,
  waits: { cpu: 0.01, memory: null },
};

const STATUS: StatusSnapshot = testSnapshot({
  now,
  startedAt: new Date(Date.now() - 11_520_000).toISOString(),
  interfaces: [
    testInterface({ lastPacketAt: now, lastWindowAt: now, dropped: 12_345, lossRatio: 0.01 }),
    testInterface({ name: HOSTILE, faces: 'tenant', tenant: HOSTILE, lastWindowAt: now }),
  ],
  tenants: [
    ...tenantIds.map((id, i) =>
      testTenant({
        id,
        workload: i === 0 ? WORKLOAD : null,
        limit: i === 0 ? testLimit() : null,
        openIncidents: i === 0 ? 2 : 0,
      }),
    ),
    testTenant({ id: HOSTILE }),
  ],
  collector: collectorStatus(testCollector(), loadConfig('weir.yaml', '').detectors),
  limits: [testLimit(), testLimit({ tenant: HOSTILE, reason: HOSTILE, state: 'observed' })],
  incidents: [...OPEN, ...numbers(100).map((number) => pastIncident(number))],
  alertmanager: [
    {
      url: HOSTILE,
      ok: false,
      lastSuccessAt: null,
      lastError: HOSTILE,
      pending: 1,
      alertsSent: 0,
      alertsDropped: 0,
      postsFailed: 1,
    },
  ],
});

const VIEWS: readonly (readonly [name: string, path: string, heading: string])[] = [
  ['overview', '/', '3 open incidents'],
  ['incidents', '/incidents', 'Incidents'],
  ['incident', `/incidents/${pastId(1)}`, 'over inbound SYN flood against 192.0.2.10 (tenant acme)'],
  ['incident-cpu', `/incidents/${pastId(20_001)}`, 'warning CPU overuse (tenant acme)'],
  ['tenants', '/tenants?sort=rate', 'Tenants'],
  ['tenant', '/tenants/acme?span=24h', 'acme'],
  ['why', '/tenants/acme/why', 'Where acme stands'],
  ['hostile-incident', `/incidents/${pastId(20_002)}`, HOSTILE],
  ['hostile-tenant', `/tenants/${encodeURIComponent(HOSTILE)}`, HOSTILE],
  ['not-found', '/incidents/ffffffffffff', 'This cannot be shown'],
];

const headingOf = (page: Page): Promise<string> => page.locator('h1').innerText();

describe('the status page', function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  let server: StatusServer;
  let reader: HistoryReader;
  let browser: Browser;
  let origin: string;
  let events: EventStream;
  let status = STATUS;

  before(async function () {
    this.timeout(120_000);
    const path = join(folder(), 'weir.db');
    fillPast(
      path,
      numbers(INCIDENTS).map((number) => pastIncident(number)),
      tenantIds,
    );
    reader = new HistoryReader({ path });
    await reader.start();
    events = new EventStream({ overview: () => testOverview(), everyMs: 100 });
    const archive = testArchive({
      reader,
      tenants: () =>
        STATUS.tenants.map(({ id }) => ({
          id,
          addresses: ['192.0.2.0/28'],
          macs: [],
          plan: { portBps: 1e8, guaranteed: false, threshold: null, limitBps: null },
        })),
      open: () => status.incidents.filter(({ state }) => state === 'open'),
      closed: () => status.incidents.filter(({ state }) => state === 'closed'),
      limits: () => status.limits,
      tenantStatuses: () => status.tenants,
      hasEvidence: async () => true,
    });
    const reading = {
      observationPoint: HOSTILE,
      signature: 'synFlood',
      clause: 'network.disruption' as const,
      direction: 'inbound' as const,
      offender: HOSTILE,
      victim: '192.0.2.10',
      value: 150,
      threshold: 300,
      unit: 'packets/s' as const,
      entry: { windows: 2, of: 3, atOnce: 1.5 },
      passed: 0,
      leavesBelow: 210,
      incident: pastId(1),
      reason: HOSTILE,
      verdict: 'lacks 150 pps',
    };
    server = await startStatusServer({
      ...testSources({ snapshot: () => status, vitals: () => status, archive, events }),
      explain: async (tenant) => ({
        status: 200,
        explanation: {
          tenant,
          points: [{ name: HOSTILE, observed: null, at: null, trust: null, onlySees: null }],
          detectors: [{ id: 'synFlood', mode: 'observe', allow: [], reason: null, readings: [reading] }],
        },
      }),
      log: pino({}, { write: () => {} }),
      listen: { host: '127.0.0.1', port: 0 },
    });
    origin = `http://127.0.0.1:${server.port}`;
    browser = await launchBrowser();
  });
  after(async () => {
    await browser.close();
    await server.close();
    await reader.stop();
  });
  beforeEach(() => {
    status = STATUS;
  });

  async function open(path: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const visited = await visit(browser, origin, options);
    await visited.page.goto(path);
    return visited;
  }

  for (const [name, path, heading] of VIEWS) {
    it(`shows ${name}, without an error, and to everybody, light and dark`, async () => {
      const { page, complaints } = await open(path);
      assert((await headingOf(page)).includes(heading), await headingOf(page));
      await assertAccessible(page);
      await screenshot(page, name);
      await page.emulateMedia({ colorScheme: 'dark' });
      await assertAccessible(page);
      await screenshot(page, `${name}-dark`);
      assert.notEqual(await page.title(), 'taken');
      assert.deepEqual(
        complaints.filter((each) => name !== 'not-found' || !each.includes('404')),
        [],
      );
      await page.context().close();
    });

    it(`shows ${name} without JavaScript, and on a phone`, async () => {
      const { page } = await open(path, { javaScriptEnabled: false, viewport: { width: 375, height: 700 } });
      assert((await headingOf(page)).includes(heading));
      await screenshot(page, `${name}-phone`);
      const { page: wide } = await open(path, { viewport: { width: 375, height: 700 } });
      const overflow: unknown = await wide.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.equal(overflow, 0);
      await wide.context().close();
      await page.context().close();
    });

    it(`has ${name} usable within ${USABLE_MS} ms at ${TENANTS} tenants and ${INCIDENTS} incidents`, async () => {
      // The least of some: whatever else the machine does is not the page's.
      let tookMs = Infinity;
      for (let attempt = 0; attempt < ATTEMPTS && tookMs >= USABLE_MS; attempt++) {
        // oxlint-disable-next-line no-await-in-loop -- one after another
        const { page } = await visit(browser, origin);
        const startedMs = performance.now();
        // oxlint-disable-next-line no-await-in-loop
        await page.goto(path, { waitUntil: 'load' });
        // oxlint-disable-next-line no-await-in-loop
        await page.locator('h1').waitFor();
        tookMs = Math.min(tookMs, performance.now() - startedMs);
        // oxlint-disable-next-line no-await-in-loop
        await page.context().close();
      }
      assert(tookMs < USABLE_MS, `${Math.round(tookMs)} ms`);
    });
  }

  for (const path of ['/tenants/acme', `/incidents/${pastId(1)}`])
    it(`draws the chart of ${path}`, async () => {
      const { page, complaints } = await open(path);
      await page.locator('.chart canvas').waitFor();
      assert.deepEqual(complaints, []);
      await page.context().close();
    });

  it('shows at once that an incident opens, and keeps what is focused', async () => {
    const { page, complaints } = await open('/');
    await page.getByRole('link', { name: 'tenant-5', exact: true }).focus();
    const incident = pastIncident(30_000, { state: 'open', firstSeen: now, lastSeen: now, victim: '192.0.2.99' });
    status = { ...STATUS, incidents: [incident, ...STATUS.incidents] };
    events.observe({ ...change('opened'), incident });
    await page.getByRole('heading', { name: '4 open incidents' }).waitFor();
    await page.getByRole('link', { name: /against 192\.0\.2\.99/ }).waitFor();
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'tenant-5');
    assert.match(await page.locator('#connection').innerText(), /^live, as of /);
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  it('says first that it does not see, rather than that nothing is wrong', async () => {
    status = { ...STATUS, incidents: [], interfaces: [testInterface({ state: 'dead' })] };
    const { page } = await open('/', { javaScriptEnabled: false });
    assert.equal(await headingOf(page), 'Weir does not see all that it should');
    assert(await page.getByText('Cannot watch eth0: its worker is dead').isVisible());
    await page.context().close();
  });

  it('shows what its figures are worth, and exporters', async () => {
    const onlySees = { direction: 'inbound' as const, since: now };
    status = { ...STATUS, interfaces: [testInterface({ lastWindowAt: now, onlySees })] };
    const { page } = await open('/', { javaScriptEnabled: false });
    assert(await page.getByText(/^eth0: only inbound traffic is seen since/).isVisible());
    assert(await page.getByRole('row', { name: /^192\.0\.2\.1 ipfix 28 k 0 records/ }).isVisible());
    await page.context().close();
  });

  it('tells of an incident that is over what was done then, and not the limit of now', async () => {
    const { page } = await open(`/incidents/${pastId(1)}`, { javaScriptEnabled: false });
    assert(await page.getByText('limit ended by ada: it was a backup').isVisible());
    assert.equal(await page.getByText('in force').count(), 0);
    await page.goto(`/incidents/${pastId(20_001)}`);
    assert(await page.getByText('in force').isVisible());
    await page.context().close();
  });

  it('is reached by keyboard: to the content, the incidents, the tenants', async () => {
    const { page } = await open('/');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'To the content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/incidents\/[0-9a-f]{12}$/);
    await page.context().close();
  });

  it('turns pages of incidents, and finds those of a tenant', async () => {
    const { page } = await open('/incidents?state=closed', { javaScriptEnabled: false });
    await page.getByRole('link', { name: 'More' }).click();
    assert.match(page.url(), /state=closed&cursor=closed\.\d+\.[0-9a-f]{12}$/);
    await page.getByLabel('Tenant').fill('tenant-5');
    await page.getByRole('button', { name: 'Show' }).click();
    assert(await page.getByText('None.').isVisible());
    await page.context().close();
  });

  it('says that the connection is lost', async () => {
    const { page } = await open('/');
    await page.locator('#connection', { hasText: /^live/ }).waitFor();
    await page.context().setOffline(true);
    await page.locator('#connection.lost').waitFor();
    await page.context().setOffline(false);
    await page.locator('#connection', { hasText: /^live/ }).waitFor();
    await page.context().close();
  });
});
