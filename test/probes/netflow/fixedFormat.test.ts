import assert from 'node:assert/strict';
import { FLOW_DIRECTION_UNKNOWN, FlowRecord } from '../../../probes/flow.ts';
import { DESTINATION, FIXED, HEADER, NOW, SOURCE } from '../../support/flowCells.ts';
import { fixedMessage } from '../../support/flowMessages.ts';
import { DecoderBed } from '../../support/flowRecords.ts';

const ofEngine = (engine: number, sequence: number) => fixedMessage(5, { ...HEADER, engine, sequence }, FIXED);

describe('FlowDecoder on NetFlow v1, v5 and v7', () => {
  for (const version of [1, 5, 7] as const) {
    it(`reads every field of v${version}, times resolved`, () => {
      const bed = new DecoderBed();
      assert.deepEqual(bed.feed(fixedMessage(version, HEADER, FIXED, { ...FIXED, packets: 1 })), [null]);
      assert.equal(bed.records.length, 2);
      assert.deepEqual(
        bed.records[0],
        Object.assign(new FlowRecord(), {
          ipVersion: 4,
          protocolIdentifier: 6,
          sourceIPv4Address: SOURCE | 0,
          destinationIPv4Address: DESTINATION | 0,
          sourceTransportPort: 5060,
          destinationTransportPort: 5062,
          tcpControlBits: 0x1b,
          octetDeltaCount: 840,
          packetDeltaCount: 10,
          flowStartMilliseconds: NOW - 5000,
          flowEndMilliseconds: NOW - 1000,
          ingressInterface: 3,
          egressInterface: 4,
          flowDirection: FLOW_DIRECTION_UNKNOWN,
          samplingInterval: version === 5 ? 1 : 0,
        }),
      );
    });
  }

  it('takes the low 14 bits of the sampling field: the mode stands above them', () => {
    const bed = new DecoderBed();
    bed.feed(...[0x4064, 0x8001, 0xc000, 0x3fff].map((sampling) => fixedMessage(5, { ...HEADER, sampling }, FIXED)));
    assert.deepEqual(
      bed.records.map(({ samplingInterval }) => samplingInterval),
      [100, 1, 1, 0x3fff],
    );
  });

  it('resolves times over the turn of the uptime after 49.7 days', () => {
    const bed = new DecoderBed();
    bed.feed(fixedMessage(5, { ...HEADER, uptimeMs: 1000 }, { ...FIXED, first: 2 ** 32 - 4000, last: 500 }));
    const [record] = bed.records;
    assert.deepEqual([record?.flowStartMilliseconds, record?.flowEndMilliseconds], [NOW - 5000, NOW - 500]);
  });

  it('reads as many records as the header tells of; of one that tells of more than there are nothing is right', () => {
    const bed = new DecoderBed();
    const two = [FIXED, FIXED];
    assert.deepEqual(
      bed.feed(fixedMessage(5, { ...HEADER, count: 1 }, ...two), fixedMessage(5, { ...HEADER, count: 3 }, ...two)),
      [null, 'messageTruncated'],
    );
    assert.equal(bed.records.length, 1);
  });

  it('counts records that never came by the sequence of each engine', () => {
    const bed = new DecoderBed();
    bed.feed(ofEngine(1, 10), ofEngine(2, 500), ofEngine(1, 11), ofEngine(2, 504));
    for (let i = 0; i < 20; i++) bed.feed(ofEngine(2, 505 + i));
    assert.deepEqual([bed.statistics?.lostRecords, bed.statistics?.lostMessages], [3, null]);
  });
});
