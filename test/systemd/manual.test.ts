import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeProgram } from '../../daemon/cli.ts';
import { configSchema } from '../../daemon/config/schema.ts';
import { detectorDefinitions } from '../../daemon/detectors/index.ts';

const MAN = join(import.meta.dirname, '../../systemd/man');
const COMMANDS = join(MAN, 'weir.8');
const CONFIGURATION = join(MAN, 'weir.yaml.5');

/** Around what the detectors' own definitions say. */
const BEGIN = '.\\" detectors, by test/systemd/manual.test.ts\n';
const END = '.\\" end of the detectors\n';

/** As a terminal shows it, without the page's own line breaks. */
function shown(file: string): string {
  const { status, stdout, stderr } = spawnSync('man', ['--warnings', '-E', 'UTF-8', '-l', file], {
    encoding: 'utf8',
    env: { ...process.env, MANWIDTH: '500', LC_ALL: 'C.UTF-8' },
  });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout;
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** The names of all keys of a section, and of what is in it. */
function keysOf({ properties = {}, items, anyOf = [], oneOf = [] }: Schema): string[] {
  const inner = [...(items === undefined ? [] : [items]), ...anyOf, ...oneOf];
  return [...Object.entries(properties).flatMap(([key, value]) => [key, ...keysOf(value)]), ...inner.flatMap(keysOf)];
}

const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^([.'])/gm, '\\&$1');

/** A paragraph a detector, and its options. */
function detectorPages(): string {
  return detectorDefinitions
    .map(({ id, config }) => {
      const { properties = {} } = z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' });
      const defaults = new Map(Object.entries(config.parse({})));
      const options = Object.entries(properties).map(([key, property]) => {
        const { description = '', default: written = defaults.get(key) } = typeof property === 'object' ? property : {};
        return `.br\n.BR ${roff(key)} :\n${roff(description)} (${roff(JSON.stringify(written) ?? '')})\n`;
      });
      return `.TP\n.B detectors.${roff(id)}\n${options.join('').replace(/^\.br\n/, '')}`;
    })
    .join('');
}

describe('the manual pages', function () {
  this.timeout(30_000);

  for (const file of [COMMANDS, CONFIGURATION])
    it(`${file.slice(MAN.length + 1)} is one that man finds nothing wrong with`, () => {
      assert.ok(shown(file).length > 2000);
    });

  it('weir(8) has every command, argument and option', () => {
    const page = shown(COMMANDS);
    const text = page.slice(page.indexOf('\nCOMMANDS'));
    const program = makeProgram();
    for (const command of program.commands) {
      const [, synopsis = ''] = new RegExp(`^ +(weir ${command.name()}\\b.*)$`, 'm').exec(text) ?? [];
      assert.notEqual(synopsis, '', command.name());
      for (const { long } of command.options) assert.ok(synopsis.includes(long ?? '?'), `${command.name()} ${long}`);
      for (const argument of command.registeredArguments)
        assert.match(synopsis, / \[?(?:id|tenant|rate|file|detector|config)\b/, `${command.name()} ${argument.name()}`);
    }
    for (const { long } of program.options) assert.ok(text.includes(long ?? '?'));
  });

  it('weir.yaml(5) has every key', () => {
    const text = shown(CONFIGURATION);
    const written = JSON.stringify(z.toJSONSchema(configSchema(), { io: 'input', unrepresentable: 'any' }));
    const { properties = {} }: Schema = JSON.parse(written);
    const keys = Object.entries(properties).flatMap(([key, value]) => [key, ...keysOf(value)]);
    assert.ok(keys.length > 80, String(keys.length));
    for (const key of keys) assert.match(text, new RegExp(`\\b${key}\\b`), key);
  });

  it('weir.yaml(5) has the detectors as they are (UPDATE_GOLDEN=1 writes them)', () => {
    const text = readFileSync(CONFIGURATION, 'utf8');
    const [head = '', rest = ''] = text.split(BEGIN);
    const [, tail = ''] = rest.split(END);
    const wanted = `${head}${BEGIN}${detectorPages()}${END}${tail}`;
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(CONFIGURATION, wanted);
    assert.equal(readFileSync(CONFIGURATION, 'utf8'), wanted);
  });
});
