import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { performance } from 'node:perf_hooks';
import { pino } from 'pino';
import type { PostableAlert } from '../../daemon/alerting/alert.ts';
import { AlertmanagerNotifier, type AlertmanagerOptions } from '../../daemon/alerting/alertmanager.ts';
import { freePort, startAlertmanager } from '../support/alertmanager.ts';
import { change } from '../support/incident.ts';

const RESEND = 60_000;
const silent = pino({ level: 'silent' });
const given: (() => Promise<unknown>)[] = [];

function notifierFor(urls: readonly string[], options: Partial<AlertmanagerOptions> = {}): AlertmanagerNotifier {
  const notifier = new AlertmanagerNotifier({
    urls,
    teller: { host: 'pbx1', pageUrl: 'http://127.0.0.1:9737' },
    log: silent,
    resendMs: RESEND,
    random: () => 1,
    ...options,
  });
  given.push(() => notifier.stop());
  return notifier;
}

async function realAlertmanager(options: Parameters<typeof startAlertmanager>[0] = {}) {
  const alertmanager = await startAlertmanager(options);
  given.push(() => alertmanager.stop());
  return alertmanager;
}

/** An HTTP server in the place of an Alertmanager, that answers as the test says. */
async function server(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const http = createServer(answer).listen(0, '127.0.0.1');
  await once(http, 'listening');
  given.push(async () => {
    http.close();
    http.closeAllConnections();
  });
  const address = http.address();
  assert(address !== null && typeof address === 'object');
  return { http, host: `127.0.0.1:${address.port}` };
}

/** Answers 200 to every post, and remembers what was posted. */
async function recorder() {
  const posts: PostableAlert[][] = [];
  const record = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const alerts: PostableAlert[] = JSON.parse(await text(request));
    posts.push(alerts);
    response.end();
  };
  return { posts, ...(await server((request, response) => void record(request, response))) };
}

const opened = (count: number, at: number) =>
  Array.from({ length: count }, (_, i) =>
    change('opened', { id: `i${i}`, victim: `2001:db8::${i.toString(16)}`, firstSeen: new Date(at).toISOString() }),
  );

