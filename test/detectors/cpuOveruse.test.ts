import assert from 'node:assert/strict';
import { cpuOveruse } from '../../daemon/detectors/cpuOveruse.ts';
import { buildSampleWindow, type HostUse } from '../support/sampleWindow.ts';
import { create, last, passed, ROUND_MS, type Rounds, roundsIn, told } from './overuse.ts';

const SUFFERS: HostUse = { busyShare: 0.95, cpuWait: 0.6, load1: 9 };

describe('cpuOveruse', () => {
  it('names a tenant that holds half of the processors for half an hour', () => {
    const burning = { count: roundsIn(30), acme: { cpuCores: 2.5 } };
    assert.deepEqual(last(create(cpuOveruse), burning).map(told), ['warning cpuOveruse acme 2.5 of 2']);
    assert.deepEqual(last(create(cpuOveruse), { ...burning, count: roundsIn(26) }), []);
  });

  it('names one that holds a quarter of them for 90 s while the others wait, as critical', () => {
    const burning = { count: roundsIn(1.5), acme: { cpuCores: 1.5 }, host: SUFFERS };
    assert.deepEqual(last(create(cpuOveruse), burning).map(told), ['critical cpuOveruse acme 1.5 of 1']);
  });

  it('names each of two that hold the host together', () => {
    const both = { count: roundsIn(2), acme: { cpuCores: 2 }, globex: { cpuCores: 2 }, host: SUFFERS };
    assert.deepEqual(
      last(create(cpuOveruse), both).map(({ tenant, severity }) => `${tenant} ${severity}`),
      ['acme critical', 'globex critical'],
    );
  });

  it('names it without a direction, with what it uses, what the host has and who waits', () => {
    const [finding] = last(create(cpuOveruse), {
      count: roundsIn(1.5),
      acme: { cpuCores: 3, cpuLimitCores: 3.5, throttled: 0.1, memoryBytes: 400e6, cpuWait: 0.5 },
      globex: { cpuCores: 0.5, cpuWait: 0.4, throttled: 0.1 },
      host: SUFFERS,
    });
    assert(finding !== undefined);
    assert.deepEqual(
      [finding.direction, finding.offender, finding.victim, finding.confidence],
      [null, 'acme', null, 0.95],
    );
    assert.deepEqual(finding.evidence, {
      tier: 'sample',
      cpuCores: 3,
      cpuLimitCores: 3.5,
      throttledShare: 0.1,
      memoryBytes: 600e6,
      workingSetBytes: 400e6,
      memoryLimitBytes: null,
      oomKills: 0,
      pressure: { cpu: 0.5, memory: 0 },
      host: {
        cores: 4,
        cpuCores: 3.8,
        load1: 9,
        memoryTotalBytes: 16e9,
        memoryAvailableBytes: 8e9,
        pressure: { cpu: 0.6, memory: 0 },
      },
      waiting: [{ tenant: 'globex', share: 0.3 }],
    });
  });

  const silent: [string, ...Rounds[]][] = [
    ['a nightly backup on one processor for an hour', { count: roundsIn(60), acme: { cpuCores: 1 } }],
    [
      'transcoding of voicemail on all processors for a minute, every ten minutes',
      ...Array.from({ length: 12 }, () => [
        { count: roundsIn(1), acme: { cpuCores: 4 }, host: SUFFERS },
        { count: roundsIn(9), acme: { cpuCores: 0.2 } },
      ]).flat(),
    ],
    [
      'a conference on half of the processors for 25 minutes',
      { count: roundsIn(25), acme: { cpuCores: 2.4 } },
      { count: roundsIn(60), acme: { cpuCores: 0.2 } },
    ],
    [
      'a tenant within its quota that nobody suffers from',
      { count: roundsIn(120), acme: { cpuCores: 3, cpuLimitCores: 3, throttled: 0.9 } },
    ],
    [
      'pressure that comes of a quota alone, beside idle processors',
      { count: roundsIn(60), acme: { cpuCores: 1.5, cpuLimitCores: 1.5 }, host: { busyShare: 0.4, cpuWait: 0.8 } },
    ],
    [
      'a small tenant on a host that suffers from something else',
      { count: roundsIn(120), acme: { cpuCores: 0.9 }, host: SUFFERS },
    ],
    ['a tenant of which nothing is known', { count: roundsIn(60), acme: null, host: SUFFERS }],
    [
      'a host of which nothing is known',
      { count: roundsIn(20), acme: { cpuCores: 4 }, host: { busyShare: null, load1: null, cpuWait: null } },
    ],
  ];
  for (const [title, ...parts] of silent) {
    it(`is silent on ${title}`, () => assert.deepEqual(passed(create(cpuOveruse), ...parts).flat(), []));
  }

  it('takes a quota of all processors for none', () => {
    const burning = { count: roundsIn(30), acme: { cpuCores: 4, cpuLimitCores: 4 } };
    assert.equal(last(create(cpuOveruse), burning).length, 1);
  });

  it('goes by the load where the kernel has no pressure, and is less sure of it', () => {
    const burning = { count: roundsIn(1.5), acme: { cpuCores: 3 } };
    const host = { busyShare: 0.95, cpuWait: null };
    assert.equal(last(create(cpuOveruse), { ...burning, host: { ...host, load1: 8 } })[0]?.confidence, 0.8);
    assert.deepEqual(last(create(cpuOveruse), { ...burning, host: { ...host, load1: 7.9 } }), []);
  });

  it('is not misled by a round of which it knows nothing', () => {
    const burning = { count: 8, acme: { cpuCores: 3 }, host: SUFFERS };
    assert.equal(last(create(cpuOveruse), burning, { count: 2, acme: null, host: SUFFERS }, burning).length, 1);
  });

  it('ends soon after the tenant does', () => {
    const rounds = passed(
      create(cpuOveruse),
      { count: roundsIn(10), acme: { cpuCores: 3 }, host: SUFFERS },
      { count: roundsIn(5) },
    );
    const endedMs = (rounds.findLastIndex((findings) => findings.length > 0) + 1 - roundsIn(10)) * ROUND_MS;
    assert(endedMs > 0 && endedMs <= 15_000, `${endedMs} ms`);
  });

  const explained: [string, Omit<Rounds, 'count'>, (string | number | null)[][]][] = [
    [
      'what is far from it',
      { acme: { cpuCores: 1 } },
      [
        [0, 'the host does not suffer'],
        [1, null],
      ],
    ],
    [
      'a burst',
      { acme: { cpuCores: 3 } },
      [
        [0, 'the host does not suffer'],
        [0, 'it uses 3 now, and has not held that for long'],
      ],
    ],
    [
      'a limit of its own',
      { acme: { cpuCores: 1, cpuLimitCores: 1 }, host: SUFFERS },
      [
        [0, 'it uses 1 now, and has not held that for long'],
        [0, 'it has a limit of its own'],
      ],
    ],
    [
      'what nobody knows',
      { acme: null },
      [
        [null, 'what its workload uses is not known'],
        [null, 'what its workload uses is not known'],
      ],
    ],
  ];
  for (const [title, { acme = {}, host = {} }, expected] of explained) {
    it(`explains ${title}`, () => {
      const detector = create(cpuOveruse);
      const window = buildSampleWindow({ startMs: 0, windowMs: ROUND_MS, tenants: [acme, {}], host });
      detector.observe(window);
      assert.deepEqual(
        detector.explain(window, 1).map(({ value, reason }) => [value, reason]),
        expected,
      );
    });
  }

  it('has its own options', () => {
    const detector = create(cpuOveruse, { share: 0.9, for: '10s', harmfulShare: 0.8, harmfulFor: '5s' });
    assert.deepEqual(last(detector, { count: 4, acme: { cpuCores: 3.5 } }), []);
    assert.equal(last(detector, { count: 4, acme: { cpuCores: 3.7 } })[0]?.severity, 'warning');
  });
});
