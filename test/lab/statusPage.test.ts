import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { assertAccessible, EXECUTABLE, launchBrowser, screenshot, visit } from '../support/browser.ts';
import { iperf3, iperf3Server, synFlood } from './attacks.ts';
import { labConfiguration, STATUS_URL } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import type { LabProcess } from './labProcess.ts';
import { namespaceOf } from './network.ts';
import { INTERNET_IPV4, TENANTS } from './topology.ts';

const SHOWN = { timeout: 20_000 };
const SECONDS = 40;
/** Of a little-endian capture file with microseconds. */
const PCAP_MAGIC = 'd4c3b2a1';
const { acme } = TENANTS;

describe('the status page of a running daemon', function () {
  this.timeout(90_000);
  let lab: Lab;
  let daemon: LabDaemon;
  let browser: Browser;
  let page: Page;
  let complaints: readonly string[];
  let flood: LabProcess;

  before(async () => {
    lab = new Lab();
    const yaml = labConfiguration({
      plans: { acme: { threshold: { rate: '20mbit', for: '3s' }, limit: '5mbit' } },
      sections: {
        store: { path: join(lab.directory, 'weir.db') },
        detectors: { bandwidthThreshold: { mode: 'enforce' } },
        enforcement: { mode: 'enforce', hold: '15s' },
        incidents: { closeAfter: '5s' },
        alertmanager: { urls: [] },
      },
    });
    daemon = await LabDaemon.start(lab, yaml);
    browser = await launchBrowser(inNamespace(lab));
    ({ page, complaints } = await visit(browser, STATUS_URL));
  });
  after(async () => {
    await browser.close();
    await daemon.process.stop();
    await lab.stop();
  });
  afterEach(() => assert.deepEqual(complaints, []));

  it('shows that nothing is wrong', async () => {
    await page.goto('/');
    await page.getByRole('heading', { name: 'No open incident' }).waitFor(SHOWN);
    await page.locator('#connection', { hasText: /^live/ }).waitFor(SHOWN);
    await assertAccessible(page);
    await screenshot(page, 'lab-quiet');
  });

  it('shows a flood by itself once it has started', async () => {
    flood = lab.spawn('internet', synFlood({ to: acme.ipv4, seconds: SECONDS, spoofed: true }));
    await page.getByRole('link', { name: `inbound SYN flood against ${acme.ipv4} (tenant acme)` }).waitFor(SHOWN);
    await assertAccessible(page);
    await screenshot(page, 'lab-flood');
  });

  it('shows the incident, its course, and gives its packets', async () => {
    await page.getByRole('link', { name: /inbound SYN flood/ }).click();
    await page.getByRole('heading', { name: /^critical inbound SYN flood/ }).waitFor(SHOWN);
    const link = page.getByRole('link', { name: /^Download/ });
    await link.waitFor(SHOWN);
    const [download] = await Promise.all([page.waitForEvent('download', SHOWN), link.click()]);
    assert.equal(
      readFileSync(await download.path())
        .subarray(0, 4)
        .toString('hex'),
      PCAP_MAGIC,
    );
    await page.reload();
    await page.locator('.chart canvas').waitFor(SHOWN);
    await assertAccessible(page);
    await screenshot(page, 'lab-incident');
  });

  it('shows where the tenant stands with the detector', async () => {
    await page.getByRole('link', { name: 'Where the tenant stands with synFlood now' }).click();
    await page
      .getByRole('link', { name: /^open, closes/ })
      .first()
      .waitFor(SHOWN);
    await assertAccessible(page);
    await screenshot(page, 'lab-why');
  });

  it('shows that an incident is over', async () => {
    await page.goto('/');
    await page.getByRole('link', { name: /inbound SYN flood/ }).click();
    await flood.stop('SIGINT');
    await page.getByRole('heading', { name: /^over inbound SYN flood/ }).waitFor(SHOWN);
  });

  it('shows a tenant that is limited, and how much it used', async () => {
    lab.spawn('internet', iperf3Server(SECONDS));
    const upload = lab.spawn('acme', iperf3({ to: INTERNET_IPV4, seconds: SECONDS, rate: '40M' }));
    await page.goto('/tenants/acme');
    await page.getByText('in force').waitFor(SHOWN);
    await page.reload();
    await page.locator('.chart canvas').waitFor(SHOWN);
    await assertAccessible(page);
    await screenshot(page, 'lab-tenant');
    await page.goto('/');
    await page
      .getByRole('row', { name: /^acme in force 5 Mbit\/s/ })
      .first()
      .waitFor(SHOWN);
    await screenshot(page, 'lab-limit');
    await upload.stop();
  });
});

/** A command that starts chromium on the protected host. */
function inNamespace(lab: Lab): string {
  const command = join(lab.directory, 'chromium');
  writeFileSync(command, `#!/bin/sh\nexec ip netns exec ${namespaceOf(lab.name, 'pbx')} ${EXECUTABLE} "$@"\n`);
  chmodSync(command, 0o755);
  return command;
}
