/** What answers during a recording, on the side that is named: web, SIP, DNS, and peers. Runs in the side's namespace until it is ended. */
import { createSocket } from 'node:dgram';
import { createServer as createWebServer } from 'node:http';
import { createServer } from 'node:net';
import { PEER_ADDRESSES, PEER_TCP_PORTS, peerPort } from './peers.ts';
import { SIDES } from './stage.ts';

const PAGE = 'x'.repeat(3000);

function serveTcp(...ports: readonly number[]): void {
  for (const port of ports)
    createServer((socket) => socket.on('error', () => socket.destroy()).end('hello\r\n')).listen(port);
}

function serveUdp(address: string, port: number, answer: (message: Buffer) => Buffer | string | null): void {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const reply = answer(message);
    if (reply !== null) socket.send(reply, from.port, from.address);
  });
  socket.bind(port, address);
}

const COPIED = /^(?:Via|From|To|Call-ID|CSeq):.*$/gim;

/** 200 OK to whatever is asked. */
const answerSip = (message: Buffer): string =>
  `SIP/2.0 200 OK\r\n${(message.toString('latin1').match(COPIED) ?? []).join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;

/** Every fifth name does not exist; the others have one address. */
function answerDns(message: Buffer): Buffer {
  const question = message.subarray(12);
  const isUnknown = (message[13] ?? 0) % 5 === 0;
  const header = Buffer.from(message.subarray(0, 12));
  header.writeUInt16BE(isUnknown ? 0x8183 : 0x8180, 2);
  header.writeUInt16BE(isUnknown ? 0 : 1, 6);
  header.writeUInt32BE(0, 8);
  const end = question.indexOf(0) + 5;
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 80]);
  return Buffer.concat([header, question.subarray(0, end), ...(isUnknown ? [] : [answer])]);
}

createWebServer((_, response) => response.end(PAGE)).listen(80);
if (process.argv[2] === 'tenant') {
  serveTcp(22, 443, 5061);
  serveUdp(SIDES.tenant.address, 5060, answerSip);
} else {
  serveTcp(22, 443, ...PEER_TCP_PORTS);
  const { block } = SIDES.stranger;
  for (let host = 1; host <= 50; host++) serveUdp(`${block}.${host}`, 5060, answerSip);
  serveUdp(`${block}.53`, 53, answerDns);
  for (const [i, address] of PEER_ADDRESSES.entries())
    if (i % 2 === 0) serveUdp(address, peerPort(i), (message) => message);
}
