import assert from 'node:assert/strict';
import type { FlowRecord } from '../../../probes/flow.ts';
import { CollectorProbe } from '../../../probes/netflow/collectorProbe.ts';
import { FlowDecoder } from '../../../probes/netflow/flowDecoder.ts';
import { sendDatagrams } from '../../support/datagramSender.ts';
import {
  type Cell,
  dataOf,
  DESTINATION,
  FIXED,
  HEADER,
  messageOf,
  PLAIN,
  SOURCE,
  templateOf,
} from '../../support/flowCells.ts';
import {
  fixedMessage,
  optionsSet,
  optionsTemplate,
  template,
  templatedMessage,
  templateSet,
  uint,
} from '../../support/flowMessages.ts';
import { DecoderBed, FlowKeeper } from '../../support/flowRecords.ts';

const v5 = fixedMessage(5, HEADER, FIXED);
const v9 = (...sets: readonly Buffer[]): Buffer => templatedMessage('netflow9', HEADER, ...sets);
const ofDomain = (domain: number, ...sets: readonly Buffer[]): Buffer =>
  templatedMessage('netflow9', { ...HEADER, domain }, ...sets);
const SWAPPED: readonly Cell[] = [[12, 4, DESTINATION], [8, 4, SOURCE], ...PLAIN.slice(2)];
const flood = (message: number): Buffer =>
  v9(
    templateSet(
      'netflow9',
      ...Array.from({ length: 100 }, (_, i) => template(256 + message * 100 + i, [{ element: 8, octets: 4 }])),
    ),
  );

interface Killer {
  readonly title: string;
  readonly datagrams: readonly Buffer[];
  /** Why each of them cannot be read (to the end). */
  readonly problems: readonly (string | null)[];
  /** The flow records that come out of them all the same. */
  readonly records: number;
}

/** What one datagram, or a few, did to node-netflowv9 0.2.16: deaf, hung, out of memory, dead, or values that are wrong. */
const KILLERS: readonly Killer[] = [
  { title: 'nothing at all', datagrams: [Buffer.alloc(0)], problems: ['headerTruncated'], records: 0 },
  { title: '1 octet', datagrams: [Buffer.from([0])], problems: ['headerTruncated'], records: 0 },
  { title: '19 octets', datagrams: [v9().subarray(0, 19)], problems: ['headerTruncated'], records: 0 },
  {
    title: 'NetFlow v5 and an octet more',
    datagrams: [Buffer.concat([v5, Buffer.alloc(1)])],
    problems: [null],
    records: 1,
  },
  {
    title: 'NetFlow v5 that tells of more records than it has',
    datagrams: [fixedMessage(5, { ...HEADER, count: 30 }, FIXED)],
    problems: ['messageTruncated'],
    records: 0,
  },
  {
    title: 'NetFlow v5 that has more records than it tells of',
    datagrams: [fixedMessage(5, { ...HEADER, count: 5 }, ...Array.from({ length: 30 }, () => FIXED))],
    problems: [null],
    records: 5,
  },
  { title: 'NetFlow v1', datagrams: [fixedMessage(1, HEADER, FIXED)], problems: [null], records: 1 },
  { title: 'NetFlow v7', datagrams: [fixedMessage(7, HEADER, FIXED)], problems: [null], records: 1 },
  { title: 'a flowset of length 0', datagrams: [v9(Buffer.from([1, 44, 0, 0]))], problems: ['setLength'], records: 0 },
  {
    title: 'an options flowset of length 0',
    datagrams: [v9(Buffer.from([0, 1, 0, 0]))],
    problems: ['setLength'],
    records: 0,
  },
  {
    title: 'a template without fields, and its data',
    datagrams: [v9(templateSet('netflow9', template(300, []))), v9(dataOf(PLAIN))],
    problems: ['templateSize', null],
    records: 0,
  },
  {
    title: 'a template of fields of no octets, and its data',
    datagrams: [
      v9(
        templateSet(
          'netflow9',
          template(300, [
            { element: 8, octets: 0 },
            { element: 12, octets: 0 },
          ]),
        ),
      ),
      v9(dataOf(PLAIN)),
    ],
    problems: ['templateSize', null],
    records: 0,
  },
  {
    title: 'options of no octets, and their data',
    datagrams: [
      v9(
        optionsSet(
          'netflow9',
          optionsTemplate('netflow9', 300, 1, [
            { element: 1, octets: 0 },
            { element: 34, octets: 0 },
          ]),
        ),
      ),
      v9(dataOf(PLAIN)),
    ],
    problems: ['templateSize', null],
    records: 0,
  },
  {
    title: 'a flood of templates',
    datagrams: Array.from({ length: 20 }, (_, i) => flood(i)),
    problems: Array.from({ length: 20 }, () => null),
    records: 0,
  },
  {
    title: 'data before its template',
    datagrams: [v9(dataOf(PLAIN)), messageOf('netflow9', PLAIN)],
    problems: [null, null],
    records: 1,
  },
  {
    title: 'two domains whose templates have one id',
    datagrams: [
      ofDomain(1, templateOf('netflow9', PLAIN)),
      ofDomain(2, templateOf('netflow9', SWAPPED)),
      ofDomain(1, dataOf(PLAIN)),
      ofDomain(2, dataOf(SWAPPED)),
    ],
    problems: [null, null, null, null],
    records: 2,
  },
  {
    title: 'counters of 7 octets',
    datagrams: [messageOf('netflow9', [...PLAIN.slice(0, 2), [1, 7, 840], [2, 7, 10]])],
    problems: [null],
    records: 1,
  },
  {
    title: 'a record of an octet, whose padding looks like three more',
    datagrams: [messageOf('netflow9', [[4, 1, 6]])],
    problems: [null],
    records: 0,
  },
  {
    title: 'an IPv4 address of 5 octets',
    datagrams: [
      messageOf('netflow9', [
        [8, 5, SOURCE],
        [12, 4, DESTINATION],
      ]),
    ],
    problems: [null],
    records: 0,
  },
  {
    title: 'a version that there is not',
    datagrams: [uint(0x0006_0000, 4), uint(6, 4), Buffer.alloc(1500, 0xff)],
    problems: ['versionUnknown', 'versionUnknown', 'versionUnknown'],
    records: 0,
  },
];

