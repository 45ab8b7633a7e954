import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TcError } from '../../daemon/enforcement/executor.ts';
import { Tc } from '../../daemon/enforcement/tc.ts';
import type { DesiredObject } from '../../daemon/enforcement/tcObject.ts';
import { addNamespaces, ip, removeNamespaces } from '../support/namespace.ts';

const NAMESPACE = 'we-tc';

const adding = (add: string): DesiredObject => ({ layer: 'class', key: '', state: '', add, change: null });

describe('Tc', () => {
  let directory: string;
  before(() => {
    addNamespaces(NAMESPACE);
    directory = mkdtempSync(join(tmpdir(), 'weir-tc-'));
    chmodSync(directory, 0o755);
  });
  after(() => {
    removeNamespaces(NAMESPACE);
    rmSync(directory, { recursive: true });
  });

  it('probes what the kernel can do, and leaves nothing behind, not even of a probe that was killed', async () => {
    const before = ip('-n', NAMESPACE, 'link', 'show');
    ip('-n', NAMESPACE, 'link', 'add', 'name', 'weir-p99', 'type', 'ifb');
    const { missing } = await new Tc({ netns: NAMESPACE }).probe();
    assert.deepEqual(missing, []);
    assert.equal(ip('-n', NAMESPACE, 'link', 'show'), before);
  });

  it('names the package where tc is missing', async () => {
    await assert.rejects(new Tc({ netns: NAMESPACE, path: directory }).probe(), {
      name: 'TcError',
      message: 'Cannot run ip -j link show: ip: not found: install the Debian package iproute2',
    });
  });

  it('names the line that failed, and what the kernel said', async () => {
    const additions = [adding('qdisc show dev lo'), adding('class add dev lo parent 1: classid 1:1 htb rate 8kbit')];
    const error = await new Tc({ netns: NAMESPACE })
      .run({ removals: [], additions, changes: [] })
      .catch((thrown: unknown) => thrown);
    assert(error instanceof TcError);
    assert.equal(error.command, 'tc class add dev lo parent 1: classid 1:1 htb rate 8kbit');
    assert.match(error.message, /^Cannot run tc class add .*: .*(?:not found|No such file)/);
    assert.match(error.stderr, /Command failed -:2/);
  });

  it('does not wait for a tool that hangs', async () => {
    for (const tool of ['ip', 'tc'])
      writeFileSync(join(directory, tool), '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
    const tc = new Tc({ path: `${directory}:/usr/bin:/bin`, timeoutMs: 100 });
    await assert.rejects(tc.read(), { name: 'TcError', message: /no end within 0\.1 s$/ });
  });

  it('runs its tools out of reach of a Ctrl-C in its terminal', async () => {
    // Field 6 of /proc/PID/stat is the session (proc_pid_stat(5)).
    writeFileSync(join(directory, 'ip'), '#!/bin/sh\ncut -d " " -f 6 /proc/$$/stat >&2\nexit 1\n', { mode: 0o755 });
    const error = await new Tc({ path: `${directory}:/usr/bin:/bin` }).probe().catch((thrown: unknown) => thrown);
    assert(error instanceof TcError);
    assert.match(error.stderr, /^\d+\n$/);
    assert.notEqual(error.stderr.trim(), readFileSync('/proc/self/stat', 'utf8').split(' ')[5]);
  });

  it('says what is needed where it is not permitted', async () => {
    const module = join(import.meta.dirname, '../../daemon/enforcement/tc.ts');
    const code = `import('${module}').then(({ Tc }) => new Tc().probe()).catch(({ message }) => console.log(message))`;
    const without = ['--bounding-set=-net_admin', '--inh-caps=-net_admin'];
    const { stdout } = await promisify(execFile)('setpriv', [...without, process.execPath, '-e', code]);
    assert.match(stdout, /^Cannot run ip link add .*not permitted \(it needs root, or CAP_NET_ADMIN\)$/m);
  });
});
