import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  isRefusal,
  KernelFile,
  OpenFiles,
  openFilesLimit,
  readTextIfAny,
  readWholeIfAny,
} from '../../../probes/host/kernelFile.ts';

const openNow = (): number => readdirSync('/proc/self/fd').length;

describe('KernelFile', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'weir-files-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const file = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };

  it('stays open while there are descriptors to spare, and is read all the same where not', () => {
    const openFiles = new OpenFiles(2);
    const before = openNow();
    const files = ['a', 'b', 'c', 'd'].map((name) => new KernelFile(file(name, `${name}\n`), openFiles));
    assert.deepEqual([openNow() - before, openFiles.left], [2, 0]);
    for (const name of ['a', 'b', 'c', 'd']) file(name, `${name} again\n`);
    assert.equal(files.map((each) => each.read()).join(''), 'a again\nb again\nc again\nd again\n');
    for (const each of files) each.close();
    for (const each of files) each.close();
    assert.deepEqual([openNow() - before, openFiles.left], [0, 2]);
  });

  it('has no text where it is longer than any of the kernel', () => {
    const openFiles = new OpenFiles(1);
    for (const [length, isRead] of [
      [16_384, true],
      [16_385, false],
      [5_000_000, false],
    ] as const) {
      const each = new KernelFile(file('long', '1'.repeat(length)), openFiles);
      assert.equal(each.read() !== null, isRead, `${length}`);
      each.close();
    }
  });

  it('is neither a link nor what would hold up whoever reads it', () => {
    const target = file('target', '1');
    const link = join(directory, 'link');
    const fifo = join(directory, 'fifo');
    symlinkSync(target, link);
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
    assert.throws(() => new KernelFile(link, new OpenFiles(1)), { code: 'ELOOP' });
    for (const path of [link, fifo, directory, join(directory, 'no')]) assert.equal(readTextIfAny(path), null, path);
  });

  it('takes no descriptor where it cannot be opened', () => {
    const openFiles = new OpenFiles(1);
    assert.throws(() => new KernelFile(join(directory, 'no'), openFiles), { code: 'ENOENT' });
    assert.equal(openFiles.left, 1);
  });
});

describe('readWholeIfAny', () => {
  it('reads what has more than a page, and nothing without an end', () => {
    assert.equal(readWholeIfAny('/proc/self/maps')?.includes('[stack]'), true);
    assert.equal(readWholeIfAny('/dev/zero'), null);
    assert.equal(readWholeIfAny('/nowhere'), null);
  });
});

describe('openFilesLimit', () => {
  it('is that of the shell', () => {
    const { stdout } = spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' });
    assert.equal(String(openFilesLimit()), stdout.trim());
  });
});

describe('isRefusal', () => {
  it('is of rights alone', () => {
    const errors = ['EACCES', 'EPERM', 'ENOENT', 'ENODEV'].map((code) => Object.assign(new Error(code), { code }));
    assert.deepEqual([...errors, new Error('x'), null].map(isRefusal), [true, true, false, false, false, false]);
  });
});
