import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pendingWithout } from '../support/needs.ts';
import type { GuestReport } from './otherKernelGuest.ts';

/** Debian's package user-mode-linux: the distribution's kernel as a program, with the modules that others leave out. */
const KERNEL = '/usr/bin/linux.uml';
const BOOT = join(import.meta.dirname, 'otherKernel.sh');
const PROGRAM = join(import.meta.dirname, 'otherKernelGuest.ts');
const FILES = ['rootfstype=hostfs', 'rootflags=/', 'ro'];
const CONSOLE = ['con=null', 'con0=fd:0,fd:1', 'quiet'];

describe('limits in the kernel of Debian, which has fq_codel', function () {
  this.timeout(120_000);
  let guest: GuestReport;

  before(async function () {
    if (!existsSync(KERNEL)) pendingWithout(this, 'the Debian package user-mode-linux');
    const own = [`WEIR_NODE=${process.execPath}`, `WEIR_PROGRAM=${PROGRAM}`];
    const running = promisify(execFile)(KERNEL, ['mem=512M', ...FILES, `init=${BOOT}`, ...CONSOLE, ...own], {
      timeout: 100_000,
      killSignal: 'SIGKILL',
    });
    running.child.stdin?.end();
    const { stdout } = await running;
    const json = stdout.split('\n').find((line) => line.startsWith('{'));
    assert(json, stdout);
    guest = JSON.parse(json);
  });

  it('is another kernel, which has it', () => {
    assert.match(guest.release, /^6\.1\./);
    assert.equal(guest.fqCodel, true);
  });

  it('has fq_codel in both leaves of every limit, each way', () => {
    assert.deepEqual(guest.refused, [null, null, null]);
    const leaves = [
      ...guest.qdiscs.matchAll(/^qdisc fq_codel (\w+:) dev (\S+) parent (\S+) limit (\d+)p flows (\d+)/gm),
    ];
    const shown = leaves.map(([, handle, device, parent, limit, flows]) =>
      [handle, device, parent, limit, flows].join(' '),
    );
    const wanted = ['weir-in', 'weir-out'].flatMap((device) =>
      ['4', '8', '10'].flatMap((inner) => {
        const [voice, bulk] = [1, 2].map((part) => (Number.parseInt(inner, 16) + part).toString(16));
        return [`${voice}: ${device} face:${voice} 300 256`, `${bulk}: ${device} face:${bulk} 1000 1024`];
      }),
    );
    assert.deepEqual(shown.toSorted(), wanted.toSorted());
    assert.doesNotMatch(guest.qdiscs, /pfifo_fast|bfifo|qdisc pfifo/);
  });

  it('reads back what it has set, so that the next daemon adopts it without a change', () => {
    assert.equal(guest.stepsOfTheNext, 0);
  });

  it('is as it was when the limits are lifted', () => assert.equal(guest.after, guest.before));
});
