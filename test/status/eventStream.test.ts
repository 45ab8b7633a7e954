import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { EventStream, type EventStreamOptions } from '../../daemon/status/eventStream.ts';
import { startStatusServer, type StatusServer } from '../../daemon/status/server.ts';
import { change } from '../support/incident.ts';
import { until } from '../lab/until.ts';
import { testOverview, testSources } from '../support/snapshot.ts';

const HOST = '127.0.0.1';
const WITHIN_MS = 2000;

/** What comes until `enough` of it is there. */
async function read(socket: Socket, enough: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (enough.test(text)) return text;
  }
  throw new Error(`it ended: ${text}`);
}

describe('EventStream', () => {
  let events: EventStream;
  let server: StatusServer;
  const sockets: Socket[] = [];

  async function serve(options: Partial<EventStreamOptions> = {}): Promise<void> {
    events = new EventStream({ overview: () => testOverview(), everyMs: 20, ...options });
    const listen = { host: HOST, port: 0 };
    server = await startStatusServer({ ...testSources({ events }), listen, log: pino({}, { write: () => {} }) });
  }

  function listener(): Socket {
    const socket = connect(server.port, HOST).on('error', () => {});
    sockets.push(socket);
    socket.write(`GET /api/events HTTP/1.1\r\nHost: ${HOST}:${server.port}\r\n\r\n`);
    return socket;
  }

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server.close();
  });

  it('tells the status at once and again and again, and each opening and close as it comes', async () => {
    await serve();
    const socket = listener();
    const first = await read(socket, /event: status\n/);
    assert.match(first, /^HTTP\/1\.1 200 [^]*content-type: text\/event-stream/i);
    events.observe(change('opened'));
    assert.match(await read(socket, /"event":"opened"/), /event: incident\ndata: \{"event":"opened","incident":\{"id"/);
    await read(socket, /(?:event: status[^]*){3}/);
  });

  it('tells the last of several new values of an incident, once', async () => {
    await serve({ everyMs: 50 });
    const socket = listener();
    await read(socket, /event: status\n/);
    for (const value of [1, 2, 3]) events.observe(change('refreshed', { value }));
    const told = await read(socket, /event: incident[^]*event: status/);
    assert.deepEqual(
      [...told.matchAll(/"value":(\d)/g)].map(([, value]) => value),
      ['3'],
    );
  });

  it('refuses listeners above its bound, and takes others once those have gone', async () => {
    await serve({ maxListeners: 2 });
    const first = listener();
    const second = listener();
    await Promise.all([read(first, /event: status/), read(second, /event: status/)]);
    assert.match(await read(listener(), /error/), /^HTTP\/1\.1 503 [^]*too many listen already/);
    first.destroy();
    await until('a place', WITHIN_MS, async () => !events.isFull);
    await read(listener(), /event: status/);
  });

  it('cuts who does not read, and goes on for the others', async () => {
    await serve({ everyMs: 1, overview: () => testOverview({ now: 'x'.repeat(200_000) }) });
    const slow = listener();
    const reading = listener();
    await Promise.all([read(slow, /event: status/), read(reading, /event: status/)]);
    slow.pause();
    let readBytes = 0;
    reading.on('data', (chunk) => (readBytes += chunk.length));
    await until('one that is cut', WITHIN_MS, async () => events.listeners === 1);
    const before = readBytes;
    await until('more', WITHIN_MS, async () => readBytes > before);
    assert.equal(events.listeners, 1);
  });

  it('does nothing while nobody listens', async () => {
    let asked = 0;
    await serve({ everyMs: 1, overview: () => (asked++, testOverview()) });
    events.observe(change('opened'));
    const socket = listener();
    await read(socket, /event: status/);
    socket.destroy();
    await once(socket, 'close');
    await pause(20);
    const before = asked;
    await pause(20);
    assert.equal(asked, before);
  });
});
