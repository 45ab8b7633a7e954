import assert from 'node:assert/strict';
import { meterSamples } from '../../daemon/metering/sampleMeter.ts';
import type { SamplerState } from '../../daemon/metering/sampler.ts';
import { sampleShape, Window } from '../../daemon/metering/window.ts';
import { hostStatus, workloadStatuses } from '../../daemon/status/hostStatus.ts';
import { renderHost, renderWorkloads } from '../../daemon/status/renderHost.ts';
import type { Sample, Workload } from '../../probes/sample.ts';
import { absent, NO_PRESSURE, testSample, testWorkload } from '../support/samples.ts';
import { testTenant } from '../support/snapshot.ts';

const EVERY_MS = 5000;
const IDS = ['acme', 'globex'];
const WORKLOADS: readonly { tenant: string; workload: Workload }[] = [
  { tenant: 'acme', workload: { container: 'acme-pbx' } },
  { tenant: 'globex', workload: { unit: 'globex.service' } },
];

const BEFORE = testSample(1_000_000, [testWorkload('acme'), absent('globex')]);
const AFTER = testSample(
  1_005_000,
  [
    testWorkload('acme', {
      cpuSeconds: 107.5,
      cpuLimitCores: 2,
      memoryBytes: 900e6,
      workingSetBytes: 800e6,
      memoryLimitBytes: 1e9,
      oomKills: 1,
      pressure: { ...NO_PRESSURE, cpuSomeSeconds: 2, memorySomeSeconds: 0.5 },
    }),
    absent('globex'),
  ],
  { cpuBusySeconds: 1015, load1: 3.5, pressure: { ...NO_PRESSURE, cpuSomeSeconds: 1 } },
);

/** After two rounds. */
function stateOf(before: Sample, after: Sample): SamplerState {
  const window = new Window(sampleShape(IDS.length));
  meterSamples(window, before, after, new Map(IDS.map((id, i) => [id, i + 1])));
  return { sample: after, window, rounds: 2, failedRounds: 0, failure: null };
}

const STATE = stateOf(BEFORE, AFTER);
const NOTHING: SamplerState = { sample: null, window: null, rounds: 0, failedRounds: 0, failure: null };
const at = (state: SamplerState, nowMs: number) => ({
  host: hostStatus({ everyMs: EVERY_MS, state }, nowMs),
  workloads: workloadStatuses(WORKLOADS, { everyMs: EVERY_MS, state }, IDS, nowMs),
});

describe('hostStatus and workloadStatuses', () => {
  it('tell what happened between the last two samples, and how things are', () => {
    const { host, workloads } = at(STATE, AFTER.atMs);
    assert.deepEqual([host.cpuCores, host.cores, host.waits], [3, 4, { cpu: 0.2, memory: 0 }]);
    const { name, state, cpuCores, cpuLimitCores, oomKills, waits } = workloads.get('acme') ?? assert.fail();
    assert.deepEqual(
      [name, state, cpuCores, cpuLimitCores, oomKills, waits],
      ['container acme-pbx', 'running', 1.5, 2, 1, { cpu: 0.4, memory: 0.1 }],
    );
  });

  const unknown: [string, SamplerState, number, string][] = [
    ['nothing was sampled', NOTHING, AFTER.atMs, 'unknown'],
    ['the last sample is old', STATE, AFTER.atMs + 60_000, 'unknown'],
    ['a workload is not there', STATE, AFTER.atMs, 'absent'],
  ];
  for (const [title, state, nowMs, expected] of unknown) {
    it(`know nothing, not zero, where ${title}`, () => {
      const { name, state: told, waits, ...rest } = at(state, nowMs).workloads.get('globex') ?? assert.fail();
      assert.deepEqual([name, told, waits], ['unit globex.service', expected, { cpu: null, memory: null }]);
      for (const [key, value] of Object.entries(rest)) assert.equal(value, null, key);
    });
  }

  it('are shown as text, what is unknown as such', () => {
    const lines = ({ host, workloads }: ReturnType<typeof at>): string[] => [
      ...renderHost(host),
      ...renderWorkloads(IDS.map((id) => testTenant({ id, workload: workloads.get(id) ?? null }))),
    ];
    assert.deepEqual(lines(at(STATE, AFTER.atMs)), [
      '3 cores busy of 4, load 3.5, 8 GB available of 16 GB, swap used 0 B, waiting for CPU 20 %, for memory 0 % of the time',
      'tenant  workload             state          CPU    quota  memory  working set  limit  OOM kills  waiting',
      'acme    container acme-pbx   running  1.5 cores  2 cores  900 MB       800 MB   1 GB          1     40 %',
      'globex  unit globex.service  absent           ?        -       ?            ?      -          ?        ?',
    ]);
    const cutShort = { ...AFTER, isSearchCutShort: true };
    const failing = { ...stateOf(BEFORE, cutShort), failedRounds: 1, failure: 'no answer within 10 s' };
    assert.deepEqual(renderHost(at(failing, AFTER.atMs).host).slice(1), [
      'FAILING: Cannot sample CPU and memory: no answer within 10 s',
      'More cgroups than are searched: name absent workloads by cgroup.',
    ]);
  });
});
