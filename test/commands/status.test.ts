import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderStatus } from '../../daemon/status/render.ts';
import { renderExplanation } from '../../daemon/status/renderExplanation.ts';
import { startStatusServer, type StatusServer } from '../../daemon/status/server.ts';
import { testSnapshot, testSources } from '../support/snapshot.ts';

const MAIN = join(import.meta.dirname, '../../daemon/main.ts');

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function weir(...args: string[]): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) =>
    resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
  );
  return promise;
}

describe('weir status, weir explain and weir check', () => {
  const snapshot = testSnapshot();
  const explanation = {
    tenant: 'acme',
    points: [],
    detectors: [{ id: 'udpFlood', mode: 'off' as const, allow: [], reason: 'its mode is off', readings: [] }],
  };
  let server: StatusServer;
  let folder: string;
  let config: string;
  before(async () => {
    const listen = { host: '127.0.0.1', port: 0 };
    const log = { error: () => {} };
    server = await startStatusServer({
      listen,
      log,
      ...testSources(),
      explain: async (tenant) =>
        tenant === 'acme' ? { status: 200, explanation } : { status: 404, error: `no tenant has the id ${tenant}` },
    });
    folder = mkdtempSync(join(tmpdir(), 'weir-status-'));
    config = join(folder, 'weir.yaml');
    writeFileSync(config, `status: { listen: '127.0.0.1:${server.port}' }\n`);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('status shows what the daemon at status.listen sees, as text or as its JSON', async () => {
    assert.deepEqual(await weir('status', '-c', config), {
      code: 0,
      stdout: `${renderStatus(snapshot)}\n`,
      stderr: '',
    });
    const { stdout } = await weir('status', '-c', config, '--json');
    assert.deepEqual(JSON.parse(stdout), snapshot);
  });

  it('explain shows where a tenant stands, as text or as its JSON, or says why it cannot', async () => {
    assert.deepEqual(await weir('explain', 'acme', 'udpFlood', '-c', config), {
      code: 0,
      stdout: `${renderExplanation(explanation)}\n`,
      stderr: '',
    });
    const { stdout } = await weir('explain', 'acme', '-c', config, '--json');
    assert.deepEqual(JSON.parse(stdout), explanation);
    const { code, stderr } = await weir('explain', 'initech', '-c', config);
    assert.equal(code, 1);
    assert.match(stderr, /^Cannot read http:.*: no tenant has the id initech\n$/);
  });

  it('check exits with 0 without problems, with 1 and one line for each with some', async () => {
    assert.deepEqual(await weir('check', config), {
      code: 0,
      stdout: `${config}: 0 interfaces, 0 tenants, no problems\n`,
      stderr: '',
    });
    const wrong = join(folder, 'wrong.yaml');
    writeFileSync(wrong, 'statsu: {}\nenforcement: { mode: enforec }\n');
    const { code, stdout, stderr } = await weir('check', wrong);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /^.*wrong\.yaml:1:1 statsu: .*did you mean status\?\n.*wrong\.yaml:2:22 enforcement\.mode: .*\n$/,
    );
  });

  it('status says in one line that no daemon answers, and exits with 1', async () => {
    await server.close();
    const { code, stderr } = await weir('status', '-c', config);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Cannot read http:\/\/127\.0\.0\.1:\d+\/api\/status: .*ECONNREFUSED.* \(is the daemon running\?\)\n$/,
    );
  });
});
