import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { FRAME_CHECKSUM_PENDING, FRAME_OUTGOING } from '../../../probes/probe.ts';
import { openRing } from '../../../probes/ring/ring.ts';
import { addNamespaces, inNamespace, ip, joinByVeth, removeNamespaces } from '../../support/namespace.ts';
import { type CapturedFrame, readFrames } from '../../support/ringReader.ts';

const CLIENT = 'wr-client';
const BRIDGE = 'wr-bridge';
const SERVER = 'wr-server';
const SERVER_ADDRESS = '198.51.100.2';

/** Ethernet, IPv4 and TCP headers of a frame, in bytes. */
const headerBytes = ({ bytes }: CapturedFrame): number => {
  const ip4 = 14 + (bytes[14]! & 15) * 4;
  return ip4 + (bytes[ip4 + 12]! >> 4) * 4;
};

/** What becomes of a captured frame on the wire. */
function onTheWire(frame: CapturedFrame): { packets: number; bytes: number } {
  if (frame.segmentSize === 0) return { packets: 1, bytes: frame.wireLength };
  const headers = headerBytes(frame);
  const packets = Math.ceil((frame.wireLength - headers) / frame.segmentSize);
  return { packets, bytes: frame.wireLength + (packets - 1) * headers };
}

/** What the bridge has sent to the server, cut into segments by the kernel: the other device knows no offloads. */
function sentToServer(): { packets: number; bytes: number } {
  const links: { stats64: { tx: { packets: number; bytes: number } } }[] = JSON.parse(
    ip('-n', BRIDGE, '-s', '-j', 'link', 'show', 'toserver'),
  );
  const { packets = 0, bytes = 0 } = links[0]?.stats64.tx ?? {};
  return { packets, bytes };
}

/** One TCP transfer by iperf3 from CLIENT to SERVER. */
async function transfer(): Promise<void> {
  const server = inNamespace(SERVER, () => spawn('iperf3', ['--server', '--one-off', '--forceflush']));
  const exited = once(server, 'exit');
  await once(server.stdout, 'data'); // it listens
  inNamespace(CLIENT, () => execFileSync('iperf3', ['--client', SERVER_ADDRESS, '--bytes', '100M', '--json']));
  await exited;
}

describe('openRing, with super-packets', () => {
  before(() => {
    addNamespaces(CLIENT, BRIDGE, SERVER);
    joinByVeth([CLIENT, 'client'], [BRIDGE, 'toclient']);
    joinByVeth([SERVER, 'server'], [BRIDGE, 'toserver']);
    ip('-n', CLIENT, 'address', 'add', '198.51.100.1/24', 'dev', 'client');
    ip('-n', SERVER, 'address', 'add', `${SERVER_ADDRESS}/24`, 'dev', 'server');
    ip('-n', BRIDGE, 'link', 'add', 'bridge', 'type', 'bridge');
    ip('-n', BRIDGE, 'link', 'set', 'toclient', 'master', 'bridge');
    ip('-n', BRIDGE, 'link', 'set', 'toserver', 'master', 'bridge');
    ip('-n', BRIDGE, 'link', 'set', 'bridge', 'up');
    const withoutOffloads = ['-K', 'toserver', 'tso', 'off', 'gso', 'off', 'tx', 'off'];
    inNamespace(BRIDGE, () => execFileSync('ethtool', withoutOffloads, { stdio: 'pipe' }));
  });
  after(() => removeNamespaces(CLIENT, BRIDGE, SERVER));

  it('gives the segment size, so that packets and bytes add up to those on the wire', async function () {
    // What a new link's own stack sends to its multicast groups, once, may fall into the transfer and be counted with it.
    this.retries(2);
    const probe = inNamespace(BRIDGE, () => openRing({ interface: 'toclient' }));
    const before = sentToServer();
    await transfer();
    const after = sentToServer();
    const frames = readFrames(probe);
    assert.equal(probe.statistics().dropped, 0);
    probe.close();

    const toServer = frames.filter(({ flags }) => (flags & FRAME_OUTGOING) === 0);
    const wire = toServer.map(onTheWire);
    assert.deepEqual(
      {
        packets: wire.reduce((sum, { packets }) => sum + packets, 0),
        bytes: wire.reduce((sum, { bytes }) => sum + bytes, 0),
      },
      { packets: after.packets - before.packets, bytes: after.bytes - before.bytes },
    );
    const superPackets = toServer.filter(({ segmentSize }) => segmentSize > 0);
    assert.ok(superPackets.length > 100, `${superPackets.length} super-packets`);
    assert.ok(superPackets.every(({ bytes, wireLength }) => bytes.length === 128 && wireLength > 1514));
    assert.ok(superPackets.every(({ flags }) => (flags & FRAME_CHECKSUM_PENDING) !== 0));
  });
});
