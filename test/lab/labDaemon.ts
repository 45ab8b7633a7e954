/** The daemon on the protected host of a lab, and questions to its status endpoint. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Incident } from '../../daemon/incidents/incident.ts';
import type { Explanation } from '../../daemon/status/explanation.ts';
import type { StatusSnapshot } from '../../daemon/status/snapshot.ts';
import { STATUS_PORT, statusUrl } from './configuration.ts';
import type { Lab } from './lab.ts';
import type { LabProcess, ProcessEnd } from './labProcess.ts';
import { until } from './until.ts';

const MAIN = join(import.meta.dirname, '../../daemon/main.ts');
/** As `npm start` has it. */
const MEMORY = ['--max-semi-space-size=8'];
const START_MS = 15_000;

/** As pino writes them. */
interface LogLine {
  /** RFC 3339. */
  readonly time: string;
  readonly msg: string;
  readonly incident?: Incident;
}

interface StartOptions {
  readonly name?: string;
  readonly port?: number;
  readonly prefix?: readonly string[];
}

export class LabDaemon {
  readonly process: LabProcess;
  readonly #lab: Lab;
  readonly #url: string;

  private constructor(lab: Lab, process: LabProcess, url: string) {
    this.#lab = lab;
    this.process = process;
    this.#url = url;
  }

  /**
   * Resolves when it is healthy and watches every interface; throws with its last words when it ends before. One of several
   * daemons of the host has a name of its own, and `port` is that of its `status.listen`. `prefix` as in spawnDaemon.
   */
  static async start(lab: Lab, yaml: string, options: StartOptions = {}): Promise<LabDaemon> {
    const { name, port = STATUS_PORT, prefix } = options;
    const daemon = new LabDaemon(lab, spawnDaemon(lab, yaml, prefix, name), statusUrl(port));
    await until('a healthy daemon', START_MS, () => daemon.#isHealthy());
    await daemon.until(
      'every interface and the collector',
      START_MS,
      ({ interfaces, collector }) =>
        interfaces.every(({ state }) => state === 'up') && (collector === null || collector.state === 'up'),
    );
    return daemon;
  }

  async #isHealthy(): Promise<boolean> {
    if (!this.process.isRunning) {
      const { code, signal } = await this.process.ended;
      throw new Error(`the daemon ended: ${code ?? signal}: ${this.process.stderr}${this.process.stdout}`);
    }
    try {
      return (await this.get('/healthz')).status === 200;
    } catch {
      return false; // It does not listen yet.
    }
  }

  async status(): Promise<StatusSnapshot> {
    const { body } = await this.#lab.agent('pbx').ask('get', `${this.#url}/api/status`);
    const snapshot: StatusSnapshot = JSON.parse(body);
    return snapshot;
  }

  /** Where a tenant stands with one detector. */
  async explain(tenant: string, detector: string): Promise<Explanation> {
    const query = new URLSearchParams({ tenant, detector }).toString();
    const { body } = await this.#lab.agent('pbx').ask('get', `${this.#url}/api/explain?${query}`);
    const explanation: Explanation = JSON.parse(body);
    return explanation;
  }

  /** Its answer to GET /healthz or /metrics: the status code and the body. */
  get(path: '/healthz' | '/metrics'): Promise<{ status: number; body: string }> {
    return this.#lab.agent('pbx').ask('get', `${this.#url}${path}`);
  }

  /** What it has said in its log with this message, so far. */
  said(message: string): LogLine[] {
    const lines = this.process.stdout.split('\n').filter((line) => line.includes(JSON.stringify(message)));
    return lines.map((line): LogLine => JSON.parse(line)).filter(({ msg }) => msg === message);
  }

  /** The first status that `shows` something. */
  until<T>(what: string, withinMs: number, shows: (status: StatusSnapshot) => T | undefined | false): Promise<T> {
    return until(what, withinMs, async () => shows(await this.status()));
  }
}

/** Starts it without waiting for anything. `prefix`: a command that runs the rest of its words. */
export function spawnDaemon(lab: Lab, yaml: string, prefix: readonly string[] = [], name = 'weir'): LabProcess {
  const config = join(lab.directory, `${name}.yaml`);
  writeFileSync(config, yaml);
  // Where its control socket is: that of another daemon must not be in its way.
  const own = ['env', `RUNTIME_DIRECTORY=${join(lab.directory, name)}`];
  return lab.spawn('pbx', [...prefix, ...own, process.execPath, ...MEMORY, MAIN, 'run', '--config', config]);
}

/** Runs a command of `weir` where that daemon's runtime directory is: its output and its end. */
export async function runWeir(
  lab: Lab,
  args: readonly string[],
  name = 'weir',
): Promise<ProcessEnd & { output: string }> {
  const own = ['env', `RUNTIME_DIRECTORY=${join(lab.directory, name)}`];
  const command = lab.spawn('pbx', [...own, process.execPath, MAIN, ...args]);
  const end = await command.ended;
  return { ...end, output: `${command.stdout}${command.stderr}` };
}
