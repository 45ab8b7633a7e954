import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HistoryReader, HistoryUnavailable } from '../../daemon/store/historyReader.ts';
import { fillPast, pastId, pastIncident } from '../support/pastStore.ts';
import { temporaryFolder } from './temporary.ts';

async function withReader(
  options: Omit<ConstructorParameters<typeof HistoryReader>[0], 'path'>,
  path: string,
  test: (reader: HistoryReader) => Promise<void>,
): Promise<void> {
  const reader = new HistoryReader({ path, ...options });
  try {
    await test(reader);
  } finally {
    await reader.stop();
  }
}

describe('HistoryReader', () => {
  const folder = temporaryFolder();

  /** Another thread's script, in a file of its own. */
  function script(name: string, text: string): URL {
    const path = join(folder(), `${name}.mjs`);
    writeFileSync(path, text);
    return new URL(`file://${path}`);
  }

  it('reads the file that is there now, when another one was moved aside', async () => {
    const path = join(folder(), 'moved.db');
    fillPast(path, [pastIncident(1)]);
    await withReader({}, path, async (reader) => {
      assert.notEqual(await reader.ask('incident', pastId(1)), null);
      renameSync(path, `${path}.corrupt`);
      await assert.rejects(reader.ask('incident', pastId(1)), /there is no such file/);
      fillPast(path, [pastIncident(2)]);
      assert.equal(await reader.ask('incident', pastId(1)), null);
      assert.notEqual(await reader.ask('incident', pastId(2)), null);
    });
  });

  it('says why a file cannot be read, and leaves out what is no incident', async () => {
    const path = join(folder(), 'broken.db');
    writeFileSync(path, 'no database '.repeat(100));
    await withReader({}, path, (reader) =>
      assert.rejects(reader.ask('incident', 'x'), {
        message: `Cannot use the store ${path}: it is corrupt (file is not a database)`,
      }),
    );
    const odd = join(folder(), 'odd.db');
    fillPast(odd, [{ ...pastIncident(1), tenant: 'acme', evidence: JSON.parse('{}') }, pastIncident(2)]);
    const filter = { tenant: null, sinceMs: 0, after: null, most: 10 };
    await withReader({}, odd, async (reader) => assert.equal((await reader.ask('incidents', filter)).length, 1));
  });

  it('gives up a thread that does not answer, and bounds those who wait', async () => {
    const silent = script(
      'silent',
      `import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => {});`,
    );
    await withReader({ script: silent, patienceMs: 50 }, '', async (reader) => {
      const asked = Array.from({ length: 65 }, () => reader.ask('incident', 'x'));
      const why = (await Promise.allSettled(asked)).map((each) =>
        each.status === 'rejected' ? String(each.reason) : '',
      );
      assert.equal(why.filter((each) => each.includes('does not answer')).length, 64);
      assert.equal(why.filter((each) => each.includes('too many ask at once')).length, 1);
      await assert.rejects(reader.ask('incident', 'x'), HistoryUnavailable);
    });
  });

  it('starts a thread that died again', async () => {
    const dying = script(
      'dying',
      `import { parentPort } from 'node:worker_threads';
       parentPort.on('message', ({ number, question }) => {
         if (question === 'die') throw new Error('a bug');
         parentPort.postMessage({ number, answer: question });
       });`,
    );
    await withReader({ script: dying }, '', async (reader) => {
      await assert.rejects(reader.ask('incident', 'die'), /a bug/);
      assert.equal(await reader.ask('incident', 'alive'), 'alive');
    });
  });
});
