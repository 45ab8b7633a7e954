/** A real Alertmanager (Debian's) on a free port of the loopback, with its data in a directory that goes with it. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** An alert as `amtool alert query -o json` shows it. */
export interface ShownAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly status: { readonly state: string };
}

export interface TestAlertmanager {
  readonly url: string;
  readonly port: number;
  /** The alerts that are firing now, as amtool sees them; `matchers` like `tenant=acme`. */
  alerts(...matchers: string[]): Promise<ShownAlert[]>;
  stop(): Promise<void>;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port: no address');
  return address.port;
}

export interface TestAlertmanagerOptions {
  readonly port?: number;
  /** Where notifications are posted, without a delay for grouping; by default nowhere. */
  readonly webhook?: string;
}

export async function startAlertmanager(options: TestAlertmanagerOptions = {}): Promise<TestAlertmanager> {
  const port = options.port ?? (await freePort());
  const directory = await mkdtemp(join(tmpdir(), 'weir-alertmanager-'));
  const config = join(directory, 'alertmanager.yml');
  await writeFile(config, configuration(options.webhook));
  const daemon = spawn('prometheus-alertmanager', [
    `--config.file=${config}`,
    `--storage.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ]);
  const exited = once(daemon, 'exit');
  await Promise.race([listening(daemon.stderr), exited]);
  if (daemon.exitCode !== null) throw new Error(`Cannot start prometheus-alertmanager: exit status ${daemon.exitCode}`);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    async alerts(...matchers) {
      const args = [`--alertmanager.url=${url}`, 'alert', 'query', '--output=json', ...matchers];
      const { stdout } = await run('amtool', args);
      const alerts: ShownAlert[] = JSON.parse(stdout);
      return alerts;
    },
    async stop() {
      daemon.kill('SIGKILL');
      await exited;
      await rm(directory, { recursive: true });
    },
  };
}

function configuration(webhook: string | undefined): string {
  const receiver = webhook === undefined ? {} : { webhook_configs: [{ url: webhook, send_resolved: true }] };
  const route = { receiver: 'test', group_by: ['...'], group_wait: '0s', group_interval: '1s' };
  return JSON.stringify({ route, receivers: [{ name: 'test', ...receiver }] });
}

/** Until it says that it listens. */
function listening(stderr: Readable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  createInterface({ input: stderr }).on('line', (line) => {
    if (line.includes('Listening on')) resolve();
  });
  return promise;
}
