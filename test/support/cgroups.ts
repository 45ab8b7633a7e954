/** Real cgroups, made by hand, and processes in them that burn CPU, hold memory or do nothing. Needs root. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findHierarchies } from '../../probes/host/hierarchies.ts';

export interface Role {
  /** Threads that burn CPU; none without. */
  readonly burn?: number;
  readonly bytes?: number;
}

/** Whoever made the cgroups may be killed before it ends those in them. */
const LIFETIME_MS = 60_000;
/** What is moved into a cgroup is charged there from then on. */
const PROGRAM = `
  const { writeFileSync } = require('node:fs');
  const { Worker } = require('node:worker_threads');
  const [threads, bytes, ...files] = process.argv.slice(1);
  for (const file of files) writeFileSync(file, String(process.pid));
  globalThis.held = Buffer.alloc(Number(bytes), 1);
  for (let i = 0; i < threads; i++) new Worker('for (;;);', { eval: true });
  setTimeout(() => process.exit(), ${LIFETIME_MS});
  process.stdout.write('ready');
`;

/** A number, so many files to write its process id to, and the command that it becomes then. */
const ENTER = 'n=$1; shift; while [ $n -gt 0 ]; do echo $$ > "$1"; shift; n=$((n - 1)); done; exec "$@"';

/** The mounts of this machine's cgroups, without those that have the other version. */
export const mountsOf = (version: 1 | 2): readonly string[] =>
  findHierarchies('/sys/fs/cgroup').flatMap((each) => (each.version === version ? [each.root] : []));

export class TestCgroups {
  readonly #roots: readonly string[];
  /** The deepest last. */
  readonly #made: string[] = [];
  readonly #children: ChildProcess[] = [];

  /** In each of the hierarchies. */
  constructor(roots: readonly string[]) {
    assert.equal(process.getuid?.(), 0, 'making cgroups needs root: sudo npm test');
    this.#roots = roots;
  }

  /** Makes it, and what is missing above it. */
  add(path: string): void {
    for (const root of this.#roots) this.#make(join(root, path));
  }

  #make(directory: string): void {
    if (existsSync(directory)) return;
    const parent = dirname(directory);
    this.#make(parent);
    if (!this.#roots.includes(parent)) giveOn(parent);
    mkdirSync(directory);
    this.#made.push(directory);
  }

  /** Runs a process in it; resolves when that does what it is for. */
  async run(path: string, { burn = 0, bytes = 0 }: Role = {}): Promise<ChildProcess> {
    const child = spawn(process.execPath, ['-e', PROGRAM, String(burn), String(bytes), ...this.#doors(path)]);
    this.#children.push(child);
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    return child;
  }

  /** Runs a command in it. */
  spawn(path: string, ...command: readonly string[]): void {
    const doors = this.#doors(path);
    this.#children.push(
      spawn('sh', ['-c', ENTER, 'sh', String(doors.length), ...doors, ...command], { stdio: 'ignore' }),
    );
  }

  #doors(path: string): readonly string[] {
    return this.#roots.map((root) => join(root, path, 'cgroup.procs'));
  }

  remove(path: string): void {
    for (const root of this.#roots) this.#remove(join(root, path));
  }

  #remove(directory: string): void {
    rmdirSync(directory);
    this.#made.splice(this.#made.indexOf(directory), 1);
  }

  async end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Ends all that runs in them, and removes them. */
  async removeAll(): Promise<void> {
    await Promise.all(this.#children.map((child) => this.end(child)));
    for (const directory of this.#made.toReversed()) this.#remove(directory);
  }
}

/** A cgroup of v2 has the controllers alone that the one above gives on; how the root of the mount has them is the host's. */
function giveOn(directory: string): void {
  const controllers = join(directory, 'cgroup.controllers');
  if (!existsSync(controllers)) return;
  const names = readFileSync(controllers, 'utf8').split(/\s+/).filter(Boolean);
  writeFileSync(join(directory, 'cgroup.subtree_control'), names.map((name) => `+${name}`).join(' '));
}
