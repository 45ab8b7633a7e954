import assert from 'node:assert/strict';
import {
  type Cell,
  decodeOne,
  HEADER,
  messageOf,
  NOW,
  optionsOf,
  PLAIN,
  scope,
  UPTIME,
} from '../../support/flowCells.ts';
import { templatedMessage, type TemplatedProtocol } from '../../support/flowMessages.ts';
import { DecoderBed } from '../../support/flowRecords.ts';

const ntp = (timeMs: number): bigint => (BigInt(timeMs / 1000) + 2_208_988_800n) << 32n;

describe('FlowBuilder', () => {
  const [start, end] = [NOW - 9000, NOW - 2000];
  const uptimes: readonly Cell[] = [
    [22, 4, UPTIME - 9000],
    [21, 4, UPTIME - 2000],
  ];
  const turned: readonly Cell[] = [
    [22, 4, 2 ** 32 - 8000],
    [21, 4, 2 ** 32 - 1000],
  ];
  const overTurn: readonly Cell[] = [
    [22, 4, 2 ** 32 - 4000],
    [21, 4, 3000],
  ];
  const CASES: readonly (readonly [string, TemplatedProtocol, readonly Cell[], number, number, object?])[] = [
    [
      'in milliseconds',
      'ipfix',
      [
        [152, 8, start],
        [153, 8, end],
      ],
      start,
      end,
    ],
    [
      'in seconds',
      'ipfix',
      [
        [150, 4, start / 1000],
        [151, 4, end / 1000],
      ],
      start,
      end,
    ],
    [
      'in microseconds',
      'ipfix',
      [
        [154, 8, ntp(start)],
        [155, 8, ntp(end)],
      ],
      start,
      end,
    ],
    [
      'in nanoseconds',
      'ipfix',
      [
        [156, 8, ntp(start)],
        [157, 8, ntp(end)],
      ],
      start,
      end,
    ],
    [
      'before the export',
      'ipfix',
      [
        [158, 4, 9e6],
        [159, 4, 2e6],
      ],
      start,
      end,
    ],
    [
      'by a duration before the end',
      'ipfix',
      [
        [153, 8, end],
        [161, 4, 7000],
      ],
      start,
      end,
    ],
    [
      'by a duration of microseconds after the start',
      'ipfix',
      [
        [152, 8, start],
        [162, 4, 7e6],
      ],
      start,
      end,
    ],
    ['not at all: the export time', 'ipfix', [], NOW, NOW],
    ['by the uptime', 'netflow9', uptimes, start, end],
    ['by the uptime, which has turned since', 'netflow9', turned, NOW - 9000, NOW - 2000, { uptimeMs: 1000 }],
    ['by the uptime, which turned meanwhile', 'netflow9', overTurn, NOW - 9000, NOW - 2000, { uptimeMs: 5000 }],
    [
      'by the uptime, the end a hair before the start',
      'netflow9',
      [
        [22, 4, UPTIME],
        [21, 4, UPTIME - 3],
      ],
      NOW,
      NOW - 3,
    ],
    ['by the uptime and the start of the record', 'ipfix', [...uptimes, [160, 8, NOW - UPTIME]], start, end],
    ['by an uptime that has turned often', 'ipfix', [...uptimes, [160, 8, NOW - UPTIME - 5 * 2 ** 32]], start, end],
    ['by an uptime of no known start: it ended when it was exported', 'ipfix', uptimes, NOW - 7000, NOW],
  ];
  for (const [title, protocol, cells, startMs, endMs, options] of CASES) {
    it(`are told ${title}`, () => {
      const record = decodeOne(protocol, [...PLAIN, ...cells], options);
      assert.deepEqual([record.flowStartMilliseconds, record.flowEndMilliseconds], [startMs, endMs]);
    });
  }

  it('are told by the uptime and the start of the exporter, which an option tells', () => {
    const bed = new DecoderBed();
    const options = optionsOf('ipfix', 400, [scope('ipfix'), [160, 8, NOW - UPTIME]]);
    bed.feed(templatedMessage('ipfix', HEADER, ...options), messageOf('ipfix', [...PLAIN, ...uptimes]));
    const [record] = bed.records;
    assert.deepEqual([record?.flowStartMilliseconds, record?.flowEndMilliseconds], [start, end]);
  });
});
