import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingHttpHeaders, METHODS, request, type RequestOptions } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { startStatusServer, type StatusServer, type StatusServerOptions } from '../../daemon/status/server.ts';
import { testInterface, testLimit, testSnapshot, testSources } from '../support/snapshot.ts';

const HOST = '127.0.0.1';
const PATIENCE_MS = 200;
let server: StatusServer;
let state: 'up' | 'dead' | 'broken' = 'up';
const logged: string[] = [];
const NOTHING = { points: [], detectors: [] };

function snapshot() {
  if (state === 'broken') throw new Error('a secret detail');
  return testSnapshot({ interfaces: [testInterface({ state })] });
}

const options = (changes: Partial<StatusServerOptions> = {}): StatusServerOptions => ({
  listen: { host: HOST, port: 0 },
  ...testSources(),
  snapshot,
  vitals: snapshot,
  evidence: async (id) => (id === '0123456789ab' ? Buffer.from('a capture') : null),
  explain: async (tenant, detector) =>
    tenant === 'acme'
      ? { status: 200, explanation: { ...NOTHING, tenant: `acme by ${detector ?? 'all'}` } }
      : { status: 404, error: `no tenant has the id ${tenant}` },
  metrics: () => Promise.resolve('weir_build_info 1\n'),
  log: pino({}, { write: (line: string) => logged.push(line) }),
  patienceMs: PATIENCE_MS,
  ...changes,
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Closes the connection after it; `headers.host` is this server's unless given. */
async function ask(path: string, changes: RequestOptions = {}): Promise<Answer> {
  const asking = request({ host: HOST, port: server.port, path, agent: false, ...changes });
  asking.end();
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  asking.on('error', reject);
  asking.on('response', (response) => {
    const { statusCode: status, headers } = response;
    text(response).then((body) => resolve({ status, headers, body }), reject);
  });
  return promise;
}

function dial(): Socket {
  // An answer may be followed by a reset, for what was sent beyond it was not read.
  return connect(server.port, HOST).on('error', () => {});
}

/** What comes back for bytes of any kind until the connection is closed. */
async function say(bytes: string | Uint8Array): Promise<string> {
  const socket = dial();
  const closed = once(socket, 'close');
  let said = '';
  socket.on('data', (chunk) => (said += chunk.toString('latin1')));
  socket.end(bytes);
  await closed;
  return said;
}

const statusFor = async (host: string) => (await ask('/api/status', { headers: { host } })).status;

describe('startStatusServer', () => {
  before(async () => {
    server = await startStatusServer(options());
  });
  after(() => server.close());
  beforeEach(() => {
    state = 'up';
    logged.length = 0;
  });

  it('gives the packets of an incident as a capture, and 404 where there are none', async () => {
    const { status, headers, body } = await ask('/api/incidents/0123456789ab/evidence.pcap');
    assert.deepEqual([status, headers['content-type'], body], [200, 'application/vnd.tcpdump.pcap', 'a capture']);
    const others = ['ffffffffffff', '..', 'x', '0123456789ABC'].map((id) => ask(`/api/incidents/${id}/evidence.pcap`));
    assert.deepEqual(
      (await Promise.all(others)).map((each) => each.status),
      [404, 404, 404, 404],
    );
  });

  it('answers GET /healthz with 200, or with 503 and the reason', async () => {
    const well = await ask('/healthz');
    assert.deepEqual([well.status, well.body], [200, '{"status":"ok"}\n']);
    state = 'dead';
    const ill = await ask('/healthz');
    assert.equal(ill.status, 503);
    assert.deepEqual(JSON.parse(ill.body), {
      status: 'failing',
      reasons: ['Cannot watch eth0: its worker is dead'],
    });
  });

  it('answers GET /api/status with the snapshot', async () => {
    const { status, headers, body } = await ask('/api/status?pretty=1');
    assert.deepEqual([status, headers['content-type']], [200, 'application/json; charset=utf-8']);
    assert.deepEqual(JSON.parse(body), snapshot());
  });

  it('answers GET /api/explain with what is asked for, or with why it cannot', async () => {
    const answers: [string, number, object][] = [
      ['?tenant=acme', 200, { ...NOTHING, tenant: 'acme by all' }],
      ['?tenant=acme&detector=udpFlood&pretty', 200, { ...NOTHING, tenant: 'acme by udpFlood' }],
      ['?tenant=%E0%A4%A', 404, { error: 'no tenant has the id \u{fffd}%A' }],
      ['', 400, { error: 'tenant: is missing' }],
    ];
    const answered = await Promise.all(answers.map(([query]) => ask(`/api/explain${query}`)));
    assert.deepEqual(
      answered.map(({ status, body }) => [status, JSON.parse(body)]),
      answers.map(([, status, body]) => [status, body]),
    );
  });

  it('answers GET /metrics in the format of Prometheus', async () => {
    const { status, headers, body } = await ask('/metrics');
    assert.deepEqual([status, body], [200, 'weir_build_info 1\n']);
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  });

  it('answers GET /api/limits with the limits', async () => {
    assert.deepEqual(JSON.parse((await ask('/api/limits')).body), { items: [testLimit()], next: null });
  });

  it('answers GET / in plain text for a person', async () => {
    const { status, headers, body } = await ask('/');
    assert.deepEqual([status, headers['content-type']], [200, 'text/plain; charset=utf-8']);
    assert.match(body, /^weir 0\.1\.0, up 3 h 12 min/);
    assert.match(body, /^\/metrics/m);
  });

  it('answers 304 to who has it already, and the whole again once it has changed', async () => {
    const { headers } = await ask('/api/limits');
    const etag = String(headers['etag']);
    const again = await Promise.all(
      [etag, `W/${etag}`, `"other", ${etag}`, '*', '"other"'].map((known) =>
        ask('/api/limits', { headers: { host: `${HOST}:${server.port}`, 'if-none-match': known } }),
      ),
    );
    assert.deepEqual(
      again.map(({ status, body }) => [status, body === '']),
      [...Array.from({ length: 4 }, () => [304, true]), [200, false]],
    );
  });

  it('answers HEAD like GET, without the body', async () => {
    const { status, headers, body } = await ask('/healthz', { method: 'HEAD' });
    assert.deepEqual([status, headers['content-length'], body], [200, '16', '']);
  });

  it('refuses every method but GET and HEAD, and knows nothing that it could change', async () => {
    const others = METHODS.filter((method) => !['CONNECT', 'GET', 'HEAD'].includes(method));
    const asked = others.flatMap((method) => ['/api/status', '/api/limits'].map((path) => ask(path, { method })));
    for (const { status, headers, body } of await Promise.all(asked)) {
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD']);
      assert.match(body, /^\{"error":/);
    }
    const changes = await Promise.all(others.map((method) => ask('/api/limits/acme', { method })));
    for (const { status } of changes) assert.equal(status, 404);
  });

  for (const path of [
    '/nothing',
    '/api/status/',
    '//api/status',
    '/API/STATUS',
    '/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/api/status%00',
    '/__proto__',
    '*',
    'http://attacker.example/api/status',
  ])
    it(`knows no ${path}`, async () => {
      const { status, body } = await ask(path);
      assert.deepEqual([status, body], [404, '{"error":"not found"}\n']);
    });

  it('answers to its own names alone, with the port', async () => {
    const { port } = server;
    const own = [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`];
    const others = [
      '127.0.0.1',
      'localhost',
      `attacker.example:${port}`,
      `127.0.0.1.attacker.example:${port}`,
      'localhost:1',
    ];
    assert.deepEqual(
      await Promise.all(own.map(statusFor)),
      own.map(() => 200),
    );
    assert.deepEqual(
      await Promise.all(others.map(statusFor)),
      others.map(() => 421),
    );
  });

  it('lets no page of another origin read, keep or frame an answer', async () => {
    const { headers } = await ask('/api/status', { headers: { origin: 'http://attacker.example' } });
    assert.equal(headers['access-control-allow-origin'], undefined);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'private, no-cache');
    assert.match(String(headers['content-security-policy']), /^default-src 'self';.* frame-ancestors 'none'/);
    assert.equal(headers['referrer-policy'], 'no-referrer');
  });

  it('answers 500 without the detail when the snapshot fails, logs it, and goes on', async () => {
    state = 'broken';
    const { status, body } = await ask('/api/status');
    assert.deepEqual([status, body], [500, '{"error":"internal error"}\n']);
    assert.match(logged.join(''), /a secret detail/);
    state = 'up';
    assert.equal((await ask('/healthz')).status, 200);
  });

  const malformed: readonly [string, string, RegExp][] = [
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['no Host in HTTP/1.0', 'GET /healthz HTTP/1.0\r\n\r\n', /^HTTP\/1\.1 421 /],
    ['a header above 8 KiB', `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(9000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ['a target above 8 KiB', `GET /${'x'.repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ['a TLS greeting', '\u0016\u0003\u0001\u0002\u0000\u0001', /^HTTP\/1\.1 400 /],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['a line end that is none', 'GET / HTTP/1.1\nHost: a\n\n', /^HTTP\/1\.1 4\d\d /],
  ];
  for (const [title, bytes, expected] of malformed)
    it(`refuses ${title}`, async () => assert.match(await say(bytes), expected));

  it('gives nothing but 4xx to 1,000 malformed requests, and still answers', async () => {
    const verbs = ['', 'GET / HTTP/1.1\r\nHost: ', 'POST /api/status HTTP/1.1\r\nTransfer-Encoding: chunked\r\n'];
    const rounds = async (left: number): Promise<void> => {
      const noise = Array.from({ length: 50 }, (_, i) =>
        Buffer.concat([Buffer.from(verbs[i % verbs.length] ?? ''), randomBytes(1 + i * 7), Buffer.from('\r\n\r\n')]),
      );
      for (const answer of await Promise.all(noise.map(say))) assert.match(answer, /^(?:HTTP\/1\.1 4\d\d |$)/);
      if (left > 1) await rounds(left - 1);
    };
    await rounds(20);
    assert.equal((await ask('/healthz')).status, 200);
  });

  it('waits for no slow client', async () => {
    const slow = dial();
    const said = text(slow);
    slow.write('GET /healthz HTTP/1.1\r\nHost: ');
    assert.match(await said, /^HTTP\/1\.1 408 /);
  });

  it('drops connections above the cap, closes idle ones, and answers again', async () => {
    const idle = Array.from({ length: 200 }, dial);
    await Promise.all(idle.map((socket) => once(socket.resume(), 'close')));
    assert.equal((await ask('/healthz')).status, 200);
  });

  it('says what to do when the port is taken', async () => {
    const { port } = server;
    await assert.rejects(startStatusServer(options({ listen: { host: HOST, port } })), {
      message: `Cannot listen on 127.0.0.1:${port}: the port is taken (change status.listen, or stop the other process)`,
    });
  });

  it('says what to do when the address is not its own', async () => {
    await assert.rejects(startStatusServer(options({ listen: { host: '2001:db8::1', port: 9737 } })), {
      message: 'Cannot listen on [2001:db8::1]:9737: no interface has this address (change status.listen)',
    });
  });
});
