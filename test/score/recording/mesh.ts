/** A peer of a mesh: asks many others, at ports all over the place, of which half are gone. Ends by itself after some seconds. */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { PEER_ADDRESSES, peerPort } from './peers.ts';
import { SIDES } from './stage.ts';

const socket = createSocket('udp4');
socket.on('error', () => undefined);
await new Promise<void>((resolve) => socket.bind(6881, SIDES.tenant.address, resolve));
for (let round = 0; round < 3; round++) {
  for (const [i, address] of PEER_ADDRESSES.entries()) {
    socket.send(Buffer.alloc(100), peerPort(i), address);
    if (i % 4 === round) openTo(address, 6881 + (i % 8));
    // oxlint-disable-next-line no-await-in-loop -- the pace of a client
    await setTimeout(20);
  }
}
socket.close();

function openTo(host: string, port: number): void {
  const connection = connect({ host, port, localAddress: SIDES.tenant.address });
  connection.on('connect', () => connection.end(Buffer.alloc(68)));
  connection.on('error', () => connection.destroy());
}
