import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Order } from '../../daemon/enforcement/enforcer.ts';
import { startControlServer } from '../../daemon/status/controlServer.ts';
import { testArchive, testLimit, testSources } from '../support/snapshot.ts';

const MAIN = join(import.meta.dirname, '../../daemon/main.ts');

function weir(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; stdout: string; stderr: string }>();
  execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) =>
    resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
  );
  return promise;
}

describe('weir limit, weir release and weir limits', () => {
  let folder: string;
  let config: string;
  let server: Awaited<ReturnType<typeof startControlServer>>;
  const orders: Order[] = [];
  const few = [testLimit(), testLimit({ tenant: 'birch', state: 'observed', outbound: null, inbound: null })];
  let limits = few;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-command-'));
    config = join(folder, 'weir.yaml');
    const path = join(folder, 'weir.sock');
    writeFileSync(config, `status: { socket: ${path} }\n`);
    server = await startControlServer({
      path,
      ...testSources({
        archive: testArchive({
          limits: () => limits,
        }),
      }),
      limit: async (order) => {
        orders.push(order);
        if (order.tenant === 'cedar') return { refused: 'Cannot limit cedar: plan.guaranteed' };
        return { limit: testLimit({ state: order.tenant === 'acme' ? 'inForce' : 'failed', reason: order.reason }) };
      },
      release: async (tenant) => (tenant === 'acme' ? { limit: null } : { refused: `${tenant} is not limited` }),
      log: { error: () => {}, warn: () => {} },
    });
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('limits shows each, then what passed and was dropped', async () => {
    const { code, stdout } = await weir('limits', '-c', config);
    assert.equal(code, 0);
    const [first = '', second = '', , ...table] = stdout.split('\n');
    assert.match(
      first,
      /^acme both directions 20 Mbit\/s, in force: outbound bandwidthThreshold, incident bt-1; since .* ago, until 2026-03-01 10:13:13 UTC$/,
    );
    assert.match(second, /^birch both directions 20 Mbit\/s, only observed: /);
    assert.deepEqual(table, [
      'tenant  way  offered now  calls  voice passed  dropped  other passed  dropped',
      'acme    out    27 Mbit/s      ?        200 kB        0         52 MB     10 k',
      'acme    in     27 Mbit/s      ?        200 kB        0         69 MB        0',
      '',
    ]);
    assert.equal(JSON.parse((await weir('limits', '-c', config, '--json')).stdout).length, 2);
  });

  it('limits shows all, however many pages they are', async () => {
    limits = Array.from({ length: 1001 }, (_, i) => testLimit({ tenant: `t${i}` }));
    try {
      assert.equal(JSON.parse((await weir('limits', '-c', config, '--json')).stdout).length, 1001);
    } finally {
      limits = few;
    }
  });

  it('limit orders what it is told, and succeeds when the kernel holds it', async () => {
    const words = ['limit', 'acme', '1.5mbit', '--for', '15m', '--reason', 'a call', '-c', config];
    const { code, stdout } = await weir(...words);
    assert.deepEqual([code, /^acme .*in force: a call/.test(stdout)], [0, true]);
    assert.deepEqual(orders.at(-1), { tenant: 'acme', rateBps: 1.5e6, forMs: 900_000, reason: 'a call', by: 'root' });
    assert.equal((await weir('limit', 'birch', '5mbit', '-c', config)).code, 1);
  });

  const failures: [string, string[], RegExp][] = [
    ['a rate without a unit', ['limit', 'acme', '5'], /^Cannot limit acme: 5 is no rate with its unit such as 5mbit$/],
    ['a time without a unit', ['limit', 'acme', '5mbit', '--for', '5'], /^Cannot limit acme: 5 is no duration/],
    ['what the daemon refuses', ['limit', 'cedar', '5mbit'], /^Cannot limit cedar: plan\.guaranteed$/],
    ['to release who is not limited', ['release', 'birch'], /^birch is not limited$/],
  ];
  for (const [title, words, says] of failures) {
    it(`says why not: ${title}`, async () => {
      const { code, stderr } = await weir(...words, '-c', config);
      assert.equal(code, 1);
      assert.match(stderr.trimEnd(), says);
    });
  }

  it('release lifts it', async () => {
    assert.deepEqual(await weir('release', 'acme', '-c', config), {
      code: 0,
      stdout: 'acme is limited no longer\n',
      stderr: '',
    });
  });

  it('says that there is no daemon', async () => {
    const none = join(folder, 'none.yaml');
    writeFileSync(none, `status: { socket: ${folder}/none.sock }\n`);
    const { code, stderr } = await weir('limits', '-c', none);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Cannot ask the daemon at .*none\.sock: there is no such socket \(is the daemon running\?\)\n$/,
    );
  });
});
