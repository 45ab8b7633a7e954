import assert from 'node:assert/strict';
import type { HostSample, WorkloadSample } from '../../probes/sample.ts';
import { meterSamples } from '../../daemon/metering/sampleMeter.ts';
import { HOST_ROW, SAMPLE_COLUMNS } from '../../daemon/metering/sampleTable.ts';
import { sampleShape, Window } from '../../daemon/metering/window.ts';
import { absent, NO_PRESSURE, testSample, testWorkload } from '../support/samples.ts';

const NUMBERS = new Map([
  ['acme', 1],
  ['globex', 2],
]);

interface Round {
  readonly workloads?: readonly WorkloadSample[];
  readonly host?: Partial<HostSample>;
}

function metered(before: Round, after: Round): Window {
  const window = new Window(sampleShape(2));
  meterSamples(
    window,
    testSample(1_000_000, before.workloads, before.host),
    testSample(1_005_000, after.workloads, after.host),
    NUMBERS,
  );
  return window;
}

/** What is known of a row. */
const rowOf = ({ samples }: Window, row: number) =>
  Object.fromEntries(
    SAMPLE_COLUMNS.map(({ name }) => [name, samples.get(row, name)] as const).filter(
      ([, value]) => !Number.isNaN(value),
    ),
  );

const NOW = { cpuLimitCores: Infinity, memoryBytes: 500e6, workingSetBytes: 400e6, memoryLimitBytes: Infinity };
const NOTHING = { cpuSeconds: 0, throttledSeconds: 0, oomKills: 0, cpuWaitSeconds: 0, memoryWaitSeconds: 0 };

describe('meterSamples', () => {
  it('spans the time between the two', () => {
    const window = metered({}, {});
    assert.deepEqual([window.startMs, window.endMs, window.seconds, window.observed], [1e6, 1_005_000, 5, 'samples']);
  });

  it('takes what happened between them, and the later one for how it is', () => {
    const window = metered(
      { workloads: [testWorkload('acme')] },
      {
        workloads: [
          testWorkload('acme', {
            cpuSeconds: 112.5,
            cpuLimitCores: 3,
            throttledSeconds: 2,
            memoryBytes: 700e6,
            memoryLimitBytes: 1e9,
            oomKills: 1,
            pressure: { ...NO_PRESSURE, cpuSomeSeconds: 4 },
          }),
        ],
      },
    );
    assert.deepEqual(rowOf(window, 1), {
      cpuSeconds: 12.5,
      cpuLimitCores: 3,
      throttledSeconds: 2,
      memoryBytes: 700e6,
      workingSetBytes: 400e6,
      memoryLimitBytes: 1e9,
      oomKills: 1,
      cpuWaitSeconds: 4,
      memoryWaitSeconds: 0,
    });
    assert.deepEqual(rowOf(window, 2), {});
  });

  it('has the host in row 0', () => {
    const window = metered({}, { host: { cpuBusySeconds: 1015, pressure: { ...NO_PRESSURE, memorySomeSeconds: 1 } } });
    assert.deepEqual(rowOf(window, HOST_ROW), {
      cpuSeconds: 15,
      cpuLimitCores: 4,
      memoryBytes: 8e9,
      workingSetBytes: 8e9,
      memoryLimitBytes: 16e9,
      cpuWaitSeconds: 0,
      memoryWaitSeconds: 1,
      load1: 2,
    });
  });

  const begunAnew: [string, WorkloadSample][] = [
    ['was not there before', absent('acme')],
    ['has gone away and come back', testWorkload('acme', { incarnation: 7, cpuSeconds: 1 })],
  ];
  for (const [title, before] of begunAnew) {
    it(`knows how it is, but not what happened, of a workload that ${title}`, () => {
      const window = metered({ workloads: [before] }, { workloads: [testWorkload('acme')] });
      assert.deepEqual(rowOf(window, 1), NOW);
    });
  }

  it('does not know what a counter that has fallen counted', () => {
    const window = metered(
      { workloads: [testWorkload('acme', { cpuSeconds: 100.1, oomKills: 3 })] },
      { workloads: [testWorkload('acme')] },
    );
    const { cpuSeconds: _, oomKills: __, ...rest } = NOTHING;
    assert.deepEqual(rowOf(window, 1), { ...NOW, ...rest });
  });

  it('does not know anything of a workload that is gone, nor of a tenant that nobody has', () => {
    const window = metered(
      { workloads: [testWorkload('acme'), testWorkload('hooli')] },
      { workloads: [absent('acme'), testWorkload('hooli')] },
    );
    assert.deepEqual([rowOf(window, 1), rowOf(window, 2)], [{}, {}]);
  });

  it('leaves nothing of what the window had before', () => {
    const window = metered({ workloads: [testWorkload('acme')] }, { workloads: [testWorkload('acme')] });
    meterSamples(window, testSample(0), testSample(5000), NUMBERS);
    assert.deepEqual(rowOf(window, 1), {});
  });
});
