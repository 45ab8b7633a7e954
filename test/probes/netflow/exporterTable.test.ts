import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { CollectorProbe } from '../../../probes/netflow/collectorProbe.ts';
import { ExporterTable, MAX_EXPORTERS } from '../../../probes/netflow/exporterTable.ts';
import { Peer } from '../../../probes/netflow/inetSocket.ts';

const IDLE_MS = 600_000;

/** 198.18.0.0 and those that follow. */
const peer = (number: number): Peer => Object.assign(new Peer(), { w2: 0xffff, w3: 0xc612_0000 + number });

/** As many as there is room for, heard at `nowMs`. */
function fill(table: ExporterTable, nowMs: number): void {
  for (let number = 0; table.exporters.length < MAX_EXPORTERS; number++) {
    const exporter = table.find(peer(number), nowMs);
    assert(exporter !== null);
    exporter.lastMs = nowMs;
  }
}

const admit = (_w0: number, _w1: number, _w2: number, w3: number): string => (w3 >>> 0).toString(16);

describe('ExporterTable', () => {
  it('gives the places of those that have been silent for ten minutes to others, and of nobody else', () => {
    const table = new ExporterTable(admit);
    fill(table, 1000);
    const heard = table.exporters[7];
    assert(heard !== undefined);
    heard.lastMs = 2000;
    assert.equal(table.find(peer(9000), 1000 + IDLE_MS - 1), null);
    assert.equal(table.crowdedOut, 1);
    assert.notEqual(table.find(peer(9000), 1000 + IDLE_MS + 999), null);
    assert.deepEqual(
      table.exporters.map(({ words }) => words[3] & 0xffff),
      [7, 9000],
    );
    assert.equal(table.find(peer(7), 1000 + IDLE_MS + 999), heard);
  });

  it('keeps the place of an exporter whose TCP connection is open, however long it is silent', async () => {
    const address = { words: [0, 0, 0xffff, 0x7f00_0001], port: 0, text: '127.0.0.1:0' } as const;
    let nowMs = 1_000_000;
    const probe = new CollectorProbe({
      udp: [],
      tcp: [address],
      receiveBufferBytes: 0,
      admit,
      decoder: { decode: () => null, endSession: () => undefined },
      openMessage: () => undefined,
      now: () => nowMs,
    });
    const pollUntil = (isDone: () => boolean): void => {
      for (let rounds = 0; rounds < 200 && !isDone(); rounds++) probe.poll(20);
      assert(isDone());
    };
    const isKept = (): boolean => probe.table.exporters.some((each) => each.address === '7f000001');
    const socket = connect({ port: probe.ports[0] ?? 0, host: '127.0.0.1' });
    try {
      await once(socket, 'connect');
      pollUntil(() => isKept());
      fill(probe.table, nowMs);
      nowMs += IDLE_MS + 1;
      assert.notEqual(probe.table.find(peer(9000), nowMs), null);
      assert.deepEqual([isKept(), probe.table.exporters.length], [true, 2]);
      await new Promise<void>((resolve) => void socket.end(resolve));
      pollUntil(() => probe.statistics().listeners[0]?.connections?.open === 0);
      fill(probe.table, nowMs);
      nowMs += IDLE_MS + 1;
      assert.notEqual(probe.table.find(peer(9001), nowMs), null);
      assert.equal(isKept(), false);
    } finally {
      socket.destroy();
      probe.close();
    }
  });
});
