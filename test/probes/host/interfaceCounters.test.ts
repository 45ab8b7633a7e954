import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseInterfaceCounters } from '../../../probes/host/interfaceCounters.ts';
import { blockOf, frame } from '../../support/frames.ts';
import { addNamespaces, inNamespace, ip, joinByVeth, removeNamespaces } from '../../support/namespace.ts';
import { sendFrames } from '../../support/packetSender.ts';

const NEAR = 'wr-ifc-near';
const FAR = 'wr-ifc-far';
const FRAME = frame({ source: '192.0.2.1', destination: '198.51.100.1', protocol: 'udp', payload: 100 });
const HEADER = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
`;
const line = (name: string, columns: string): string => `${HEADER}${name}:${columns}\n`;
const NONE = { receivedPackets: null, receivedBytes: null, receivedDropped: null, sentPackets: null, sentBytes: null };

describe('parseInterfaceCounters', () => {
  it('gives what each interface has received and sent', () => {
    const text = line('  eth0', ' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16');
    assert.deepEqual(parseInterfaceCounters(text), [
      { name: 'eth0', receivedBytes: 1, receivedPackets: 2, receivedDropped: 4, sentBytes: 9, sentPackets: 10 },
    ]);
  });

  it('reads names with colons, and counters that reach the name', () => {
    const [counters] = parseInterfaceCounters(line('eth0:1', '18446744073709551615 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0'));
    assert.deepEqual([counters?.name, counters?.receivedBytes, counters?.sentBytes], ['eth0:1', 2 ** 64, 3]);
  });

  it('does not know what is no number, nor of lines that are cut', () => {
    const text = line('eth0', 'x -1 0 1e3 0 0 0 0 0x1 + 0 0 0 0 0 0');
    assert.deepEqual(parseInterfaceCounters(text), [{ name: 'eth0', ...NONE }]);
    for (const each of ['', HEADER, line('eth0', '1 2 3'), line('', '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16')])
      assert.deepEqual(parseInterfaceCounters(each), []);
  });

  it('agrees with ip -statistics', () => {
    addNamespaces(NEAR, FAR);
    joinByVeth([NEAR, 'near0'], [FAR, 'far0']);
    const block = blockOf([{ bytes: FRAME }]);
    inNamespace(FAR, () => sendFrames('far0', block, { packets: 300, packetsPerSecond: Infinity }));
    inNamespace(NEAR, () => sendFrames('near0', block, { packets: 20, packetsPerSecond: Infinity }));
    const [near, counters] = inNamespace(NEAR, () => [
      JSON.parse(ip('-s', '-j', 'link', 'show', 'near0'))[0].stats64,
      parseInterfaceCounters(readFileSync('/proc/thread-self/net/dev', 'utf8')).find(({ name }) => name === 'near0'),
    ]);
    removeNamespaces(NEAR, FAR);
    assert.deepEqual(counters, {
      name: 'near0',
      receivedBytes: near.rx.bytes,
      receivedPackets: near.rx.packets,
      receivedDropped: near.rx.dropped,
      sentBytes: near.tx.bytes,
      sentPackets: near.tx.packets,
    });
    assert.deepEqual([near.rx.packets, near.tx.packets], [300, 20]);
  });
});
