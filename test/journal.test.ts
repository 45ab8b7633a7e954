import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { withPriority } from '../daemon/journal.ts';
import { temporaryFolder } from './store/temporary.ts';

const LOG = join(import.meta.dirname, '../daemon/log.ts');
const SCRIPT = `const { makeLog } = await import(${JSON.stringify(LOG)});
const log = makeLog('trace');
for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) log[level]({ key: 1 }, level + ' line');`;

describe('the log in the journal', () => {
  const folder = temporaryFolder();

  /** What a process writes whose standard output is a socket, as the journal's is. */
  async function written(journalStream: (socket: string) => string): Promise<string[]> {
    const path = join(folder(), `journal${Math.random()}`);
    const server = createServer().listen(path);
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const socket = connect(path);
    await once(socket, 'connect');
    const [reader] = await accepted;
    const fd: unknown = Reflect.get(Reflect.get(socket, '_handle'), 'fd');
    const [, inode = ''] = /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/self/fd/${String(fd)}`)) ?? [];
    const { dev } = fstatSync(Number(fd));
    const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
      stdio: ['ignore', socket, 'inherit'],
      env: { ...process.env, JOURNAL_STREAM: journalStream(`${dev}:${inode}`) },
    });
    await once(child, 'exit');
    socket.destroy();
    const lines = (await text(reader)).trimEnd().split('\n');
    server.close();
    return lines;
  }

  it('has the priority of each line, which is JSON behind it', async () => {
    const lines = await written((stream) => stream);
    assert.deepEqual(
      lines.map((line) => line.slice(0, 3)),
      ['<7>', '<7>', '<6>', '<4>', '<3>', '<2>'],
    );
    const all = lines.map((line): { level: string; time: string; msg: string; key: number } =>
      JSON.parse(line.slice(3)),
    );
    assert.deepEqual(
      all.map(({ level }) => level),
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    );
    assert.ok(
      all.every(({ time, key, msg, level }) => !Number.isNaN(Date.parse(time)) && key === 1 && msg === `${level} line`),
    );
  });

  it('has none where standard output was led elsewhere', async () => {
    const [first = ''] = await written(() => '1:1');
    assert.ok(first.startsWith('{"level":"trace"'));
  });

  it('is informational where a line does not say', () => {
    assert.equal(withPriority('{"time":1}\n'), '<6>{"time":1}\n');
  });
});
