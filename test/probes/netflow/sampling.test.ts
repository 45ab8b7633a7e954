import assert from 'node:assert/strict';
import {
  type Cell,
  dataOf,
  HEADER,
  ipfixOf,
  messageOf,
  optionsOf,
  PLAIN,
  scope,
  TEMPLATED,
} from '../../support/flowCells.ts';
import { flowSet, optionsSet, optionsTemplate, templatedMessage } from '../../support/flowMessages.ts';
import { DecoderBed } from '../../support/flowRecords.ts';

const packetsOf = (taken: number, left: number): Cell[] => [
  [305, 4, taken],
  [306, 4, left],
];

/** An option: the sampler takes one packet in 1,000 and its own number. */
const tell = (sampler: number): Cell[] => [scope('ipfix'), [302, 4, sampler], [50, 4, 1000 + sampler]];

describe('samplingOf()', () => {
  const CASES: readonly (readonly [
    title: string,
    options: readonly Cell[],
    record: readonly Cell[],
    interval: number,
  ])[] = [
    ['by the record', [], [[34, 4, 100]], 100],
    ['by the record, whatever the options say', [[34, 4, 7]], [[34, 4, 100]], 100],
    ['by the domain', [[34, 4, 100]], [], 100],
    [
      'by the sampler',
      [
        [48, 1, 3],
        [50, 4, 512],
      ],
      [[48, 1, 3]],
      512,
    ],
    [
      'by the selector',
      [
        [302, 8, 3],
        [50, 4, 512],
      ],
      [[302, 8, 3]],
      512,
    ],
    [
      'of another sampler: not known',
      [
        [48, 1, 3],
        [50, 4, 512],
      ],
      [[48, 1, 4]],
      0,
    ],
    ['by packets taken and left out', packetsOf(1, 999), [], 1000],
    ['by packets taken and left out, of the record', [], packetsOf(2, 6), 4],
    [
      'by size and population',
      [
        [309, 4, 2],
        [310, 4, 200],
      ],
      [],
      100,
    ],
    ['nowhere: not known', [], [], 0],
    ['of no sense: not known', [[34, 4, 2 ** 31]], [], 0],
    ['of no sense beside one that makes sense', [], [[34, 4, 0], ...packetsOf(1, 9)], 10],
  ];
  for (const protocol of TEMPLATED) {
    for (const [title, options, record, interval] of CASES) {
      it(`of ${protocol} is told ${title}`, () => {
        const bed = new DecoderBed();
        if (options.length > 0)
          bed.feed(templatedMessage(protocol, HEADER, ...optionsOf(protocol, 400, [scope(protocol), ...options])));
        bed.feed(messageOf(protocol, [...PLAIN, ...record]));
        assert.deepEqual(
          bed.records.map(({ samplingInterval }) => samplingInterval),
          [interval],
        );
      });
    }

    it(`of ${protocol} is told by domain 0 for the others, which may know better`, () => {
      const bed = new DecoderBed();
      const options = (domain: number, interval: number) =>
        templatedMessage(
          protocol,
          { ...HEADER, domain },
          ...optionsOf(protocol, 400, [scope(protocol), [34, 4, interval]]),
        );
      bed.feed(options(0, 1000), options(8, 10));
      bed.feed(messageOf(protocol, PLAIN, { domain: 7 }), messageOf(protocol, PLAIN, { domain: 8 }));
      assert.deepEqual(
        bed.records.map(({ samplingInterval }) => samplingInterval),
        [1000, 10],
      );
    });
  }

  it('is kept of 1,024 samplers at most, those that were told of last', () => {
    const bed = new DecoderBed();
    bed.feed(ipfixOf(...optionsOf('ipfix', 400, tell(0))));
    for (let sampler = 1; sampler < 3000; sampler++)
      bed.feed(ipfixOf(dataOf(tell(sampler), 400), dataOf(tell(0), 400)));
    for (const sampler of [0, 1, 2999 - 500, 2999]) bed.feed(messageOf('ipfix', [...PLAIN, [302, 4, sampler]]));
    assert.deepEqual(
      bed.records.map(({ samplingInterval }) => samplingInterval),
      [1000, 0, 3499, 3999],
    );
  });

  it('is told by a probability', () => {
    const bed = new DecoderBed();
    const spec = optionsTemplate('ipfix', 400, 1, [
      { element: 149, octets: 4 },
      { element: 311, octets: 8 },
    ]);
    const value = Buffer.alloc(12);
    value.writeDoubleBE(0.01, 4);
    bed.feed(
      templatedMessage('ipfix', HEADER, optionsSet('ipfix', spec), flowSet(400, value)),
      messageOf('ipfix', PLAIN),
    );
    assert.deepEqual(
      bed.records.map(({ samplingInterval }) => samplingInterval),
      [100],
    );
  });
});