/** Of the records that are told of: always the same flow. */
function assertRight(records: readonly FlowRecord[]): void {
  for (const { sourceIPv4Address, destinationIPv4Address, octetDeltaCount, packetDeltaCount } of records) {
    assert.deepEqual([sourceIPv4Address >>> 0, destinationIPv4Address >>> 0], [SOURCE, DESTINATION]);
    assert.deepEqual([octetDeltaCount, packetDeltaCount], [840, 10]);
  }
}

describe('datagrams that kill other collectors', () => {
  for (const { title, datagrams, problems, records } of KILLERS) {
    it(`do the decoder no harm: ${title}`, () => {
      const bed = new DecoderBed();
      assert.deepEqual(bed.feed(...datagrams), problems);
      assert.equal(bed.records.length, records);
      assert.deepEqual(bed.feed(messageOf('netflow9', PLAIN, { domain: 99 }), v5), [null, null]);
      assertRight(bed.records);
    });
  }

  it('do the collector no harm that has them from its socket: each is counted, and the next one is decoded', () => {
    const kept = new FlowKeeper();
    const decoder = new FlowDecoder(kept);
    const probe = new CollectorProbe({
      udp: [{ words: [0, 0, 0xffff, 0x7f00_0001], port: 0, text: '127.0.0.1:0' }],
      tcp: [],
      receiveBufferBytes: 1 << 20,
      admit: () => '127.0.0.1',
      decoder,
      openMessage: () => undefined,
      now: Date.now,
    });
    try {
      let expected = 0;
      for (const { title, datagrams, records } of KILLERS) {
        const before = kept.records.length;
        sendDatagrams({ port: probe.ports[0] ?? 0, datagrams: [...datagrams, v5] });
        expected += datagrams.length + 1;
        for (let round = 0; round < 200 && probe.statistics().messages < expected; round++) probe.poll(20);
        assert.equal(probe.statistics().messages, expected, title);
        assert.equal(kept.records.length - before, records + 1, title);
      }
      assertRight(kept.records);
      const malformed = KILLERS.flatMap(({ problems }) => problems).filter((problem) => problem !== null);
      const counted = probe.statistics().exporters[0]?.malformed ?? new Map<string, number>();
      assert.deepEqual(
        Object.fromEntries(
          [...Map.groupBy(malformed, (problem) => problem)].map(([problem, all]) => [problem, all.length]),
        ),
        Object.fromEntries(counted),
      );
    } finally {
      probe.close();
    }
  });
});
