import assert from 'node:assert/strict';
import { FLOW_DIRECTION_UNKNOWN, FLOW_EGRESS, FLOW_INGRESS, InterfaceCounters } from '../../../probes/flow.ts';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../../../probes/probe.ts';
import { DESTINATION, SOURCE } from '../../support/flowCells.ts';
import {
  type CountedInterface,
  counterSample,
  flowSample,
  interfaceCounters,
  rawHeader,
  sampledPacket,
  type SflowHeader,
  sflowMessage,
  uint,
  xdrRecord,
} from '../../support/flowMessages.ts';
import { DecoderBed, EXPORTER } from '../../support/flowRecords.ts';
import { frame } from '../../support/frames.ts';

const AGENT: SflowHeader = { agent: uint(SOURCE, 4) };
const FRAME = frame({ source: '192.0.2.1', destination: '198.51.100.9', payload: 5 });
const PACKET = {
  length: 1500,
  protocol: 6,
  source: uint(SOURCE, 4),
  destination: uint(DESTINATION, 4),
  sourcePort: 443,
  destinationPort: 5060,
  flags: 0x12,
};
const COUNTED: CountedInterface = {
  index: 17,
  speed: 10_000_000_000n,
  inOctets: 2n ** 40n + 5n,
  inbound: [100, 20, 3, 7, 1],
  outOctets: 9n,
  outbound: [200, 2 ** 32 - 1, 1, 0, 2 ** 32 - 1],
};
const NOT_KNOWN = 2n ** 64n - 1n;

