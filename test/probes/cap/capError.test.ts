import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCap } from '../../../probes/cap/cap.ts';
import { loadLibc } from '../../../probes/libc.ts';
import { addNamespaces, inNamespace, ip, removeNamespaces } from '../../support/namespace.ts';

const NAMESPACE = 'wr-caperr';
const ROOT = join(import.meta.dirname, '../../..');

/** The message of the error that opening on lo ends in, in a process started by `command`. */
function messageInChild(command: readonly string[], probes = join(ROOT, 'probes')): string {
  const script = `
    import { openCap } from ${JSON.stringify(join(probes, 'cap/cap.ts'))};
    try { openCap({ interface: 'lo' }); console.log('open') }
    catch (error) { console.log(error.name + ': ' + error.message) }
    process.exit()`;
  const node = [process.execPath, '--input-type=module', '--eval', script];
  return inNamespace(NAMESPACE, () =>
    execFileSync('env', [...command, ...node], { encoding: 'utf8', cwd: tmpdir() }),
  ).trim();
}

/** Calls `use` while this process may open so many more files (setrlimit(2)). */
function withDescriptors<T>(left: number, use: () => T): T {
  const RLIMIT_NOFILE = 7;
  const libc = loadLibc();
  const set = libc.declare('int setrlimit(int resource, const void *limit)');
  const limit = new BigUint64Array(2);
  libc.declare('int getrlimit(int resource, void *limit)')(RLIMIT_NOFILE, limit);
  const used = new Set(readdirSync('/proc/self/fd').map(Number));
  let bound = 0;
  for (let free = 0; free <= left; bound++) if (!used.has(bound)) free += 1;
  set(RLIMIT_NOFILE, BigUint64Array.of(BigInt(bound - 1), limit[1] ?? 0n));
  try {
    return use();
  } finally {
    set(RLIMIT_NOFILE, limit);
  }
}

describe('openCap, where it cannot start', function () {
  this.timeout(20_000);
  before(() => addNamespaces(NAMESPACE));
  after(() => removeNamespaces(NAMESPACE));

  const refused: readonly [string, Parameters<typeof openCap>[0], RegExp][] = [
    [
      'an interface that does not exist, with those that do',
      { interface: 'eth9' },
      /^Cannot capture on eth9: no such interface \(there are: lo\)$/,
    ],
    ['a name that no interface can have', { interface: 'x'.repeat(16) }, /: no such interface/],
    [
      'a filter that libpcap cannot parse',
      { interface: 'lo', filter: 'tcp prot 80' },
      /^Cannot capture on lo through cap with the filter "tcp prot 80": can't parse filter expression: syntax error$/,
    ],
    [
      'a filter that lets nothing through',
      { interface: 'lo', filter: 'tcp and udp' },
      /^Cannot capture on lo through cap with the filter "tcp and udp": expression rejects all packets$/,
    ],
  ];
  for (const [what, options, message] of refused) {
    it(`names ${what}`, () => {
      assert.throws(() => inNamespace(NAMESPACE, () => openCap(options)), { name: 'ProbeError', message });
    });
  }

  it('leaves no descriptor open where there are too few of them', () => {
    inNamespace(NAMESPACE, () => {
      const before = readdirSync('/proc/self/fd').length;
      // One is the interface's socket, two are of each pipe; the other end of what the child is started by takes more.
      for (const left of [0, 1, 2, 3, 4, 5]) {
        assert.throws(() => withDescriptors(left, () => openCap({ interface: 'lo' })), Error, `${left} left`);
        assert.equal(readdirSync('/proc/self/fd').length, before, `${left} left`);
      }
    });
  });

  it('says which capability is missing', () => {
    assert.match(
      messageInChild(['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw']),
      /^ProbeError: Cannot capture on lo through cap: .*permi.* \(needs CAP_NET_RAW: run as root or through the weir.service unit\)$/,
    );
  });

  it('says which packages and which command build cap', () => {
    const folder = mkdtempSync(join(tmpdir(), 'wr-cap-'));
    cpSync(join(ROOT, 'probes'), join(folder, 'probes'), { recursive: true });
    mkdirSync(join(folder, 'node_modules'));
    for (const name of readdirSync(join(ROOT, 'node_modules')).filter((each) => /^@?koffi/.test(each))) {
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
    }
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    assert.match(
      messageInChild([], join(folder, 'probes')),
      /: Cannot find module 'cap' \(apt-get install g\+\+ make python3 libpcap-dev, then sh systemd\/setup\.sh cap; /,
    );
    rmSync(folder, { recursive: true });
  });

  it('leaves no process and no file descriptor behind', () => {
    loadLibc();
    const before = readdirSync('/proc/self/fd').length;
    for (const [, options] of refused) assert.throws(() => inNamespace(NAMESPACE, () => openCap(options)));
    assert.equal(readdirSync('/proc/self/fd').length, before);
    assert.equal(ip('netns', 'pids', NAMESPACE), '');
  });
});
