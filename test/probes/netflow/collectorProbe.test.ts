import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import {
  CollectorProbe,
  type CollectorProbeOptions,
  type ListenAddress,
} from '../../../probes/netflow/collectorProbe.ts';
import { MAX_OF_ONE_EXPORTER, SLOW_MS } from '../../../probes/netflow/tcpListener.ts';
import { sendDatagrams } from '../../support/datagramSender.ts';

const LOOPBACK: ListenAddress = { words: [0, 0, 0xffff, 0x7f00_0001], port: 0, text: '127.0.0.1:0' };
const LOOPBACK6: ListenAddress = { words: [0, 0, 0, 1], port: 0, text: '[::1]:0' };
const ipv4 = (w3: number): string => [w3 >>> 24, (w3 >>> 16) & 255, (w3 >>> 8) & 255, w3 & 255].join('.');

/** A collector with what it has been given: exporter and text of every message, and the sessions of them. */
class Bed {
  readonly taken: string[] = [];
  readonly sessions = new Set<number>();
  readonly ended: string[] = [];
  nowMs = 1_000_000;
  readonly probe: CollectorProbe;

  constructor(options: Partial<CollectorProbeOptions> = {}) {
    this.probe = new CollectorProbe({
      udp: [LOOPBACK],
      tcp: [],
      receiveBufferBytes: 1 << 20,
      admit: (_w0, _w1, w2, w3) => (w2 === 0xffff ? (w3 === 0x7f00_0009 ? null : ipv4(w3)) : `v6:${w3}`),
      decoder: {
        decode: (exporter, bytes, offset, length, _receivedMs, session) => {
          this.sessions.add(session);
          const text = Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1');
          if (text.startsWith('bad')) return text;
          this.taken.push(`${exporter} ${text}`);
          return null;
        },
        endSession: (exporter, session) => void this.ended.push(`${exporter} ${this.sessions.has(session)}`),
      },
      openMessage: () => undefined,
      now: () => this.nowMs,
      ...options,
    });
  }

  port(index = 0): number {
    return this.probe.ports[index] ?? assert.fail('no such listener');
  }

  /** What nobody sees come shall not be waited for without end. */
  pollUntil(isDone: () => boolean): void {
    for (let rounds = 0; rounds < 200 && !isDone(); rounds++) this.probe.poll(20);
    assert(isDone(), `after ${this.taken.length} messages`);
  }

  send(texts: readonly string[], source?: number): void {
    const datagrams = texts.map((text) => Buffer.from(text, 'latin1'));
    sendDatagrams({ port: this.port(), datagrams, ...(source === undefined ? {} : { source }) });
  }
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `datagram ${i}`);

/** An IPFIX message: version, length, and whatever fills it. */
function ipfix(text: string): Buffer {
  const message = Buffer.alloc(16 + text.length);
  message.writeUInt16BE(10, 0);
  message.writeUInt16BE(message.length, 2);
  message.write(text, 16, 'latin1');
  return message;
}

const written = (socket: Socket, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => void socket.write(bytes, () => resolve()));