describe('FlowDecoder on sFlow', () => {
  for (const isExpanded of [false, true]) {
    const title = isExpanded ? 'an expanded flow sample' : 'a flow sample';
    it(`hands the sampled header of ${title} over, as long as it was on the wire`, () => {
      const bed = new DecoderBed();
      const sample = flowSample({ rate: 512, isExpanded }, xdrRecord(1001, Buffer.alloc(16)), rawHeader(FRAME, 1518));
      assert.deepEqual(bed.feed(sflowMessage(AGENT, sample)), [null]);
      assert.deepEqual(bed.kept.frames, [
        { bytes: FRAME, wireLength: 1514, linkType: LINKTYPE_ETHERNET, samplingInterval: 512 },
      ]);
    });

    it(`reads a sampled IP packet of ${title}, its direction by the interface that samples`, () => {
      const bed = new DecoderBed();
      const sources = [1, 2, 9].map((source) =>
        flowSample({ rate: 100, source, input: 1, output: 2, isExpanded }, sampledPacket(PACKET)),
      );
      assert.deepEqual(bed.feed(sflowMessage(AGENT, ...sources)), [null]);
      assert.deepEqual(
        bed.records.map(({ flowDirection }) => flowDirection),
        [FLOW_INGRESS, FLOW_EGRESS, FLOW_DIRECTION_UNKNOWN],
      );
      const [record] = bed.records;
      assert.deepEqual(
        [record?.sourceIPv4Address, record?.destinationIPv4Address, record?.protocolIdentifier],
        [SOURCE | 0, DESTINATION | 0, 6],
      );
      assert.deepEqual(
        [record?.sourceTransportPort, record?.destinationTransportPort, record?.tcpControlBits],
        [443, 5060, 0x12],
      );
      assert.deepEqual(
        [record?.octetDeltaCount, record?.packetDeltaCount, record?.samplingInterval, record?.flowEndMilliseconds],
        [1500, 1, 100, bed.nowMs],
      );
    });

    it(`tells no direction of ${title} by a source that is no interface, or by one that is not known`, () => {
      const bed = new DecoderBed();
      const samples = [
        { sourceClass: 1, source: 1 },
        { sourceClass: 2, source: 2 },
        { source: 0, input: 0 },
      ].map((one) => flowSample({ rate: 100, input: 1, output: 2, isExpanded, ...one }, sampledPacket(PACKET)));
      assert.deepEqual(bed.feed(sflowMessage(AGENT, ...samples)), [null]);
      assert.deepEqual(
        bed.records.map(({ flowDirection }) => flowDirection),
        samples.map(() => FLOW_DIRECTION_UNKNOWN),
      );
    });

    it(`reads an interface's counters of ${isExpanded ? 'an expanded' : 'a'} counter sample, all bits set not known`, () => {
      const bed = new DecoderBed();
      const samples = [
        counterSample(isExpanded, xdrRecord(2, Buffer.alloc(52)), interfaceCounters(COUNTED)),
        counterSample(isExpanded, interfaceCounters({ ...COUNTED, speed: NOT_KNOWN, outOctets: NOT_KNOWN })),
      ];
      assert.deepEqual(bed.feed(sflowMessage(AGENT, ...samples)), [null]);
      const expected = {
        ifIndex: 17,
        ifSpeed: 1e10,
        ifInOctets: 2 ** 40 + 5,
        ifInPackets: 123,
        ifInDiscards: 7,
        ifInErrors: 1,
        ifOutOctets: 9,
        ifOutPackets: 201,
        ifOutDiscards: 0,
        ifOutErrors: -1,
      };
      assert.deepEqual(bed.kept.interfaces, [
        Object.assign(new InterfaceCounters(), expected),
        Object.assign(new InterfaceCounters(), expected, { ifSpeed: -1, ifOutOctets: -1 }),
      ]);
    });
  }

  it('reads sampled IPv6 packets, and headers of bare IP; those of other links are none of ours', () => {
    const bed = new DecoderBed();
    const [source, destination] = [uint(1n << 126n, 16), uint(2n, 16)];
    const packet = { ...PACKET, source, destination, protocol: 58 };
    const records = [sampledPacket(packet), rawHeader(FRAME.subarray(14), 60, 4, 11), rawHeader(FRAME, 60, 4, 5)];
    bed.feed(sflowMessage(AGENT, ...records.map((record) => flowSample({ rate: 2 }, record))));
    const [record] = bed.records;
    assert.deepEqual(
      [record?.ipVersion, record?.sourceIPv6Address[0], record?.destinationIPv6Address[3]],
      [6, 2 ** 30, 2],
    );
    assert.equal(record?.sourceTransportPort, -1);
    assert.deepEqual(
      bed.kept.frames.map(({ linkType }) => linkType),
      [LINKTYPE_RAW, 0xffff],
    );
  });

  it('takes the header where both it and the packet are told, and of no rate says that it is not known', () => {
    const bed = new DecoderBed();
    bed.feed(sflowMessage(AGENT, flowSample({ rate: 0 }, sampledPacket(PACKET), rawHeader(FRAME, 60))));
    assert.deepEqual([bed.records.length, bed.kept.frames.map(({ samplingInterval }) => samplingInterval)], [0, [0]]);
  });

  it('counts messages that never came, by agent and sub-agent', () => {
    const bed = new DecoderBed();
    const agents: SflowHeader[] = [AGENT, { agent: uint(7, 16), subAgent: 1 }, { agent: uint(7, 16), subAgent: 2 }];
    for (let sequence = 1; sequence <= 40; sequence++) {
      agents.forEach((agent, i) => bed.feed(sflowMessage({ ...agent, sequence: sequence + (sequence > 10 ? i : 0) })));
    }
    assert.deepEqual([bed.statistics?.lostMessages, bed.statistics?.lostRecords], [3, null]);
  });

  it('says what is wrong with a message, hands nothing over of a sample that lies, and passes over what it does not know', () => {
    const good = flowSample({ rate: 2 }, rawHeader(FRAME, 60));
    const lying = flowSample({ rate: 2 }, rawHeader(FRAME, 60), xdrRecord(1, Buffer.alloc(12)));
    const counters = interfaceCounters(COUNTED);
    const CASES: readonly (readonly [string | null, Buffer, number])[] = [
      [null, sflowMessage(AGENT, xdrRecord(4096 + 1, Buffer.alloc(40)), good), 1],
      ['sampleLength', sflowMessage(AGENT, good, lying), 1],
      ['sampleLength', sflowMessage(AGENT, good, xdrRecord(1, Buffer.alloc(28))), 1],
      ['sampleLength', sflowMessage(AGENT, good, xdrRecord(2, Buffer.alloc(8))), 1],
      ['sampleLength', sflowMessage(AGENT, good, counterSample(false, counters.subarray(0, 60))), 1],
      ['sampleLength', sflowMessage(AGENT, good, counterSample(false, counters, xdrRecord(1, Buffer.alloc(84)))), 1],
      ['sampleTruncated', sflowMessage(AGENT, good, good).subarray(0, -4), 1],
      ['messageTruncated', sflowMessage({ ...AGENT, count: 2 }, good), 1],
      ['tooManySamples', sflowMessage(AGENT, ...Array.from({ length: 5000 }, () => xdrRecord(9, Buffer.alloc(0)))), 0],
      ['addressType', sflowMessage({ agent: uint(1, 16) }, good).fill(3, 4, 8), 0],
      ['headerTruncated', sflowMessage(AGENT).subarray(0, 24), 0],
    ];
    for (const [problem, bytes, frames] of CASES) {
      const bed = new DecoderBed();
      assert.deepEqual([...bed.feed(bytes), bed.kept.frames.length, bed.kept.interfaces.length], [problem, frames, 0]);
    }
    assert.equal(new DecoderBed().feedFrom(EXPORTER, 0, uint(6, 4)), 'versionUnknown');
  });
});
