import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogOutput } from '../daemon/logOutput.ts';
import { until } from './lab/until.ts';

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
  afterEach(() => [reader, writer].forEach((fd) => closeSync(fd)));
  after(() => rmSync(directory, { recursive: true }));

  it('keeps what a slow reader has no room for yet, and writes it by itself', async () => {
    const output = new LogOutput(writer);
    for (let i = 0; i < 100; i++) output.write(line(i));
    let text = '';
    await until('all lines', 5000, async () => {
      text += drain(reader);
      return linesOf(text).length === 100 && text.endsWith('\n');
    });
    const read: { i: number }[] = linesOf(text).map((each) => JSON.parse(each));
    assert.deepEqual(
      read.map(({ i }) => i),
      Array.from({ length: 100 }, (_, i) => i),
    );
  });

  it('does not wait for a reader that stopped: lines are lost, and their number is told; the others are whole', () => {
    const output = new LogOutput(writer, { maxWaitingBytes: 10 * LINE_LENGTH });
    for (let i = 0; i < 100; i++) output.write(line(i));
    const before = drain(reader);
    output.write(line(100));
    const after = drain(reader);
    output.write(line(101));
    const read: { i?: number; lines?: number }[] = linesOf(before + after + drain(reader)).map((each) =>
      JSON.parse(each),
    );
    const lost = read.flatMap(({ lines }) => lines ?? []).reduce((sum, lines) => sum + lines, 0);
    assert(lost > 0);
    assert.equal(read.filter(({ i }) => i !== undefined).length + lost, 102);
    assert.equal(read.at(-1)?.i, 101);
  });

  it('goes on without a reader', () => {
    const output = new LogOutput(writer);
    closeSync(reader);
    reader = openSync('/dev/null', 'r');
    assert.doesNotThrow(() => output.write(line(0)));
  });
});

const linesOf = (text: string): string[] => text.trimEnd().split('\n');

/** What is in the pipe now. */
function drain(fd: number): string {
  const bytes = Buffer.alloc(2 ** 20);
  try {
    return bytes.toString('utf8', 0, readSync(fd, bytes));
  } catch {
    return ''; // EAGAIN
  }
}
