/**
 * A Debian 12 with a real systemd: made by debootstrap, kept in node_modules/.cache/weir for the next time, copied for each
 * container, booted by systemd-nspawn in a network of its own. Needs root. Nothing of it is left behind.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../lab/until.ts';

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/weir');
const SUITE = 'bookworm';
const MIRROR = 'http://deb.debian.org/debian';
/** What weir's package depends on, and what a PBX host has anyway. */
const PACKAGES = ['systemd-sysv', 'dbus', 'iproute2', 'curl'];
const BOOTED_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 30_000;

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The folder of the system that containers are copies of. */
function baseSystem(): string {
  const key = createHash('sha256')
    .update([SUITE, ...PACKAGES].join())
    .digest('hex')
    .slice(0, 12);
  const base = join(CACHE, `${SUITE}-${key}`);
  if (existsSync(base)) return base;
  mkdirSync(CACHE, { recursive: true });
  const making = mkdtempSync(join(CACHE, 'making-'));
  try {
    const { status, stdout, stderr } = spawnSync(
      'debootstrap',
      ['--variant=minbase', `--include=${PACKAGES.join()}`, SUITE, making, MIRROR],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, `debootstrap: ${stdout.slice(-2000)}${stderr}`);
    chmodSync(making, 0o755); // mkdtemp's is for root alone, and so nobody else could start in it.
    rmSync(join(making, 'var/cache/apt/archives'), { recursive: true });
    renameSync(making, base);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    throw error;
  }
  return base;
}

export class Container {
  readonly root: string;
  readonly #folder: string;
  readonly #name: string;
  #nspawn: ReturnType<typeof spawn> | null = null;

  constructor() {
    assert.equal(process.getuid?.(), 0, 'containers need root: sudo npm test');
    this.#folder = mkdtempSync(join(tmpdir(), 'weir-systemd-'));
    this.#name = `weir-${process.pid}`;
    this.root = join(this.#folder, 'root');
    execFileSync('cp', ['-a', '--reflink=auto', baseSystem(), this.root]);
    // The mark of an installed system: nothing asks questions at the first boot.
    execFileSync('sh', [
      '-c',
      'echo weir-test >"$0/etc/hostname"; rm -f "$0/etc/machine-id"; touch "$0/etc/machine-id"',
      this.root,
    ]);
  }

  /** Resolves when systemd has started all that it starts. */
  async boot(): Promise<void> {
    const log = openSync(join(this.#folder, 'console'), 'a');
    this.#nspawn = spawn(
      'systemd-nspawn',
      [
        '--boot',
        '--private-network',
        '--register=no',
        '--keep-unit',
        '--console=pipe',
        `--machine=${this.#name}`,
        `--directory=${this.root}`,
      ],
      { stdio: ['ignore', log, log] },
    );
    closeSync(log);
    await this.#booted();
  }

  async #booted(): Promise<void> {
    await until('a system that has booted', BOOTED_WITHIN_MS, async () => {
      if (this.#leader() === null) return false;
      return /^(?:running|degraded)/.test(this.run('systemctl', 'is-system-running').stdout);
    });
  }

  /** The pid of its systemd, as this machine sees it; null: there is none now. */
  #leader(): number | null {
    const pid = this.#nspawn?.pid;
    if (pid === undefined) return null;
    try {
      const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
      return child === undefined || child === '' ? null : Number(child);
    } catch {
      return null;
    }
  }

  get leader(): number {
    return this.#leader() ?? assert.fail(`the container does not run: ${this.console()}`);
  }

  console(): string {
    return readFileSync(join(this.#folder, 'console'), 'utf8').slice(-2000);
  }

  /** Runs a command in it to its end. */
  run(...command: readonly [string, ...string[]]): Ran {
    const clean = [
      'env',
      '-i',
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      'DEBIAN_FRONTEND=noninteractive',
      'LC_ALL=C.UTF-8',
    ];
    const { status, stdout, stderr } = spawnSync('nsenter', ['-t', String(this.leader), '-a', ...clean, ...command], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  /** What it printed. Throws, with that, unless its exit status is 0. */
  check(...command: readonly [string, ...string[]]): string {
    const { status, stdout, stderr } = this.run(...command);
    assert.equal(status, 0, `${command.join(' ')}: ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  put(file: string, path: string): void {
    cpSync(file, join(this.root, path));
  }

  /** Resolves when the system has come up again, without the interfaces that it was given. */
  async reboot(): Promise<void> {
    // With --keep-unit nspawn leaves it to others to start it again.
    const ended = this.#ended();
    this.run('systemctl', 'reboot');
    await ended;
    await this.boot();
  }

  /** Resolves when nspawn has ended, which is made to where it takes too long. */
  async #ended(): Promise<void> {
    const nspawn = this.#nspawn;
    if (nspawn === null || nspawn.exitCode !== null || nspawn.signalCode !== null) return;
    const timer = setTimeout(() => nspawn.kill('SIGKILL'), STOPPED_WITHIN_MS);
    await new Promise((resolve) => nspawn.once('exit', resolve));
    clearTimeout(timer);
  }

  async stop(): Promise<void> {
    const ended = this.#ended();
    if (this.#leader() !== null) this.run('systemctl', 'poweroff');
    await ended;
    rmSync(this.#folder, { recursive: true });
  }
}
