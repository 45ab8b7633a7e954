import assert from 'node:assert/strict';
import { FLOW_DIRECTION_UNKNOWN, FLOW_INGRESS } from '../../../probes/flow.ts';
import {
  ADDRESSES,
  bytesOf,
  type Cell,
  COUNTS,
  dataOf,
  decodeOne,
  DESTINATION,
  HEADER,
  ipfixOf,
  messageOf,
  NOW,
  optionsOf,
  PLAIN,
  scope,
  SOURCE,
  specOf,
  TEMPLATED,
  templateOf,
} from '../../support/flowCells.ts';
import {
  flowSet,
  template,
  templatedMessage,
  templateSet,
  uint,
  VARIABLE,
  variable,
  type FieldSpec,
} from '../../support/flowMessages.ts';
import { DecoderBed, EXPORTER } from '../../support/flowRecords.ts';

const REVERSE = 29_305;

const recordOf = (first: Buffer, second: Buffer): Buffer =>
  Buffer.concat([first, uint(SOURCE, 4), second, uint(DESTINATION, 4), uint(77, 4), uint(10, 4)]);

/** Both addresses of IPv6. */
const six = (source: Cell): Cell[] => [source, [28, 16, source[2]]];

const countsOf = (cells: readonly Cell[]): number[] => {
  const { octetDeltaCount, packetDeltaCount } = decodeOne('netflow9', [...ADDRESSES, ...cells]);
  return [octetDeltaCount, packetDeltaCount];
};

/** Each of its values is one of its own. */
const numberedCells = (i: number): readonly Cell[] => [
  [27, 16, (0x2001_0db8n << 96n) + BigInt(i)],
  [28, 16, 0x2001_0db8n << 96n],
  [1, 8, 2n ** 40n + BigInt(i)],
  [2, 3, 100_000 + i],
  [7, 2, 1000 + i],
  [4, 1, 17],
  [150, 4, NOW / 1000 - i],
  [10, 4, 2 ** 31 + i],
];

