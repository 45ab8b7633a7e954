/** Debian's chromium, that asks nobody for anything but the pages of a test; what it says of errors; axe; screenshots. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

export const EXECUTABLE = '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Ignored by git; continuous integration may keep it. */
const SCREENSHOTS = join(import.meta.dirname, '../../coverage/screenshots');

/** With an empty profile of its own. */
export const launchBrowser = (executablePath = EXECUTABLE): Promise<Browser> =>
  chromium.launch({ executablePath, args: ARGUMENTS });

export interface Visit {
  readonly page: Page;
  /** What the page has complained about, and what it has asked elsewhere for. */
  readonly complaints: readonly string[];
}

/** A tab; `origin` alone is where it may ask. */
export async function visit(browser: Browser, origin: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ baseURL: origin, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) complaints.push(`asks for ${request.url()}`);
  });
  return { page, complaints };
}

/** By the rules of WCAG 2.2 A and AA, and axe's best practices. */
export async function assertAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const {
    violations,
  }: { violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[] } =
    await page.evaluate('axe.run()');
  const told = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html}: ${nodes[0]?.failureSummary}`,
  );
  assert.deepEqual(told, []);
}

export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}
