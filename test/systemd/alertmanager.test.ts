import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const EXAMPLE = join(import.meta.dirname, '../../systemd/alertmanager/alertmanager.yaml');

function amtool(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('amtool', args, { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

describe('the example for Alertmanager', () => {
  it('is one that amtool finds nothing wrong with', () => {
    assert.match(amtool('check-config', EXAMPLE), /2 receivers/);
  });

  for (const [severity, receiver] of [
    ['critical', 'pager'],
    ['warning', 'mail'],
  ] as const)
    it(`sends what is ${severity} to the ${receiver}`, () => {
      const labels = [`severity=${severity}`, 'alertname=synFlood', 'tenant=acme'];
      assert.equal(amtool('config', 'routes', 'test', `--config.file=${EXAMPLE}`, ...labels).trim(), receiver);
    });
});