describe('AlertmanagerNotifier', () => {
  afterEach(async () => {
    await Promise.all(given.splice(0).map((giveBack) => giveBack()));
  });

  it('has an incident fire in a real Alertmanager, renews it, and resolves it', async () => {
    const alertmanager = await realAlertmanager();
    const notifier = notifierFor([alertmanager.url]);
    const now = Date.now();
    const firstSeen = new Date(now - 500).toISOString();
    notifier.update([change('opened', { firstSeen })], now);
    await notifier.settled();
    const [fired] = await alertmanager.alerts('tenant=acme', 'alertname=synFlood');
    assert.equal(fired?.status.state, 'active');
    assert.equal(fired.startsAt, firstSeen);
    assert.equal(fired.endsAt, new Date(now + 4 * RESEND).toISOString());

    notifier.update([change('refreshed', { firstSeen, value: 99_000 })], now + RESEND);
    await notifier.settled();
    const [renewed] = await alertmanager.alerts();
    assert.equal(renewed?.endsAt, new Date(now + 5 * RESEND).toISOString());
    assert.match(renewed.annotations['summary'] ?? '', /99 kpps/);

    notifier.update([change('closed', { firstSeen })], Date.now());
    await notifier.settled();
    assert.deepEqual(await alertmanager.alerts(), []);
    assert.equal(notifier.statuses()[0]?.pending, 0);
  });

  it('has the receivers of a real Alertmanager notified of the start and of the end', async () => {
    const notified = { firing: Promise.withResolvers<null>(), resolved: Promise.withResolvers<null>() };
    const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const { status }: { status: 'firing' | 'resolved' } = JSON.parse(await text(request));
      notified[status].resolve(null);
      response.end();
    };
    const webhook = await server((request, response) => void take(request, response));
    const alertmanager = await realAlertmanager({ webhook: `http://${webhook.host}/` });
    const notifier = notifierFor([alertmanager.url]);
    notifier.update([change('opened')], Date.now());
    await notified.firing.promise;
    notifier.update([change('closed')], Date.now());
    await notified.resolved.promise;
  });

  it('posts an opened incident within milliseconds', async () => {
    const alertmanager = await realAlertmanager();
    const notifier = notifierFor([alertmanager.url]);
    notifier.tick(Date.now());
    await notifier.settled();
    const start = performance.now();
    notifier.update([change('opened')], Date.now());
    await notifier.settled();
    const took = performance.now() - start;
    assert.equal(notifier.statuses()[0]?.alertsSent, 1);
    assert(took < 100, `accepted after ${took.toFixed(1)} ms`);
  });

  it('retries an Alertmanager that is away until it is there, and knows that it is away before any incident', async () => {
    const port = await freePort();
    const notifier = notifierFor([`http://127.0.0.1:${port}`]);
    const now = Date.now();
    notifier.tick(now);
    await notifier.settled();
    assert.deepEqual(notifier.statuses(), [
      {
        url: `http://127.0.0.1:${port}`,
        ok: false,
        lastSuccessAt: null,
        lastError: 'ECONNREFUSED',
        pending: 0,
        alertsSent: 0,
        alertsDropped: 0,
        postsFailed: 1,
      },
    ]);
    notifier.update([change('opened')], now + 1000);
    await notifier.settled();
    assert.equal(notifier.statuses()[0]?.pending, 1);

    const alertmanager = await realAlertmanager({ port });
    notifier.tick(now + 31_000);
    await notifier.settled();
    assert.equal((await alertmanager.alerts('victim=192.0.2.10')).length, 1);
    assert.equal(notifier.statuses()[0]?.ok, true);
    assert.equal(notifier.statuses()[0]?.pending, 0);
  });

  it('gives everything to one Alertmanager while others are dead or never answer', async () => {
    const alertmanager = await realAlertmanager();
    const { host: hanging } = await server(() => {});
    const notifier = notifierFor([`http://127.0.0.1:${await freePort()}`, `http://${hanging}`, alertmanager.url], {
      maxSingle: Infinity,
      timeoutMs: 200,
    });
    const now = Date.now();
    notifier.update(opened(250, now), now);
    await notifier.settled();
    assert.equal((await alertmanager.alerts()).length, 250);
    const [dead, silentOne, alive] = notifier.statuses();
    assert.equal(dead?.pending, 250);
    assert.equal(silentOne?.lastError, 'no answer within 200 ms');
    assert.equal(alive?.alertsSent, 250);
  });

  it('posts batches of at most 100 alerts, over connections that are kept', async () => {
    const { posts, http, host } = await recorder();
    let connections = 0;
    http.on('connection', () => (connections += 1));
    const notifier = notifierFor([`http://${host}`], { maxSingle: Infinity });
    notifier.update(opened(650, 0), 1000);
    await notifier.settled();
    assert.deepEqual(
      posts.map((alerts) => alerts.length),
      [100, 100, 100, 100, 100, 100, 50],
    );
    // fetch opens a second one when a post follows in the moment in which the first is being given back.
    assert(connections <= 2, `${connections} connections`);
  });

  it('backs off, doubling, to at most 30 s', async () => {
    let posts = 0;
    const { host } = await server((_, response) => {
      posts += 1;
      response.writeHead(503).end();
    });
    const notifier = notifierFor([`http://${host}`]);
    const start = 1_000_000;
    const at: number[] = [];
    const step = async (ms: number): Promise<void> => {
      const before = posts;
      notifier.tick(start + ms);
      await notifier.settled();
      if (posts > before) at.push(ms);
      if (ms < 120_000) await step(ms + 250);
    };
    await step(0);
    assert.deepEqual(at, [0, 500, 1500, 3500, 7500, 15_500, 31_500, 61_500, 91_500]);
    assert.equal(notifier.statuses()[0]?.lastError, 'HTTP 503');
  });

  it('tells a close that comes while the opening is being posted', async () => {
    const { posts, host } = await recorder();
    const notifier = notifierFor([`http://${host}`]);
    const now = Date.parse('2026-03-01T10:00:20Z');
    notifier.update([change('opened')], now);
    notifier.update([change('closed')], now + 250);
    await notifier.settled();
    assert.deepEqual(
      posts.map((alerts) => alerts.map(({ endsAt }) => endsAt)),
      [['2026-03-01T10:04:20.000Z'], ['2026-03-01T10:00:20.250Z']],
    );
    assert.equal(notifier.statuses()[0]?.pending, 0);
  });

  it('neither repeats at once nor is held up by what an Alertmanager refuses', async () => {
    let posts = 0;
    const { host } = await server((_, response) => {
      posts += 1;
      response.writeHead(400).end('"start time must be before end time"\u001B[31m\n');
    });
    const notifier = notifierFor([`http://${host}`], { maxSingle: Infinity });
    notifier.update(opened(150, 0), 1000);
    await notifier.settled();
    notifier.tick(1250);
    await notifier.settled();
    assert.equal(posts, 2);
    assert.equal(notifier.statuses()[0]?.lastError, 'HTTP 400 "start time must be before end time" [31m');
    notifier.tick(1000 + RESEND);
    await notifier.settled();
    assert.equal(posts, 4);
  });

  it('reads no more than the beginning of an answer without an end', async () => {
    const { host } = await server((_, response) => {
      response.writeHead(500);
      const more = (): void => void (response.writable && response.write('x'.repeat(65_536), more));
      more();
    });
    const notifier = notifierFor([`http://${host}`]);
    notifier.tick(1000);
    await notifier.settled();
    assert.equal(notifier.statuses()[0]?.lastError, `HTTP 500 ${'x'.repeat(200)}`);
  });

  it('says what is wrong with an answer that is no HTTP', async () => {
    const { host } = await server((_, response) => void response.socket?.end('Weir?\r\n\r\n'));
    const notifier = notifierFor([`http://${host}`]);
    notifier.tick(1000);
    await notifier.settled();
    assert.match(notifier.statuses()[0]?.lastError ?? '', /HTTP/);
  });

  it('sends userinfo as basic authentication and shows it nowhere', async () => {
    const authorizations: (string | undefined)[] = [];
    const paths: (string | undefined)[] = [];
    const { host } = await server((request, response) => {
      authorizations.push(request.headers.authorization);
      paths.push(request.url);
      response.writeHead(401).end();
    });
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
    const notifier = notifierFor([`http://weir:s%20cret@${host}/prefix/?token=s%20cret`], { log });
    notifier.update([change('opened')], 1000);
    await notifier.settled();
    assert.deepEqual(authorizations, [`Basic ${Buffer.from('weir:s cret').toString('base64')}`]);
    assert.deepEqual(paths, ['/prefix/api/v2/alerts']);
    assert.match(lines.join(''), /Cannot post alerts: HTTP 401/);
    assert.doesNotMatch(lines.join('') + JSON.stringify(notifier.statuses()), /weir:|cret/);
  });

  it('logs a failure at most once a minute', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
    const notifier = notifierFor([`http://127.0.0.1:${await freePort()}`], { log });
    const step = async (ms: number): Promise<void> => {
      notifier.tick(ms);
      await notifier.settled();
      if (ms < 150_000) await step(ms + 250);
    };
    await step(1000);
    assert.equal(lines.length, 3);
  });

  it('gives up a close that could not be told for 15 minutes', async () => {
    const notifier = notifierFor([`http://127.0.0.1:${await freePort()}`]);
    notifier.update([change('opened')], 0);
    notifier.update([change('closed')], 1000);
    await notifier.settled();
    assert.equal(notifier.statuses()[0]?.pending, 1);
    notifier.tick(16 * 60_000);
    await notifier.settled();
    assert.equal(notifier.statuses()[0]?.pending, 0);
  });

  it('remembers at most 10,000 alerts and counts the rest; closed ones give way first', async () => {
    const notifier = notifierFor([`http://127.0.0.1:${await freePort()}`], { maxSingle: Infinity });
    notifier.update(opened(10_001, 0), 0);
    assert.equal(notifier.statuses()[0]?.pending, 10_000);
    assert.equal(notifier.statuses()[0]?.alertsDropped, 1);
    notifier.update([change('closed', { id: 'i0' }), change('opened', { id: 'new' })], 1000);
    assert.equal(notifier.statuses()[0]?.alertsDropped, 1);
    assert.equal(notifier.statuses()[0]?.pending, 10_000);
    await notifier.settled();
  });

  it('re-sends at once when the clock was set back', async () => {
    const { posts, host } = await recorder();
    const notifier = notifierFor([`http://${host}`]);
    notifier.update([change('opened')], 7_200_000);
    await notifier.settled();
    notifier.tick(3_600_000);
    await notifier.settled();
    assert.deepEqual(
      posts.map((alerts) => alerts[0]?.endsAt),
      ['1970-01-01T02:04:00.000Z', '1970-01-01T01:04:00.000Z'],
    );
  });

  it('tells an Alertmanager that is new of all that is open, and one that stays nothing again', async () => {
    const [stays, goes, comes] = [await recorder(), await recorder(), await recorder()];
    const urls = [stays, goes, comes].map(({ host }) => `http://${host}`);
    const notifier = notifierFor(urls.slice(0, 2));
    notifier.update([change('opened')], 0);
    await notifier.settled();
    notifier.reconfigure([urls[0] ?? '', urls[2] ?? ''], RESEND);
    notifier.tick(1000);
    await notifier.settled();
    assert.deepEqual(
      [stays, goes, comes].map(({ posts }) => posts.length),
      [1, 1, 1],
    );
    assert.deepEqual(comes.posts[0]?.[0]?.labels, stays.posts[0]?.[0]?.labels);
    assert.deepEqual(
      notifier.statuses().map(({ url }) => url),
      [urls[0], urls[2]],
    );
  });

  it('tells the end of an incident that it was never told of: an earlier run may have', async () => {
    const alertmanager = await realAlertmanager();
    const [before, after] = [notifierFor([alertmanager.url]), notifierFor([alertmanager.url])];
    const now = Date.now();
    before.update([change('opened', { firstSeen: new Date(now - 500).toISOString() })], now);
    await before.settled();
    assert.equal((await alertmanager.alerts()).length, 1);
    after.update([change('closed', { firstSeen: new Date(now - 500).toISOString() })], now);
    await after.settled();
    assert.deepEqual(await alertmanager.alerts(), []);
  });

  it('links each alert to the page of its incident', async () => {
    const { posts, host } = await recorder();
    const notifier = notifierFor([`http://${host}`]);
    notifier.update([change('opened', { id: '00c0ffee0001' })], 1000);
    await notifier.settled();
    assert.equal(posts[0]?.[0]?.generatorURL, 'http://127.0.0.1:9737/incidents/00c0ffee0001');
  });

  it('tells of a storm of incidents in one alert, and of each again once it calms down', async () => {
    const alertmanager = await realAlertmanager();
    const notifier = notifierFor([alertmanager.url], { maxSingle: 10 });
    const now = Date.now();
    const incidents = opened(500, now - 500);
    notifier.update(incidents, now);
    await notifier.settled();
    assert.equal((await alertmanager.alerts('alertname=synFlood')).length, 10);
    const [storm, ...others] = await alertmanager.alerts('alertname=incidentStorm');
    assert.deepEqual(others, []);
    assert.match(storm?.annotations['summary'] ?? '', /^490 more incidents/);
    assert.deepEqual(Object.keys(storm?.labels ?? {}).toSorted(), ['alertname', 'host', 'severity']);

    const closing = (from: number, to: number) =>
      incidents.slice(from, to).map(({ incident }) => ({
        event: 'closed' as const,
        incident: { ...incident, state: 'closed' as const },
      }));
    notifier.update(closing(0, 4), now);
    await notifier.settled();
    assert.equal((await alertmanager.alerts('alertname=synFlood')).length, 6, 'none comes for one that goes');
    notifier.update(closing(10, 496), now);
    notifier.update(closing(4, 5), now);
    await notifier.settled();
    assert.equal((await alertmanager.alerts('alertname=synFlood')).length, 9, 'what is left has alerts of its own');
    assert.deepEqual(await alertmanager.alerts('alertname=incidentStorm'), []);
  });

  it('stops at once, whatever is under way', async () => {
    const { host } = await server(() => {});
    const notifier = notifierFor([`http://${host}`], { timeoutMs: 60_000 });
    notifier.update([change('opened')], 0);
    await notifier.stop();
    notifier.tick(60_000);
    assert.equal(notifier.statuses()[0]?.postsFailed, 1);
  });
});
