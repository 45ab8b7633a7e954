import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { METHODS, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { Order } from '../../daemon/enforcement/enforcer.ts';
import { type ControlServerOptions, startControlServer } from '../../daemon/status/controlServer.ts';
import { testLimit, testSources } from '../support/snapshot.ts';

let folder: string;
let path: string;
let server: Awaited<ReturnType<typeof startControlServer>>;
let orders: Order[] = [];
let releases: [tenant: string, by: string][] = [];
const warnings: string[] = [];

const options = (changes: Partial<ControlServerOptions> = {}): ControlServerOptions => ({
  path,
  ...testSources(),
  limit: async (order) => {
    orders.push(order);
    return order.tenant === 'cedar' ? { refused: 'Cannot limit cedar: guaranteed' } : { limit: testLimit() };
  },
  release: async (tenant, by) => {
    releases.push([tenant, by]);
    return { limit: null };
  },
  log: { error: () => {}, warn: (line: string) => void warnings.push(line) },
  ...changes,
});

interface Answer {
  readonly status: number | undefined;
  readonly allow: string | undefined;
  readonly body: string;
}

async function ask(method: string, target: string, body?: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const asking = request({ socketPath: path, method, path: target, agent: false }, (response) => {
    const { statusCode: status, headers } = response;
    text(response).then((answer) => resolve({ status, allow: headers.allow, body: answer }), reject);
  });
  asking.on('error', reject);
  asking.end(body);
  return promise;
}

/** The status that another user's process gets for a release; -1: it may not even ask. */
async function releaseAs(uid: number, gid: number): Promise<number> {
  const code = `require('http').request({ socketPath: '${path}', method: 'DELETE', path: '/api/limits/birch', agent: false },
    (response) => console.log(response.resume().statusCode)).on('error', ({ code }) => console.log(code === 'EACCES' ? -1 : code)).end()`;
  const as = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', process.execPath, '-e', code];
  const { stdout } = await promisify(execFile)('setpriv', as);
  return Number(stdout);
}

describe('startControlServer', () => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-control-'));
    // Others may look into it: it is the socket that keeps them out.
    await promisify(execFile)('chmod', ['755', folder]);
    path = join(folder, 'run', 'weir.sock');
    orders = [];
    releases = [];
    server = await startControlServer(options());
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('serves all that the status endpoint does, too', async () => {
    const targets = ['/', '/healthz', '/api/status', '/api/limits', '/metrics'];
    const answers = await Promise.all(targets.map((target) => ask('GET', target)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      targets.map(() => 200),
    );
    assert.deepEqual(JSON.parse((await ask('GET', '/api/limits')).body), { items: [testLimit()], next: null });
  });

  it('takes an order for a limit, in the name of who asks, and answers with the limit', async () => {
    const body = { rateBps: 5e6, forMs: 60_000, reason: 'two\nlines\u001B[31m' };
    const { status, body: answer } = await ask('PUT', '/api/limits/acme', JSON.stringify(body));
    assert.deepEqual([status, JSON.parse(answer)], [200, testLimit()]);
    assert.deepEqual(orders, [{ tenant: 'acme', rateBps: 5e6, forMs: 60_000, reason: 'two lines [31m', by: 'root' }]);
    await ask('PUT', '/api/limits/a%20b', '{"rateBps":16000}');
    assert.deepEqual(orders[1], { tenant: 'a b', rateBps: 16_000, forMs: null, reason: 'by hand', by: 'root' });
  });

  it('releases, and names whoever asks by the word of the kernel', async () => {
    assert.deepEqual(await ask('DELETE', '/api/limits/acme'), { status: 200, allow: undefined, body: 'null\n' });
    assert.equal(await releaseAs(65_534, 0), 200);
    assert.equal(await releaseAs(64_999, 0), 200);
    assert.deepEqual(releases, [
      ['acme', 'root'],
      ['birch', 'nobody'],
      ['birch', 'uid 64999'],
    ]);
  });

  it('is for its owner and group alone', async () => {
    assert.equal(statSync(path).mode & 0o777, 0o660);
    assert.equal(await releaseAs(65_534, 65_534), -1);
    assert.deepEqual(releases, []);
  });

  it('says why it does not what it is asked for', async () => {
    const { status, body } = await ask('PUT', '/api/limits/cedar', '{"rateBps":5000000}');
    assert.deepEqual([status, body], [409, '{"error":"Cannot limit cedar: guaranteed"}\n']);
  });

  for (const [title, body] of [
    ['nothing', ''],
    ['what is no JSON', '{'],
    ['no rate', '{}'],
    ['a rate of nothing', '{"rateBps":0}'],
    ['a rate that is none', '{"rateBps":"5mbit"}'],
    ['a rate without an end', '{"rateBps":1e400}'],
    ['a time that is over', '{"rateBps":5000000,"forMs":-1}'],
    ['another key', '{"rateBps":5000000,"tenant":"birch"}'],
    ['a reason without an end', JSON.stringify({ rateBps: 5e6, reason: 'x'.repeat(201) })],
    ['a body above 4 KiB', JSON.stringify({ rateBps: 5e6, reason: 'x'.repeat(5000) })],
  ] as const)
    it(`refuses ${title}`, async () => {
      assert.equal((await ask('PUT', '/api/limits/acme', body)).status, 400);
      assert.deepEqual(orders, []);
    });

  it('refuses every other method', async () => {
    const others = METHODS.filter((each) => !['CONNECT', 'GET', 'HEAD', 'PUT', 'DELETE'].includes(each));
    for (const { status, allow } of await Promise.all(others.map((method) => ask(method, '/api/limits/acme'))))
      assert.deepEqual([status, allow], [405, 'PUT, DELETE']);
    const elsewhere = ['PUT', 'DELETE', ...others].flatMap((method) => [
      ask(method, '/api/limits'),
      ask(method, '/api/status'),
    ]);
    for (const { status } of await Promise.all(elsewhere)) assert.equal(status, 405);
    assert.deepEqual([...orders, ...releases], []);
  });

  it('takes over the socket of a daemon that was killed, and none that is answered', async () => {
    await assert.rejects(startControlServer(options()), {
      message: `Cannot listen on ${path}: another daemon answers there (stop it, or change status.socket)`,
    });
    const stale = join(folder, 'stale.sock');
    const code = `require('net').createServer().listen('${stale}', () => console.log('listens'))`;
    const killed = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(killed.stdout, 'data');
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const taken = await startControlServer(options({ path: stale }));
    await taken.close();
  });

  it('removes no file that is not a socket', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'precious');
    await assert.rejects(
      startControlServer(options({ path: file })),
      /^Error: Cannot listen on .*file: a file is there that is no socket$/,
    );
    assert.equal(statSync(file).size, 8);
  });

  it('goes on without, and says so, where it may not', async () => {
    const without = await startControlServer(options({ path: '/sys/weir/weir.sock' }));
    await without.close();
    assert.match(warnings.at(-1) ?? '', /nothing can be changed by hand$/);
  });
});