describe('CollectorProbe over UDP', () => {
  let bed: Bed;
  afterEach(() => bed.probe.close());

  it('hands over every datagram once, in order, whatever the size of the batches', () => {
    bed = new Bed();
    bed.send(numbered(500));
    bed.pollUntil(() => bed.taken.length === 500);
    assert.deepEqual(
      bed.taken,
      numbered(500).map((text) => `127.0.0.1 ${text}`),
    );
    const [listener] = bed.probe.statistics().listeners;
    assert.equal(listener?.dropped, 0);
  });

  it('takes the longest and the shortest datagram whole', () => {
    bed = new Bed();
    bed.send(['x'.repeat(65_507), '', 'y']);
    bed.pollUntil(() => bed.taken.length === 3);
    assert.deepEqual(
      bed.taken.map(({ length }) => length - '127.0.0.1 '.length),
      [65_507, 0, 1],
    );
  });

  it('knows exporters of IPv6 by their addresses', async () => {
    bed = new Bed({ udp: [LOOPBACK6] });
    const socket = createSocket('udp6');
    const { promise, resolve } = Promise.withResolvers<unknown>();
    socket.send('c', bed.port(), '::1', resolve);
    await promise;
    socket.close();
    bed.pollUntil(() => bed.taken.length === 1);
    assert.deepEqual(bed.taken, ['v6:1 c']);
  });

  it('knows exporters by their addresses', () => {
    bed = new Bed();
    bed.send(['a'], 0x7f00_0002);
    bed.send(['b'], 0x7f00_0003);
    bed.pollUntil(() => bed.taken.length === 2);
    assert.deepEqual(bed.taken, ['127.0.0.2 a', '127.0.0.3 b']);
    const { exporters } = bed.probe.statistics();
    assert.deepEqual(
      exporters.map(({ address, datagrams, octets }) => [address, datagrams, octets]),
      [
        ['127.0.0.2', 1, 1],
        ['127.0.0.3', 1, 1],
      ],
    );
  });

  it('refuses who is not configured before reading a byte, and counts it', () => {
    bed = new Bed();
    bed.send(numbered(1000), 0x7f00_0009);
    bed.send(['a'], 0x7f00_0002);
    bed.pollUntil(() => bed.taken.length === 1);
    const { strangers, exporters, messages } = bed.probe.statistics();
    assert.deepEqual([strangers, exporters.length, messages], [1000, 1, 1]);
    assert.equal(bed.probe.table.lastRefused?.w3, 0x7f00_0009);
  });

  it('counts what cannot be decoded by reason, and goes on; reasons are bounded', () => {
    bed = new Bed();
    bed.send([...Array.from({ length: 100 }, (_, i) => `bad ${i}`), 'bad 1', 'good']);
    bed.pollUntil(() => bed.taken.length === 1);
    const malformed = bed.probe.statistics().exporters[0]?.malformed ?? new Map();
    assert.equal(malformed.get('bad 1'), 2);
    assert.equal(malformed.size, 33);
    assert.equal(
      [...malformed.values()].reduce((sum, count) => sum + count, 0),
      101,
    );
  });

  it('says exactly how many datagrams the kernel dropped, as /proc/net/udp has it', () => {
    bed = new Bed({ receiveBufferBytes: 65_536 });
    bed.send(numbered(2000));
    const rows = readFileSync('/proc/thread-self/net/udp', 'utf8').split('\n');
    const port = bed.port().toString(16).toUpperCase().padStart(4, '0');
    const drops = Number(
      rows
        .find((row) => row.includes(`0100007F:${port} `))
        ?.trim()
        .split(/\s+/)
        .at(-1),
    );
    assert(drops > 0);
    assert.equal(bed.probe.statistics().listeners[0]?.dropped, drops);
    bed.pollUntil(() => bed.taken.length === 2000 - drops);
  });

  it('says what the kernel granted of the receive buffer, which is all of it with CAP_NET_ADMIN', () => {
    bed = new Bed({ receiveBufferBytes: 8 << 20 });
    const [listener] = bed.probe.statistics().listeners;
    assert.deepEqual([listener?.receiveBufferBytes, listener?.receiveBufferAskedBytes], [8 << 20, 8 << 20]);
  });

  it('serves every socket in a round, however much there is at one of them', () => {
    bed = new Bed({ udp: [LOOPBACK, { ...LOOPBACK, text: 'second' }], receiveBufferBytes: 8 << 20 });
    bed.send(numbered(3000));
    sendDatagrams({ port: bed.port(1), datagrams: [Buffer.from('other')] });
    bed.probe.poll(20);
    bed.probe.poll(20);
    assert(bed.taken.length < 3001 && bed.taken.includes('127.0.0.1 other'), `${bed.taken.length} messages`);
    bed.pollUntil(() => bed.taken.length === 3001);
  });

  it('refuses to start on a taken port, and leaves nothing open', () => {
    bed = new Bed();
    const port = bed.port();
    assert.throws(
      () => new Bed({ udp: [LOOPBACK, { ...LOOPBACK, port, text: `127.0.0.1:${port}` }] }),
      new RegExp(
        `^ProbeError: Cannot listen on 127.0.0.1:${port}: address already in use \\(change collector.listen, or`,
      ),
    );
  });
});