describe('FlowDecoder on NetFlow v9 and IPFIX', () => {
  for (const protocol of TEMPLATED) {
    it(`keeps the templates of ${protocol}'s domains and exporters apart`, () => {
      const bed = new DecoderBed();
      const swapped: readonly Cell[] = [[12, 4, DESTINATION], [8, 4, SOURCE], ...COUNTS];
      const message = (domain: number, ...sets: readonly Buffer[]) =>
        templatedMessage(protocol, { ...HEADER, domain }, ...sets);
      bed.feed(message(1, templateOf(protocol, PLAIN)), message(2, templateOf(protocol, swapped)));
      bed.feedFrom('192.0.2.2', 0, message(1, templateOf(protocol, swapped)));
      bed.feed(message(1, dataOf(PLAIN)), message(2, dataOf(swapped)));
      bed.feedFrom('192.0.2.2', 0, message(1, dataOf(swapped)));
      assert.deepEqual(
        bed.records.map(({ sourceIPv4Address }) => sourceIPv4Address >>> 0),
        [SOURCE, SOURCE, SOURCE],
      );
    });

    it(`counts sets of ${protocol} without a template, and takes a new template for the old`, () => {
      const bed = new DecoderBed();
      bed.feed(templatedMessage(protocol, HEADER, dataOf(PLAIN)));
      assert.deepEqual([bed.records.length, bed.statistics?.missingTemplates], [0, 1]);
      bed.feed(messageOf(protocol, PLAIN), messageOf(protocol, [...COUNTS, ...ADDRESSES]));
      assert.deepEqual(
        bed.records.map(({ octetDeltaCount }) => octetDeltaCount),
        [840, 840],
      );
      assert.equal(bed.statistics?.templates, 1);
    });

    it(`takes integers of ${protocol} in any number of octets, counters of 64 bits among them`, () => {
      for (const octets of [2, 3, 5, 6, 7, 8]) {
        const { octetDeltaCount } = decodeOne(protocol, [...ADDRESSES, [1, octets, 60_000]]);
        assert.equal(octetDeltaCount, 60_000, `${octets} octets`);
      }
      const { octetDeltaCount, packetDeltaCount } = decodeOne(protocol, [
        ...ADDRESSES,
        [1, 8, 2n ** 63n],
        [2, 8, 2n ** 53n - 1n],
      ]);
      assert.deepEqual([octetDeltaCount, packetDeltaCount], [Number.MAX_SAFE_INTEGER, 2 ** 53 - 1]);
      assert.equal(decodeOne(protocol, [...ADDRESSES, ...COUNTS, [7, 1, 53], [4, 1, 17]]).sourceTransportPort, 53);
    });

    it(`reads each of any number of records of ${protocol}, in their order`, () => {
      for (const count of [1, 31, 32, 33, 64, 65, 500]) {
        const bed = new DecoderBed();
        const data = Buffer.concat(Array.from({ length: count }, (_, i) => bytesOf(numberedCells(i))));
        bed.feed(templatedMessage(protocol, HEADER, templateOf(protocol, numberedCells(0)), flowSet(300, data)));
        assert.deepEqual(
          bed.records.map((record) => [
            record.sourceIPv6Address[3],
            record.octetDeltaCount,
            record.packetDeltaCount,
            record.sourceTransportPort,
            record.flowStartMilliseconds,
            record.ingressInterface,
          ]),
          Array.from({ length: count }, (_, i) => [i, 2 ** 40 + i, 100_000 + i, 1000 + i, NOW - i * 1000, 2 ** 31 + i]),
          `${count} records`,
        );
      }
    });

    it(`takes no padding of ${protocol} for records`, () => {
      const bed = new DecoderBed();
      const cells: readonly Cell[] = [...ADDRESSES, [2, 1, 3]];
      const set = (padding: number) => flowSet(300, Buffer.concat([bytesOf(cells), bytesOf(cells)]), padding);
      const template300 = templateOf(protocol, cells);
      assert.deepEqual(bed.feed(templatedMessage(protocol, HEADER, template300, set(2), set(0), set(7))), [null]);
      assert.equal(bed.records.length, 6);
    });

    it(`counts records of ${protocol} that name no addresses, without reading them`, () => {
      const bed = new DecoderBed();
      const cells: readonly Cell[] = [[8, 4, SOURCE], ...COUNTS];
      assert.deepEqual(bed.feed(messageOf(protocol, cells)), [null]);
      assert.deepEqual([bed.records.length, bed.statistics?.unaddressedRecords], [0, 1]);
    });

    it(`keeps the templates and sampling of ${protocol} over a restart, and takes no harm from what it restores`, () => {
      const [before, after, wrecked] = [new DecoderBed(), new DecoderBed(), new DecoderBed()];
      const cells: readonly Cell[] = [...ADDRESSES, ...COUNTS, [48, 1, 9]];
      const options: readonly Cell[] = [scope(protocol), [48, 1, 9], [50, 4, 512]];
      before.feed(
        templatedMessage(protocol, HEADER, templateOf(protocol, cells), ...optionsOf(protocol, 400, options)),
      );
      const saved = JSON.stringify(before.decoder.save());
      after.decoder.restore(JSON.parse(saved));
      after.feed(templatedMessage(protocol, HEADER, dataOf(cells)));
      assert.deepEqual(
        after.records.map(({ samplingInterval }) => samplingInterval),
        [512],
      );
      for (const broken of [null, 7, [null], [{ exporter: 7 }], [{ exporter: 'a', domains: [{ protocol, id: -1 }] }]])
        wrecked.decoder.restore(broken);
      wrecked.decoder.restore(JSON.parse(saved.replaceAll(/"definition":"[^"]*"/g, '"definition":"AAA="')));
      assert.equal(wrecked.decoder.statistics().get(EXPORTER)?.templates, 0);
    });

    it(`saves the same of ${protocol} when a template has merely been sent again`, () => {
      const bed = new DecoderBed();
      bed.feed(messageOf(protocol, [...ADDRESSES, ...COUNTS]));
      const before = JSON.stringify(bed.decoder.save());
      bed.nowMs += 60_000;
      bed.feed(messageOf(protocol, [...ADDRESSES, ...COUNTS]));
      assert.equal(JSON.stringify(bed.decoder.save()), before);
    });
  }

  it('reads values of variable length, in the short and the long form, of enterprises too', () => {
    const bed = new DecoderBed();
    const specs: FieldSpec[] = [
      { element: 82, octets: VARIABLE },
      { element: 8, octets: 4 },
      { element: 100, octets: VARIABLE, enterprise: 6871 },
      { element: 12, octets: 4 },
      { element: 1, octets: 4, enterprise: 9 },
      { element: 2, octets: 4 },
    ];
    const data = flowSet(
      300,
      Buffer.concat([
        recordOf(variable(Buffer.from('eth0')), variable(Buffer.alloc(0))),
        recordOf(variable(Buffer.alloc(0), true), variable(Buffer.alloc(700, 1))),
        recordOf(variable(Buffer.alloc(254)), variable(Buffer.alloc(255))),
      ]),
    );
    assert.deepEqual(bed.feed(templatedMessage('ipfix', HEADER, templateSet('ipfix', template(300, specs)), data)), [
      null,
    ]);
    assert.deepEqual(
      bed.records.map((each) => [each.destinationIPv4Address >>> 0, each.packetDeltaCount, each.octetDeltaCount]),
      Array.from({ length: 3 }, () => [DESTINATION, 10, 0]),
    );
    const cut = flowSet(300, recordOf(variable(Buffer.from('eth0')), uint(200, 1)), 0);
    assert.deepEqual(bed.feed(templatedMessage('ipfix', HEADER, cut)), ['recordTruncated']);
  });

  it('makes two records of two directions, ports and interfaces swapped; what is not told of the other is not known', () => {
    const bed = new DecoderBed();
    const cells: readonly Cell[] = [
      ...ADDRESSES,
      ...COUNTS,
      [1, 8, 5000, REVERSE],
      [2, 8, 6, REVERSE],
      [4, 1, 6],
      [7, 2, 5060],
      [11, 2, 5062],
      [6, 1, 2],
      [10, 4, 1],
      [14, 4, 2],
      [61, 1, FLOW_INGRESS],
    ];
    bed.feed(messageOf('ipfix', cells), messageOf('ipfix', [...cells, [6, 2, 0x5012, REVERSE]]));
    const [forward, back, , flagged] = bed.records;
    assert.deepEqual(
      [forward?.octetDeltaCount, forward?.flowDirection, forward?.tcpControlBits],
      [840, FLOW_INGRESS, 2],
    );
    assert.deepEqual(
      [
        back?.sourceIPv4Address,
        back?.destinationIPv4Address,
        back?.sourceTransportPort,
        back?.destinationTransportPort,
      ],
      [DESTINATION | 0, SOURCE | 0, 5062, 5060],
    );
    assert.deepEqual(
      [back?.octetDeltaCount, back?.packetDeltaCount, back?.ingressInterface, back?.egressInterface],
      [5000, 6, 2, 1],
    );
    assert.deepEqual(
      [back?.tcpControlBits, back?.flowDirection, flagged?.tcpControlBits],
      [-1, FLOW_DIRECTION_UNKNOWN, 0x12],
    );
    const silent = cells.map((cell) => (cell[3] === REVERSE ? ([cell[0], cell[1], 0, REVERSE] as const) : cell));
    bed.feed(messageOf('ipfix', silent));
    assert.equal(bed.records.length, 5);
  });

  it('takes the innermost header of a tunnel, and of an empty family the other', () => {
    const [zeros, inner] = [
      [27, 16, 0],
      [27, 16, 0xfd00n << 112n],
    ] as const;
    assert.equal(decodeOne('ipfix', [...six(inner), ...ADDRESSES, ...COUNTS]).ipVersion, 4);
    assert.equal(decodeOne('ipfix', [...ADDRESSES, ...six(inner), ...COUNTS]).ipVersion, 6);
    assert.equal(decodeOne('ipfix', [...six(zeros), ...ADDRESSES, ...COUNTS]).ipVersion, 4);
    assert.equal(decodeOne('ipfix', [...ADDRESSES, ...six(inner), ...COUNTS, [60, 1, 4]]).ipVersion, 4);
    assert.equal(decodeOne('ipfix', [...ADDRESSES, ...six(inner), ...COUNTS, [60, 1, 0]]).ipVersion, 6);
    const twice = decodeOne('ipfix', [[8, 4, 1], [12, 4, 2], [4, 1, 4], ...COUNTS, ...ADDRESSES, [4, 1, 17]]);
    assert.deepEqual([twice.sourceIPv4Address >>> 0, twice.protocolIdentifier], [SOURCE, 17]);
  });

  it('takes what left the exporter where nothing of it came in', () => {
    const post: readonly Cell[] = [
      [23, 4, 7000],
      [24, 4, 70],
    ];
    assert.deepEqual(countsOf([...COUNTS, ...post]), [840, 10]);
    assert.deepEqual(countsOf(post), [7000, 70]);
    assert.deepEqual(countsOf([[1, 4, 0], [2, 4, 0], ...post]), [7000, 70]);
    assert.deepEqual(countsOf([[23, 4, 3001]]), [3001, 3]);
  });

  it('has the ICMP type and code as the destination port, however they are told', () => {
    const told: readonly (readonly Cell[])[] = [
      [[32, 2, 0x0301]],
      [
        [176, 1, 3],
        [177, 1, 1],
      ],
      [
        [11, 2, 0x0301],
        [7, 2, 99],
      ],
    ];
    for (const cells of told) {
      const record = decodeOne('netflow9', [...ADDRESSES, ...COUNTS, [4, 1, 1], ...cells]);
      assert.deepEqual([record.sourceTransportPort, record.destinationTransportPort], [-1, 0x0301]);
    }
    const gre = decodeOne('netflow9', [...ADDRESSES, ...COUNTS, [4, 1, 47], [7, 2, 1], [11, 2, 2]]);
    assert.deepEqual([gre.sourceTransportPort, gre.destinationTransportPort], [-1, -1]);
  });

  it('numbers messages in NetFlow v9, and data records in IPFIX', () => {
    const [v9, ipfix] = [new DecoderBed(), new DecoderBed()];
    const cells = PLAIN;
    for (const [i, sequence] of [0, 1, 3, ...Array.from({ length: 20 }, (_, j) => 4 + j)].entries()) {
      v9.feed(messageOf('netflow9', cells, { sequence }));
      ipfix.feed(messageOf('ipfix', cells, { sequence: i < 2 ? i : i + 10 }));
    }
    assert.deepEqual([v9.statistics?.lostMessages, v9.statistics?.lostRecords], [1, null]);
    assert.deepEqual([ipfix.statistics?.lostMessages, ipfix.statistics?.lostRecords], [null, 10]);
  });

  it('says what is wrong with a message, and reads what it can of it', () => {
    const good = [templateOf('ipfix', PLAIN), dataOf(PLAIN)];
    const long = ipfixOf(...good);
    long.writeUInt16BE(long.length + 1, 2);
    const short = ipfixOf(...good);
    short.writeUInt16BE(15, 2);
    const CASES: readonly (readonly [string | null, Buffer, number])[] = [
      ['messageTruncated', long, 1],
      ['messageLength', short, 0],
      ['setLength', ipfixOf(...good, Buffer.from([1, 44, 0, 3])), 1],
      ['setLength', ipfixOf(...good, Buffer.from([1, 44, 0, 9])), 1],
      ['setReserved', ipfixOf(flowSet(255, Buffer.alloc(8)), ...good), 1],
      ['setReserved', ipfixOf(flowSet(0, template(300, PLAIN.map(specOf))), ...good), 1],
      ['templateId', ipfixOf(flowSet(2, template(255, PLAIN.map(specOf))), ...good), 1],
      ['templateSize', ipfixOf(flowSet(2, template(301, [{ element: 8, octets: 0 }])), ...good), 1],
      ['templateTruncated', ipfixOf(flowSet(2, Buffer.from([1, 45, 0, 9, 0, 8, 0, 4])), ...good), 1],
      [
        'tooManyFields',
        ipfixOf(
          flowSet(
            2,
            template(
              301,
              Array.from({ length: 513 }, () => ({ element: 8, octets: 1 })),
            ),
          ),
          ...good,
        ),
        1,
      ],
      ['tooManyRecords', ipfixOf(templateOf('ipfix', [[4, 1, 0]]), flowSet(300, Buffer.alloc(5000))), 0],
      [null, ipfixOf(...good, Buffer.from([1, 2, 3])), 1],
    ];
    for (const [problem, bytes, records] of CASES) {
      const bed = new DecoderBed();
      assert.deepEqual([...bed.feed(bytes), bed.records.length], [problem, records]);
    }
  });
});
