import assert from 'node:assert/strict';
import { CollectorLog } from '../daemon/collectorLog.ts';
import type { CollectorReport, ExporterReport } from '../daemon/metering/collectorProtocol.ts';
import { testCollector, testExporter } from './support/collectorStatus.ts';

const REPORT = testCollector().collector.report ?? assert.fail('no report');
const [LISTENER] = REPORT.listeners;
const HOUR_MS = 3_600_000;

const logged = (): { collectorLog: CollectorLog; lines: string[] } => {
  const lines: string[] = [];
  const take = (_facts: object, message: string): void => void lines.push(message);
  const config = { receiveBufferBytes: 2 ** 24, activeTimeoutMs: 60_000 };
  return { collectorLog: new CollectorLog({ warn: take, error: take }, config), lines };
};

/** What a worker counts more of from second to second. */
type Trouble = (second: number) => Partial<CollectorReport>;

const ofExporter =
  (changes: (second: number) => Partial<ExporterReport>): Trouble =>
  (second) => ({ exporters: [testExporter({ octets: 200e6 * (second + 1), ...changes(second) })] });
const dropping: Trouble = (second) => ({ listeners: LISTENER ? [{ ...LISTENER, dropped: second + 1 }] : [] });
const lateBy = (share: number): Trouble => ofExporter((second) => ({ lateOctets: 200e6 * (second + 1) * share }));

describe('CollectorLog', () => {
  it('says nothing where all is well, nor of what is late now and then', () => {
    const { collectorLog, lines } = logged();
    for (let second = 0; second < 100; second++)
      collectorLog.observe({ ...REPORT, ...lateBy(0.009)(second) }, second * 1000);
    assert.deepEqual(lines, []);
  });

  for (const [title, trouble, everyMs, expected] of [
    [
      'datagrams that the kernel dropped',
      dropping,
      60_000,
      `losing datagrams on ${LISTENER?.address}: raise collector.receiveBuffer`,
    ],
    [
      'strangers',
      (second) => ({ strangers: second + 1, lastRefused: '192.0.2.99' }),
      60_000,
      'refusing flow records from 192.0.2.99: not among collector.exporters',
    ],
    [
      'exporters without a place',
      (second) => ({ crowdedOut: second + 1, lastRefused: '192.0.2.99' }),
      60_000,
      'refusing flow records from 192.0.2.99: too many exporters',
    ],
    [
      'records of times that are over',
      lateBy(0.02),
      60_000,
      'flow records of 192.0.2.1 come too late: its active timeout is longer than collector.activeTimeout (1m)',
    ],
    [
      'samples of nobody knows how many packets',
      ofExporter((second) => ({ unknownSamplingRecords: 100 * (second + 1) })),
      HOUR_MS,
      '192.0.2.1 does not say how it samples: set its sampling in collector.exporters (1: it looks at every packet)',
    ],
  ] as const satisfies readonly (readonly [string, Trouble, number, string])[]) {
    it(`tells of ${title}, at once and then every ${everyMs / 60_000} minutes`, () => {
      const { collectorLog, lines } = logged();
      for (let second = 0; second <= everyMs / 1000; second++)
        collectorLog.observe({ ...REPORT, ...trouble(second) }, second * 1000);
      assert.deepEqual(lines, [expected, expected]);
    });
  }

  it('tells of a worker that died, and counts from the start of the next', () => {
    const { collectorLog, lines } = logged();
    collectorLog.observe({ ...REPORT, ...dropping(10) }, 0);
    collectorLog.observeDeath('out of memory', 1000);
    collectorLog.observeDeath('out of memory', 2000);
    collectorLog.observe({ ...REPORT, ...dropping(0) }, 61_000);
    const losing = `losing datagrams on ${LISTENER?.address}: raise collector.receiveBuffer`;
    assert.deepEqual(lines, [losing, 'Cannot collect flow records: out of memory (starting it again)', losing]);
  });

  it('tells once of a receive buffer that is smaller than was asked for, with the command that mends it', () => {
    const { collectorLog, lines } = logged();
    const listeners = LISTENER ? [{ ...LISTENER, receiveBufferBytes: 212_992 }] : [];
    for (const nowMs of [0, 1000]) collectorLog.observe({ ...REPORT, listeners }, nowMs);
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /^the receive buffer of \S+ is 208kib instead of 16mib: .*net\.core\.rmem_max=16777216/,
    );
  });
});
