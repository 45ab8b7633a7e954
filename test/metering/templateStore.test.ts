import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TemplateStore } from '../../daemon/metering/templateStore.ts';

describe('TemplateStore', () => {
  let folder: string;
  let problems: string[];
  const open = (...path: string[]): TemplateStore =>
    new TemplateStore(join(folder, ...path), (problem) => void problems.push(problem));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wr-templates-'));
    problems = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives back what was saved last, in a folder that it makes, and leaves nothing else there', async () => {
    const store = open('lib', 'weir', 'templates.json');
    assert.equal(store.read(), null);
    for (let i = 0; i < 100; i++) store.save([{ exporter: '192.0.2.1', number: i }]);
    await store.close();
    assert.deepEqual(open('lib', 'weir', 'templates.json').read(), [{ exporter: '192.0.2.1', number: 99 }]);
    assert.deepEqual(readdirSync(join(folder, 'lib', 'weir')), ['templates.json']);
    assert.deepEqual(problems, []);
  });

  it('goes on without what cannot be read, and says so', () => {
    const path = join(folder, 'templates.json');
    writeFileSync(path, '[{"exporter":');
    assert.equal(open('templates.json').read(), null);
    truncateSync(path, 2 ** 26 + 1);
    assert.equal(open('templates.json').read(), null);
    assert.equal(open('.').read(), null);
    assert.match(problems[0] ?? '', /^Cannot read templates from .*: .*JSON.* \(going on without\)$/);
    assert.match(problems[1] ?? '', /: the file is too large \(going on without\)$/);
    assert.match(problems[2] ?? '', /: EISDIR.* \(going on without\)$/);
  });

  it('keeps the file before where it cannot write, says so once in a row, and again after it could', async () => {
    const store = open('templates.json');
    const save = async (value: unknown): Promise<void> => {
      store.save(value);
      await store.close();
    };
    await save('first');
    const blocked = join(folder, `templates.json.${process.pid}.tmp`);
    // A folder of that name cannot be opened for writing, nor removed as a file is.
    mkdirSync(blocked);
    await save('second');
    await save('third');
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^Cannot save templates: EISDIR.* \(a restart will wait for the exporters' own\)$/);
    assert.equal(readFileSync(join(folder, 'templates.json'), 'utf8'), '"first"');
    rmSync(blocked, { recursive: true });
    await save('fourth');
    mkdirSync(blocked);
    await save('fifth');
    assert.equal(problems.length, 2);
    assert.equal(store.read(), 'fourth');
  });
});
