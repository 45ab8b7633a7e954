import assert from 'node:assert/strict';
import { PACKET_KINDS, type PacketKind } from '../../daemon/metering/decodeResult.ts';
import { kindOfFlow, showsHandshake } from '../../daemon/metering/flowKind.ts';
import { TCP_FLAGS } from '../support/frames.ts';

const { fin, syn, rst, psh, ack } = TCP_FLAGS;

const CASES: readonly (readonly [what: string, flags: number, packets: number, kind: PacketKind])[] = [
  ['one SYN', syn, 1, 'tcpSyn'],
  ['a SYN and its retransmissions', syn, 4, 'tcpSyn'],
  ['a half-open probe: SYN, then RST', syn | rst, 2, 'tcpSyn'],
  ['SYN-ACKs', syn | ack, 3, 'tcpSynAck'],
  ['a whole connection', syn | ack | psh | fin, 12, 'tcpAck'],
  ['a whole connection without data', syn | ack | fin, 4, 'tcpAck'],
  ['a connection that is reset', syn | ack | rst, 5, 'tcpAck'],
  ['the middle of a connection', ack | psh, 100, 'tcpAck'],
  ['the end of a connection that carried data', ack | psh | fin, 100, 'tcpAck'],
  ['FIN-ACKs alone', ack | fin, 100, 'tcpFin'],
  ['RSTs alone', rst, 100, 'tcpRst'],
  ['one packet with everything set', syn | fin | ack | psh, 1, 'tcpOdd'],
  ['no flag at all', 0, 100, 'tcpOdd'],
  ['flags that are not known', -1, 100, 'tcpAck'],
];

describe('kindOfFlow()', () => {
  for (const [what, flags, packets, kind] of CASES)
    it(`counts ${what} as ${kind}`, () => assert.equal(PACKET_KINDS[kindOfFlow(6, flags, packets)], kind));

  it('takes other protocols by their number', () => {
    const kinds = [17, 1, 58, 47, 0].map((protocol) => PACKET_KINDS[kindOfFlow(protocol, -1, 2)]);
    assert.deepEqual(kinds, ['udp', 'icmp', 'icmp', 'other', 'other']);
  });
});

describe('showsHandshake()', () => {
  it('is true where SYN and ACK came together, or one after the other', () => {
    assert.deepEqual([syn, ack, syn | ack, syn | ack | fin].map(showsHandshake), [false, false, true, true]);
  });
});
