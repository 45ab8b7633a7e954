import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as fc from 'fast-check';
import { z } from 'zod';
import { ConfigError, loadConfig, readConfig } from '../../daemon/config/load.ts';
import { allowField } from '../../daemon/config/network.ts';
import { count, modeField } from '../../daemon/config/units.ts';
import { defaultConfig } from '../../daemon/config/host.ts';
import { detectorDefinitions } from '../../daemon/detectors/index.ts';
import { assertGolden } from '../support/golden.ts';

const SHIPPED = join(import.meta.dirname, '../../systemd/weir.yaml');
const CASES = join(import.meta.dirname, 'cases');

const portScan = z.strictObject({ mode: modeField, allow: allowField, ports: count().default(50) }).prefault({});
const detectors = z.strictObject({ portScan });

/** The configuration as JSON, or its problems. */
function outcome(file: string, text: string): string {
  try {
    return JSON.stringify(loadConfig(file, text, detectors), null, 2);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

const manyTenants = (tenants: number): string =>
  `tenants:\n${Array.from({ length: tenants }, (_, i) => `- {id: t${i}, addresses: [10.${i >> 16}.${(i >> 8) & 255}.${i & 255}]}`).join('\n')}`;

describe('loadConfig', () => {
  for (const file of readdirSync(CASES).filter((name) => name.endsWith('.yaml'))) {
    const expected = join(CASES, `${basename(file, '.yaml')}.expected`);
    it(`reads cases/${file}`, () => {
      assertGolden(expected, `${outcome(file, readFileSync(join(CASES, file), 'utf8'))}\n`);
    });
  }

  const anchors = Array.from('abcdefgh', (name, i) => {
    const before = 'abcdefgh'[i - 1];
    return `${name}: &${name} [${Array.from({ length: 9 }, () => (before === undefined ? 'x' : `*${before}`)).join(', ')}]`;
  });
  const refused: readonly (readonly [criterion: string, text: string, problem: RegExp])[] = [
    ['what is no YAML', 'log: { level: info\n', /^c:2:1: no YAML: .*end with a }$/],
    ['tabs as indentation', 'log:\n\tlevel: info\n', /^c:2:1: no YAML: Tabs are not allowed as indentation/],
    ['a key that is there twice', 'log:\n  level: info\n  level: warn\n', /^c:3:3: this key is written twice$/],
    ['two documents', 'log: {}\n---\nlog: {}\n', /^c:2:1: a second document starts here/],
    ['unknown tags', 'log: !!js/function "x"\n', /^c:1:6: no YAML: Unresolved tag/],
    ['unknown aliases', 'status:\n  listen: *:9737\n', /^c:2:11: no YAML: a word that starts with \* needs quotes$/],
    ['an alias of itself', 'log: &log [*log]\n', /^c:1:11 log: must be a mapping, got a list$/],
    ['aliases of aliases without end', anchors.join('\n'), /^c: its aliases unfold to too much$/],
    ['nesting without end', '['.repeat(100_000), /^c:1:\d+: is nested too deep$/],
    ['files above 4 MiB', `#${' '.repeat(4 * 2 ** 20)}`, /^c: must be at most 4 MiB$/],
    ['a list', '- log\n', /^c:1:1: must be a mapping, got a list$/],
    ['text', 'log', /^c:1:1: must be a mapping, got "log"$/],
  ];
  for (const [criterion, text, problem] of refused) {
    it(`refuses ${criterion}`, () => assert.match(outcome('c', text), problem));
  }

  it('refuses more than 65,000 tenants', () => {
    assert.equal(outcome('c', manyTenants(65_001)), 'c:2:1 tenants: must have at most 65000 entries, got 65001');
    assert.equal(loadConfig('c', manyTenants(65_000)).tenants.length, 65_000);
  }).timeout(30_000);

  it('throws nothing but ConfigError, whatever a part of the file is replaced by', () => {
    const text = readFileSync(join(CASES, 'everything.yaml'), 'utf8');
    const part = fc.constantFrom(
      '',
      'null',
      '-1',
      '[]',
      '{}',
      '[null]',
      '{ a: 1 }',
      '"',
      ': ',
      '\n',
      '*x',
      '&x',
      '<<: ',
      '? ',
    );
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(20), fc.oneof(part, fc.string()), (start, length, by) => {
        outcome('c', text.slice(0, start) + by + text.slice(start + length));
      }),
      { numRuns: 300 },
    );
  });

  it('throws nothing but ConfigError, whatever stands behind the known keys', () => {
    const key = fc.constantFrom(
      ...'interfaces tenants detectors plan threshold ring name id addresses port limit'.split(' '),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(null, 0, true, 'acme', '80mbit', '192.0.2.1'),
        tie('list'),
        tie('map'),
      ),
      list: fc.array(tie('value'), { maxLength: 3 }),
      map: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(value, (written) => void outcome('c', JSON.stringify(written))),
      { numRuns: 1000 },
    );
  });

  it('shows what stands in the file without control characters, and not without end', () => {
    const text = `"\\e[31m${'x'.repeat(10_000)}": 1\n`;
    assert.throws(
      () => loadConfig('x.yaml', text),
      (error: Error) => !/\p{Cc}/u.test(error.message) && error.message.length < 600,
    );
  });

  it('takes a plan that thousands of tenants share', () => {
    const sharing = manyTenants(5000).replaceAll('}', ', plan: *plan}').replace('*plan', '&plan { limit: 2mbit }');
    const { tenants } = loadConfig('c', sharing);
    assert.equal(tenants.filter(({ plan }) => plan.limitBps === 2e6).length, 5000);
  });

  it('gives the problems as values too, by their position', () => {
    const text = 'log: { level: loud }\nstatus: { listen: 9737 }\nlogs: 1\n';
    assert.throws(
      () => loadConfig('c', text),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.deepEqual(
          error.problems.map(({ position, path }) => [position?.line, position?.column, path]),
          [
            [1, 15, 'log.level'],
            [2, 19, 'status.listen'],
            [3, 1, 'logs'],
          ],
        );
        return true;
      },
    );
  });
});

