import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { buildPackage, debianPackage, UNIT } from './debianPackage.ts';

const MAX_BYTES = 60e6;

describe('the Debian package', function () {
  this.timeout(300_000);
  let path: string;
  before(() => (path = debianPackage()));

  it('is the same, byte for byte, when it is built again', () => {
    const again = buildPackage();
    assert.ok(readFileSync(again).equals(readFileSync(path)), `${again} is not ${path}`);
    rmSync(dirname(again), { recursive: true });
  });

  it('takes at most 60 MB', () => {
    const { size } = statSync(path);
    assert.ok(size <= MAX_BYTES, `${size} bytes`);
  });

  it('has nothing outside of the folders that are its own, all of it of root, and nothing that only a build needs', () => {
    const lines = execFileSync('dpkg-deb', ['--contents', path], { encoding: 'utf8' }).trim().split('\n');
    const files = lines.map((line) => line.split(/\s+/)).filter(([mode = '']) => !mode.startsWith('d'));
    const own =
      /^\.\/(?:etc\/weir|usr\/lib\/weir|usr\/share\/(?:weir|doc\/weir)|usr\/share\/man\/man\d)\/|^\.\/usr\/bin\/weir$|^\.\/usr\/lib\/(?:systemd\/system\/weir\.service|sysusers\.d\/weir\.conf|tmpfiles\.d\/weir\.conf)$|^\.\/usr\/share\/(?:lintian\/overrides\/weir|bash-completion\/completions\/weir|zsh\/vendor-completions\/_weir)$/;
    assert.deepEqual(
      files.filter((fields) => fields[1] !== 'root/root' || !own.test(fields[5] ?? '')),
      [],
    );
    const names = files.map((fields) => fields[5] ?? '');
    assert.deepEqual(
      names.filter((name) => /\.(?:cc|hh?|map)$|\.d\.[cm]?ts$|\/test\//.test(name)),
      [],
    );
    for (const each of ['./usr/lib/weir/daemon/main.ts', './usr/lib/weir/bin/node', './etc/weir/weir.yaml'])
      assert.ok(names.includes(each), each);
  });

  it('has no error by lintian', () => {
    const { status, stdout } = spawnSync('lintian', ['--fail-on', 'error', path], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });
});

describe('systemd/weir.service', () => {
  it('is understood by systemd', () => {
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', UNIT], { encoding: 'utf8' });
    // What it names is there once the package is installed.
    const lines = stderr
      .split('\n')
      .filter((line) => line !== '' && !/Command \/usr\/bin\/weir is not executable/.test(line));
    assert.deepEqual(lines, []);
  });

  it('has an exposure of at most 2.0', () => {
    const rated = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', UNIT], {
      encoding: 'utf8',
    });
    assert.equal(rated.status, 0, rated.stdout + rated.stderr);
    assert.match(rated.stdout, /Overall exposure level for weir\.service: [12]\.\d/);
  });
});
