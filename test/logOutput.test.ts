import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogOutput } from '../daemon/logOutput.ts';

const LINE_LENGTH = 6_000; // more than PIPE_BUF: the kernel takes a part of it
const line = (i: number): string => `${JSON.stringify({ i, text: 'x'.repeat(LINE_LENGTH) })}\n`;

describe('LogOutput', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-log-'));
  const path = join(directory, 'pipe');
  let reader: number;
  let writer: number;

  before(() => execFileSync('mkfifo', [path]));
  beforeEach(() => {
    reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    writer = openSync(path, 'w'); // waits when there is no room, as an inherited standard output does
  });
  afterEach(() => closeSync(writer));
  after(() => rmSync(directory, { recursive: true }));

  it('does not wait for a reader that stopped: lines are lost, and their number is told; the others are whole', () => {
    const output = new LogOutput(writer);
    for (let i = 0; i < 100; i++) output.write(line(i));
    const before = drain(reader);
    output.write(line(100));
    output.write(line(101));
    const lines = (before + drain(reader)).trimEnd().split('\n');
    const read: { i?: number; lines?: number }[] = lines.map((text) => JSON.parse(text));
    const told = read.flatMap(({ lines: lost }) => lost ?? []);
    assert.equal(told.length, 1);
    assert.equal(read.length - 1 + (told[0] ?? 0), 102);
    assert.deepEqual(
      read.slice(-2).map(({ i }) => i),
      [100, 101],
    );
    closeSync(reader);
  });

  it('goes on without a reader', () => {
    const output = new LogOutput(writer);
    closeSync(reader);
    assert.doesNotThrow(() => output.write(line(0)));
  });
});

function drain(fd: number): string {
  const bytes = Buffer.alloc(2 ** 20);
  return bytes.toString('utf8', 0, readSync(fd, bytes));
}
