import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { pino } from 'pino';
import { startStatusServer, type StatusServer } from '../../daemon/status/server.ts';
import { HistoryReader } from '../../daemon/store/historyReader.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { fillPast, pastId, pastIncident } from '../support/pastStore.ts';
import { testArchive, testSources } from '../support/snapshot.ts';

const HOST = '127.0.0.1';
const REQUESTS = 10_000;
const AT_ONCE = 50;
const MAX_GROWTH_BYTES = 8 * 2 ** 20;
const PATIENCE_MS = 500;

const PATHS = [
  '/',
  '/incidents',
  '/tenants',
  '/tenants/acme',
  '/tenants/acme/why',
  '/page/style.css',
  '/api/status',
  '/api/tenants',
  '/api/incidents',
  `/api/incidents/${pastId(1)}`,
  '/api/limits',
  '/api/usage/acme',
  '/api/explain',
  '/api/events',
  '/metrics',
];

/** Where nothing is, however it is written. */
const NOWHERE = [
  '/../../../../etc/passwd',
  '/page/../../../../etc/passwd',
  '/page/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '/page/..%5c..%5cetc%5cpasswd',
  '/page/style.css/../pages.ts',
  '/page/pages.ts',
  '/page//style.css',
  '/page/style.css%00',
  '/page/constructor',
  '/page/__proto__',
  '/api/incidents/..%2f..%2fweir/evidence.pcap',
  '/api/incidents/%2e%2e/evidence.pcap',
  '/api/incidents/__proto__',
  '/api/tenants/__proto__',
  '/api/tenants/%00',
  '/api/tenants/%ff',
  `/api/tenants/${'a'.repeat(300)}`,
  '/api/usage/%F0%9F%92%A5',
  "/api/incidents/' OR 1=1 --".replaceAll(' ', '%20'),
  '/tenants/%3Cscript%3E',
];

/** What no query may say. */
const QUERIES = [
  '/api/incidents?limit=1e9',
  '/api/incidents?limit=-1',
  '/api/incidents?limit=NaN',
  '/api/incidents?limit=201',
  '/api/incidents?state=all',
  '/api/incidents?since=9999999999999999',
  '/api/incidents?since=+275760-09-14T00:00:00Z',
  "/api/incidents?cursor=closed.1'%20OR%201=1",
  '/api/incidents?cursor=closed.99999999999999999999.a',
  `/api/incidents?tenant=${'a'.repeat(7000)}`,
  `/api/incidents?cursor=closed.1.${'a'.repeat(7000)}`,
  '/api/tenants?limit=100000',
  '/api/tenants?cursor=-1',
  '/api/usage/acme?from=1970-01-01T00:00:00Z',
  '/api/usage/acme?from=2h&to=3h',
  '/api/usage/acme?step=second',
  '/api/usage/acme?month=2026-13',
  '/api/limits?state=ended&cursor=x',
  '/api/explain?tenant=',
];

