import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { escapeUnitName, unescapeUnitName, unitPaths } from '../../../probes/host/unitPaths.ts';

const CASES: readonly (readonly [unit: string, first: string | undefined])[] = [
  ['asterisk.service', 'system.slice/asterisk.service'],
  ['asterisk@acme.service', 'system.slice/system-asterisk.slice/asterisk@acme.service'],
  ['pbx-media@acme.service', 'system.slice/system-pbx\\x2dmedia.slice/pbx-media@acme.service'],
  ['user@1001.service', 'user.slice/user-1001.slice/user@1001.service'],
  ['systemd-nspawn@acme.service', 'machine.slice/systemd-nspawn@acme.service'],
  ['run-r12.scope', 'system.slice/run-r12.scope'],
  ['acme.slice', 'acme.slice'],
  ['pbx-acme-media.slice', 'pbx.slice/pbx-acme.slice/pbx-acme-media.slice'],
  ['user-1001.slice', 'user.slice/user-1001.slice'],
  // The root slice is everybody's, and the others are no slices.
  ['-.slice', undefined],
  ['-acme.slice', undefined],
  ['acme--media.slice', undefined],
];

describe('unitPaths', () => {
  for (const [unit, first] of CASES) {
    it(`looks for ${unit} ${first === undefined ? 'nowhere' : `in ${first} first`}`, () =>
      assert.equal(unitPaths(unit)[0], first));
  }

  it('looks for what another slice may have in the others of systemd, and outside of all', () => {
    assert.deepEqual(unitPaths('acme.scope').slice(1), [
      'machine.slice/acme.scope',
      'user.slice/acme.scope',
      'acme.scope',
    ]);
    assert.deepEqual(unitPaths('pbx@acme.service').slice(1), ['system.slice/pbx@acme.service', 'pbx@acme.service']);
  });
});

describe('escapeUnitName', () => {
  const names = ['acme', 'acme-pbx', '.hidden', 'a.b', 'a_b:c', 'a b', 'a\\b', 'a@b'];

  it('escapes as systemd-escape does', () => {
    const { stdout } = spawnSync('systemd-escape', ['--', ...names], { encoding: 'utf8' });
    assert.equal(names.map(escapeUnitName).join(' '), stdout.trim());
  });

  for (const name of names)
    it(`is undone for ${name}`, () => assert.equal(unescapeUnitName(escapeUnitName(name)), name));
});