describe('CollectorProbe over TCP', () => {
  let bed: Bed;
  const sockets: Socket[] = [];
  beforeEach(() => {
    bed = new Bed({ udp: [], tcp: [LOOPBACK] });
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    bed.probe.close();
  });

  async function client(localAddress = '127.0.0.2'): Promise<Socket> {
    const socket = connect({ port: bed.port(), host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }
  const counters = () => bed.probe.statistics().listeners[0]?.connections ?? assert.fail('no TCP');
  const bodies = (): string[] => bed.taken.map((text) => text.slice('127.0.0.2 '.length + 16));

  it('cuts the stream into messages, however it comes in pieces', async () => {
    const socket = await client();
    const stream = Buffer.concat(['one', '', 'three', 'x'.repeat(65_535 - 16)].map(ipfix));
    await written(socket, stream.subarray(0, 5));
    bed.pollUntil(() => counters().open === 1);
    await written(socket, stream.subarray(5, 21));
    bed.pollUntil(() => bodies().length === 1);
    await written(socket, stream.subarray(21));
    bed.pollUntil(() => bodies().length === 4);
    assert.deepEqual(bodies(), ['one', '', 'three', 'x'.repeat(65_535 - 16)]);
    await new Promise<void>((resolve) => void socket.end(resolve));
    bed.pollUntil(() => counters().open === 0);
  });

  it('gives every open connection a session of its own, none of them that of UDP, and says when it has ended', async () => {
    const [one, other] = [await client(), await client('127.0.0.3')];
    await written(one, ipfix('a'));
    await written(other, ipfix('b'));
    bed.pollUntil(() => bed.taken.length === 2);
    assert.deepEqual([bed.sessions.size, bed.sessions.has(0)], [2, false]);
    await new Promise<void>((resolve) => void one.end(resolve));
    bed.pollUntil(() => counters().open === 1);
    assert.deepEqual(bed.ended, ['127.0.0.2 true']);
    bed.probe.close();
    assert.deepEqual(bed.ended, ['127.0.0.2 true', '127.0.0.3 true']);
  });

  it('counts a message that the end of its stream cuts short, and no end between messages', async () => {
    const [cut, whole, reset] = [await client(), await client('127.0.0.3'), await client('127.0.0.4')];
    await written(cut, Buffer.concat([ipfix('one'), ipfix('another').subarray(0, 3)]));
    await written(whole, ipfix('two'));
    await written(reset, ipfix('three').subarray(0, 17));
    bed.pollUntil(() => counters().open === 3 && bed.taken.length === 2);
    await new Promise<void>((resolve) => void cut.end(resolve));
    await new Promise<void>((resolve) => void whole.end(resolve));
    reset.resetAndDestroy();
    bed.pollUntil(() => counters().open === 0);
    assert.deepEqual(
      bed.probe.statistics().exporters.map(({ address, malformed }) => [address, ...malformed]),
      [['127.0.0.2', ['messageTruncated', 1]], ['127.0.0.3'], ['127.0.0.4', ['messageTruncated', 1]]],
    );
  });

  it('closes a connection whose bytes are no IPFIX, and counts it', async () => {
    const socket = await client();
    await written(socket, Buffer.concat([ipfix('good'), Buffer.from('GET / HTTP/1.1\r\n\r\n')]));
    const closed = once(socket, 'close');
    bed.pollUntil(() => counters().cutMalformed === 1);
    assert.deepEqual([bodies(), counters().open], [['good'], 0]);
    socket.resume();
    await closed;
  });

  it('closes who begins a message and does not end it, not who is silent between messages', async () => {
    const [slow, silent] = [await client(), await client('127.0.0.3')];
    await written(slow, ipfix('never ends').subarray(0, 20));
    await written(silent, ipfix('complete'));
    bed.pollUntil(() => bed.taken.length === 1 && counters().open === 2);
    bed.nowMs += SLOW_MS + 1;
    bed.pollUntil(() => counters().cutSlow === 1);
    assert.equal(counters().open, 1);
  });

  it('refuses who is not configured, and more connections of one exporter than it can need', async () => {
    await client('127.0.0.9');
    bed.pollUntil(() => counters().refused === 1);
    const all = Array.from({ length: MAX_OF_ONE_EXPORTER + 1 }, () => client());
    bed.pollUntil(() => true);
    await Promise.all(all);
    bed.pollUntil(() => counters().accepted + counters().crowdedOut === MAX_OF_ONE_EXPORTER + 1);
    assert.deepEqual([counters().open, counters().crowdedOut], [MAX_OF_ONE_EXPORTER, 1]);
    bed.nowMs += 60_001;
    await client();
    bed.pollUntil(() => counters().accepted === MAX_OF_ONE_EXPORTER + 1);
    assert.equal(counters().open, MAX_OF_ONE_EXPORTER);
  });
});