describe('the status endpoint under hostile requests', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const logged: string[] = [];
  let server: StatusServer;
  let reader: HistoryReader;

  before(async () => {
    const path = join(folder(), 'weir.db');
    fillPast(
      path,
      [1, 2, 3].map((number) => pastIncident(number)),
    );
    reader = new HistoryReader({ path });
    server = await startStatusServer({
      ...testSources({ archive: testArchive({ reader }) }),
      log: pino({}, { write: (line: string) => logged.push(line) }),
      listen: { host: HOST, port: 0 },
      patienceMs: PATIENCE_MS,
    });
  });
  after(async () => {
    await server.close();
    await reader.stop();
  });
  afterEach(() => assert.deepEqual(logged, []));

  /** What is answered to bytes of any kind, until the connection is closed; who `stays` waits for the answer. */
  async function say(bytes: string | Uint8Array, stays = false): Promise<string> {
    // An answer may be followed by a reset, for what was sent beyond it was not read.
    const socket = connect(server.port, HOST).on('error', () => {});
    let said = '';
    socket.on('data', (chunk) => (said += chunk.toString('latin1')));
    if (stays) socket.write(bytes);
    else socket.end(bytes);
    await once(socket, 'close');
    return said;
  }

  const ask = (target: string, host = `${HOST}:${server.port}`): Promise<string> =>
    say(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, true);

  for (const target of NOWHERE)
    it(`finds nothing at ${target.slice(0, 60)}`, async () => assert.match(await ask(target), /^HTTP\/1\.1 404 /));

  for (const target of QUERIES)
    it(`refuses ${target.slice(0, 60)}`, async () => assert.match(await ask(target), /^HTTP\/1\.1 400 /));

  it('answers nothing to who comes by another name, whatever is asked for', async () => {
    const hosts = [
      'attacker.example',
      `attacker.example:${server.port}`,
      '',
      'localhost',
      `[::2]:${server.port}`,
      '169.254.169.254',
    ];
    const asked = hosts.flatMap((host) => PATHS.map((path) => ask(path, host)));
    for (const answer of await Promise.all(asked)) assert.match(answer, /^HTTP\/1\.1 4\d\d /);
  });

  it('gives every query of random keys and values an answer, and never its fault', async () => {
    const key = fc.constantFrom(
      'state',
      'tenant',
      'since',
      'limit',
      'cursor',
      'sort',
      'from',
      'to',
      'step',
      'month',
      '__proto__',
    );
    const word = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.integer().map(String),
      fc.constantFrom('open', 'ended', '24h', '1', 'hour'),
    );
    const path = fc.constantFrom(
      '/api/tenants',
      '/api/incidents',
      '/api/limits',
      '/api/usage/acme',
      '/incidents',
      '/tenants',
    );
    const query = fc.array(fc.tuple(key, word), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(path, query, async (target, pairs) => {
        assert.match(await ask(`${target}?${new URLSearchParams(pairs).toString()}`), /^HTTP\/1\.1 (?:200|400) /);
      }),
      { numRuns: 300 },
    );
  });

  it(`refuses ${REQUESTS} malformed requests, and has not grown after them`, async () => {
    const beginnings = [
      '',
      'GET / HTTP/1.1\r\nHost: ',
      'POST /api/status HTTP/1.1\r\nTransfer-Encoding: chunked\r\n',
      'GET /api/events HTTP/9.9\r\n',
      `GET /${'%2e%2e/'.repeat(40)} HTTP/1.1\r\n`,
      'GET /api/incidents?cursor=',
    ];
    const round = async (left: number): Promise<void> => {
      const noise = Array.from({ length: AT_ONCE }, (_, i) =>
        Buffer.concat([
          Buffer.from(beginnings[i % beginnings.length] ?? ''),
          randomBytes(1 + i * 7),
          Buffer.from('\r\n\r\n'),
        ]),
      );
      for (const answer of await Promise.all(noise.map((bytes) => say(bytes))))
        assert.match(answer, /^(?:HTTP\/1\.1 4\d\d |$)/);
      if (left > 1) await round(left - 1);
    };
    await round(10);
    const before = usedBytes();
    await round(REQUESTS / AT_ONCE);
    const grownBytes = usedBytes() - before;
    assert(grownBytes < MAX_GROWTH_BYTES, `${grownBytes} bytes`);
    assert.match(await ask('/healthz'), /^HTTP\/1\.1 \d/);
  });

  it('waits for nobody who is slow, and answers others meanwhile', async () => {
    const slow = Array.from({ length: 100 }, () => connect(server.port, HOST).on('error', () => {}));
    for (const socket of slow) socket.write('GET /api/status HTTP/1.1\r\nHost: 1');
    const startedMs = performance.now();
    assert.match(await ask('/api/limits'), /^HTTP\/1\.1 200 /);
    assert(performance.now() - startedMs < PATIENCE_MS);
    await Promise.all(slow.map((socket) => once(socket.resume(), 'close')));
  });
});

function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
