/** The Debian package of this checkout, built once a run. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCRIPT = join(import.meta.dirname, '../../systemd/package.sh');
export const UNIT = join(import.meta.dirname, '../../systemd/weir.service');

let first: string | undefined;

/** The path of the package. */
export const debianPackage = (): string => (first ??= buildPackage());

export function buildPackage(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-package-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const env = { ...process.env, WEIR_PACKAGE_DIR: folder };
  const { status, stdout, stderr } = spawnSync('sh', [SCRIPT], { env, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

/** The same package as a later version: its control files alone are packed anew. */
export function laterVersion(path: string, folder: string): string {
  const control = join(folder, 'control');
  const later = join(folder, 'weir_99.0.deb');
  execFileSync('dpkg-deb', ['--control', path, control]);
  const text = readFileSync(join(control, 'control'), 'utf8');
  writeFileSync(join(control, 'control'), text.replace(/^Version: .*$/m, 'Version: 99.0'));
  execFileSync('tar', ['-cJf', join(folder, 'control.tar.xz'), '-C', control, '.']);
  copyFileSync(path, later);
  execFileSync('ar', ['r', later, join(folder, 'control.tar.xz')]);
  return later;
}
