/** The daemon as a process on the stage: what it says of itself, and what the kernel says of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatusSnapshot } from '../../daemon/status/snapshot.ts';
import { WINDOW_MS } from '../../daemon/metering/window.ts';
import { until } from '../lab/until.ts';
import { machineMs } from './sender.ts';
import { WEIR, WEIR_ENV } from './weir.ts';

export const STATUS_URL = 'http://127.0.0.1:9737';
const START_MS = 15_000;
/** Jiffies as /proc shows them: USER_HZ, 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** Longer than it takes until a window is counted. */
const QUIET_MS = 3 * WINDOW_MS;

export interface Counted {
  readonly received: number;
  readonly dropped: number;
}

export interface CpuSeconds {
  readonly user: number;
  readonly system: number;
}

export class DaemonProcess {
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
  }

  /** Resolves when it captures, and listens to exporters if it is told to. */
  static async start(yaml: string): Promise<DaemonProcess> {
    const directory = mkdtempSync(join(tmpdir(), 'weir-bench-'));
    const config = join(directory, 'weir.yaml');
    writeFileSync(config, `${yaml}store: { path: ${join(directory, 'weir.db')} }\n`);
    const [command, main] = WEIR;
    const stdio = ['ignore', 'ignore', 'inherit'] as const;
    const child = spawn(command, [main, 'run', '--config', config], {
      env: { ...WEIR_ENV, RUNTIME_DIRECTORY: directory },
      stdio: [...stdio],
    });
    const daemon = new DaemonProcess(child, directory);
    await until('the daemon captures', START_MS, () => daemon.#captures());
    return daemon;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
    rmSync(this.#directory, { recursive: true });
  }

  async #captures(): Promise<boolean> {
    if (this.#child.exitCode !== null) throw new Error('Cannot start the daemon: see above');
    return this.status().then(
      ({ interfaces, collector }) =>
        interfaces.every(({ state }) => state === 'up') && (collector === null || collector.state === 'up'),
      () => false,
    );
  }

  async status(): Promise<StatusSnapshot> {
    const response = await fetch(`${STATUS_URL}/api/status`);
    const snapshot: StatusSnapshot = JSON.parse(await response.text());
    return snapshot;
  }

  /** Frames since the start, once no more come: the daemon counts them a window at a time. */
  async counted(): Promise<Counted> {
    let counted = await this.#count();
    let sinceMs = machineMs();
    return until('the daemon has read all frames', START_MS, async () => {
      const now = await this.#count();
      if (now.received !== counted.received) sinceMs = machineMs();
      counted = now;
      return machineMs() - sinceMs > QUIET_MS && counted;
    });
  }

  async #count(): Promise<Counted> {
    const { interfaces } = await this.status();
    const [{ received, dropped } = { received: 0, dropped: null }] = interfaces;
    return { received, dropped: dropped ?? Number.NaN };
  }

  /** Of all threads, since the start. */
  cpuSeconds(): CpuSeconds {
    return cpuSecondsOf(this.#child.pid);
  }

  /** Of the processes that it has started and that run. */
  childrenCpuSeconds(): CpuSeconds {
    const tasks = readdirSync(`/proc/${this.#child.pid}/task`);
    const pids = tasks.flatMap((task) => this.#proc(`task/${task}/children`).split(' ').filter(Boolean));
    const all = pids.map((pid) => cpuSecondsOf(Number(pid)));
    const sum = (field: keyof CpuSeconds): number => all.reduce((total, each) => total + each[field], 0);
    return { user: sum('user'), system: sum('system') };
  }

  /** A field of /proc/PID/status that is in kB, in MiB. */
  memoryMiB(field: 'VmRSS' | 'VmHWM'): number {
    const [, kilobytes] = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(this.#proc('status')) ?? [];
    return Number(kilobytes) / 1024;
  }

  /** The part of VmRSS that is the capture ring, which is the kernel's memory mapped into the process, in MiB. */
  ringMiB(): number {
    const mappings = this.#proc('smaps').matchAll(/ socket:\[\d+\]\nSize:.*\n(?:.*\n)*?Rss:\s*(\d+) kB/g);
    return [...mappings].reduce((sum, [, kilobytes]) => sum + Number(kilobytes) / 1024, 0);
  }

  #proc(file: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8');
  }
}

/** proc_pid_stat(5); the first field after the name is the third. */
function cpuSecondsOf(pid: number | undefined): CpuSeconds {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { user: Number(fields[14 - 3]) / TICKS_PER_SECOND, system: Number(fields[15 - 3]) / TICKS_PER_SECOND };
}