describe('readConfig', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'weir-config-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('accepts the configuration that is shipped, which sets nothing', () => {
    assert.deepEqual(readConfig(SHIPPED), defaultConfig());
  });

  it('accepts the lines of the shipped configuration that are commented out; they show the defaults', () => {
    const shown = loadConfig('weir.yaml', readFileSync(SHIPPED, 'utf8').replaceAll(/^#(?=\S| {2})/gm, ''));
    const { interfaces, tenants, alertmanager, collector } = shown;
    assert.deepEqual([interfaces.length, tenants.length, alertmanager.urls.length], [3, 2, 1]);
    const defaults = defaultConfig();
    const without = { interfaces: [], defaultInterface: true, collector: null, tenants: [], workloads: [] };
    assert.deepEqual({ ...shown, ...without, alertmanager: { ...alertmanager, urls: [] } }, defaults);
    const { exporters = [], ...ofCollector } = collector ?? {};
    assert.equal(exporters.length, 2);
    assert.deepEqual(
      { exporters: [], ...ofCollector },
      { ...loadConfig('c', 'collector: { exporters: [192.0.2.1] }').collector, exporters: [] },
    );
    const written = readFileSync(SHIPPED, 'utf8');
    for (const { id } of detectorDefinitions) assert.ok(written.includes(`#  ${id}: {`), id);
  });

  it('refuses a file that is not there', () => {
    assert.throws(() => readConfig(join(folder, 'none')), /none: cannot be read: there is no such file$/);
  });

  it('refuses a folder', () => {
    assert.throws(() => readConfig(folder), /: cannot be read: it is no file$/);
  });

  it('refuses what is not UTF-8', () => {
    const path = join(folder, 'latin1.yaml');
    writeFileSync(path, Buffer.from('# \xe9\n', 'latin1'));
    assert.throws(() => readConfig(path), /: cannot be read: it is not UTF-8$/);
  });
});
