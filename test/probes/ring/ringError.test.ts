import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadLibc } from '../../../probes/libc.ts';
import { openRing } from '../../../probes/ring/ring.ts';
import { ProbeError } from '../../../probes/probeError.ts';
import { addNamespaces, inNamespace, removeNamespaces } from '../../support/namespace.ts';

const NAMESPACE = 'wr-errors';
const PROBES = join(import.meta.dirname, '../../../probes');

/** The message of the error that opening a ring on lo ends in, in a process started by `command`. */
function messageInChild(command: readonly string[], probes = PROBES): string {
  const script = `
    import { openRing } from ${JSON.stringify(join(probes, 'ring/ring.ts'))};
    try { openRing({ interface: 'lo' }); console.log('open') }
    catch (error) { console.log(error.name + ': ' + error.message) }`;
  const node = [process.execPath, '--input-type=module', '--eval', script];
  return inNamespace(NAMESPACE, () =>
    execFileSync('env', [...command, ...node], { encoding: 'utf8', cwd: tmpdir() }),
  ).trim();
}

/** Open file descriptors, and mapped rings, of this process. */
const held = (): [descriptors: number, rings: number] => [
  readdirSync('/proc/self/fd').length,
  readFileSync('/proc/self/maps', 'utf8').split('socket:').length - 1,
];

describe('ProbeError', () => {
  before(() => addNamespaces(NAMESPACE));
  after(() => removeNamespaces(NAMESPACE));

  const refused: readonly [string, Parameters<typeof openRing>[0], RegExp][] = [
    [
      'an interface that does not exist, with those that do',
      { interface: 'eth9' },
      /^Cannot capture on eth9: no such interface \(there are: lo\)$/,
    ],
    ['a name that no interface can have', { interface: 'x'.repeat(16) }, /: no such interface/],
    ['no name', { interface: '' }, /: no such interface/],
    [
      'blocks that are not whole pages',
      { interface: 'lo', blockBytes: 5000 },
      /^Cannot make a ring of 64 × 5000 bytes on lo: invalid argument \(.*blockSize must be a multiple of the page size\)$/,
    ],
    [
      'a ring beyond what can be addressed',
      { interface: 'lo', blocks: 2048 },
      /^Cannot make a ring of 2048 × 1048576 bytes on lo: must be below 2 GiB \(lower interfaces\[\]\.ring\.blocks/,
    ],
  ];
  for (const [what, options, message] of refused) {
    it(`names ${what}`, () => {
      assert.throws(() => inNamespace(NAMESPACE, () => openRing(options)), { name: 'ProbeError', message });
    });
  }

  it('says what to do about missing memory', () => {
    const { message, errno } = ProbeError.ofErrno('make a ring', 12, { 12: 'lower interfaces[].ring.blocks' });
    assert.equal(message, 'Cannot make a ring: not enough memory (lower interfaces[].ring.blocks)');
    assert.equal(errno, 12);
  });

  it('says which capability is missing', () => {
    assert.equal(
      messageInChild(['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw']),
      'ProbeError: Cannot open a packet socket on lo: operation not permitted ' +
        '(needs CAP_NET_RAW: run as root or through the weir.service unit)',
    );
  });

  it('says that koffi is missing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'wr-'));
    cpSync(PROBES, join(folder, 'probes'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    assert.match(
      messageInChild([], join(folder, 'probes')),
      /^ProbeError: Cannot load koffi: Cannot find module 'koffi' \(run npm ci; .*\)$/,
    );
    rmSync(folder, { recursive: true });
  });

  it('leaves no file descriptor and no memory of the ring behind', () => {
    loadLibc();
    const before = held();
    inNamespace(NAMESPACE, () => {
      for (const [, options] of refused) assert.throws(() => openRing(options));
      const probe = openRing({ interface: 'lo', blocks: 4 });
      assert.equal(held()[1], before[1] + 1);
      probe.close();
    });
    assert.deepEqual(held(), before);
  });
});
