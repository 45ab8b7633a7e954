import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EvidenceFolder } from '../daemon/evidenceFolder.ts';

const id = (i: number): string => i.toString(16).padStart(12, '0');

describe('EvidenceFolder', () => {
  let directory: string;
  const problems: string[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'weir-evidence-'));
    problems.length = 0;
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const open = (path = join(directory, 'evidence')): EvidenceFolder =>
    new EvidenceFolder(path, (problem) => problems.push(problem));

  it('gives back what it was given, and nothing else', async () => {
    const folder = open();
    folder.write(id(1), Buffer.from('one'));
    await folder.stop();
    assert.equal(String(await folder.read(id(1))), 'one');
    const others = [id(2), '../secret', '', `${id(1)}.pcap`].map((other) => folder.read(other));
    assert.deepEqual(await Promise.all(others), [null, null, null, null]);
    assert.deepEqual(readdirSync(join(directory, 'evidence')), [`${id(1)}.pcap`]);
  });

  it('keeps the newest thousand', async () => {
    const folder = open();
    mkdirSync(join(directory, 'evidence'));
    for (let i = 0; i < 1000; i++) writeFileSync(join(directory, 'evidence', `${id(i)}.pcap`), 'x');
    for (let i = 1000; i < 1010; i++) folder.write(id(i), Buffer.from('x'));
    await folder.stop();
    assert.equal(readdirSync(join(directory, 'evidence')).length, 1000);
    assert.equal(folder.dropped, 0);
    assert.notEqual(await folder.read(id(1009)), null);
  });

  it('says what it cannot write, counts it, and goes on', async () => {
    writeFileSync(join(directory, 'file'), '');
    const folder = open(join(directory, 'file'));
    folder.write(id(1), Buffer.from('x'));
    await folder.stop();
    assert.match(problems.join(), /^Cannot keep the evidence of 000000000001 in .*file: /);
    assert.equal(folder.dropped, 1);
  });

  it('drops what comes faster than the disk takes it', async () => {
    const folder = open();
    for (let i = 0; i < 100; i++) folder.write(id(i), Buffer.from('x'));
    assert.equal(folder.dropped, 36);
    await folder.stop();
  });
});
