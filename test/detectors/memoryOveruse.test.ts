import assert from 'node:assert/strict';
import { memoryOveruse } from '../../daemon/detectors/memoryOveruse.ts';
import type { HostUse } from '../support/sampleWindow.ts';
import { create, last, passed, type Rounds, roundsIn, told } from './overuse.ts';

const SCARCE: HostUse = { availableShare: 0.05 };
const PRESSED: HostUse = { memoryWait: 0.2 };

describe('memoryOveruse', () => {
  it('names a tenant that holds half of the memory for half an hour', () => {
    const eating = { count: roundsIn(30), acme: { memoryBytes: 9e9 } };
    assert.deepEqual(last(create(memoryOveruse), eating).map(told), [
      'warning memoryOveruse acme 9000000000 of 8000000000',
    ]);
  });

  for (const [why, host] of Object.entries({ 'is scarce': SCARCE, 'is waited for': PRESSED })) {
    it(`names one that holds a quarter of it for 90 s while memory ${why}, as critical`, () => {
      const eating = { count: roundsIn(1.5), acme: { memoryBytes: 5e9, memoryLimitBytes: 6e9 }, host };
      assert.deepEqual(last(create(memoryOveruse), eating).map(told), [
        'critical memoryOveruse acme 5000000000 of 4000000000',
      ]);
    });
  }

  it('names one whose processes are killed three times in half an hour', () => {
    const detector = create(memoryOveruse);
    const killed = { count: 1, acme: { oomKills: 1, memoryBytes: 1e9, memoryLimitBytes: 1e9 } };
    const calm = { count: roundsIn(9) };
    const rounds = passed(detector, killed, calm, killed, calm, killed, { count: roundsIn(30) });
    const first = rounds.findIndex((findings) => findings.length > 0);
    assert.equal(first, 2 * roundsIn(9) + 2);
    assert.deepEqual(rounds[first]?.map(told), ['warning oomKills acme 3 of 3']);
    // The first of them was half an hour ago.
    assert.equal(
      rounds.findLastIndex((findings) => findings.length > 0),
      roundsIn(30) - 1,
    );
  });

  it('is critical of kills while the host suffers', () => {
    assert.equal(
      last(create(memoryOveruse), { count: 1, acme: { oomKills: 4 }, host: PRESSED })[0]?.severity,
      'critical',
    );
  });

  it('tells who else waits for memory', () => {
    const [finding] = last(create(memoryOveruse), {
      count: roundsIn(1.5),
      acme: { memoryBytes: 5e9 },
      globex: { memoryWait: 0.15 },
      host: PRESSED,
    });
    assert(finding?.evidence.tier === 'sample');
    assert.deepEqual(finding.evidence.waiting, [{ tenant: 'globex', share: 0.15 }]);
  });

  it('goes by all of its memory where the working set is not known', () => {
    const eating = { count: roundsIn(30), acme: { memoryBytes: null, allMemoryBytes: 9e9 } };
    assert.equal(last(create(memoryOveruse), eating)[0]?.value, 9e9);
  });

  const silent: [string, ...Rounds[]][] = [
    [
      'a backup that reads the whole disk into the page cache',
      { count: roundsIn(60), acme: { memoryBytes: 1e9 }, host: { availableShare: 0.5 } },
    ],
    [
      'a tenant within its limit that nobody suffers from',
      { count: roundsIn(120), acme: { memoryBytes: 9e9, memoryLimitBytes: 10e9 } },
    ],
    [
      'a minute of half of the memory, while it is scarce',
      { count: roundsIn(1), acme: { memoryBytes: 9e9 }, host: SCARCE },
      { count: roundsIn(5) },
    ],
    ['a small tenant on a host that suffers', { count: roundsIn(60), acme: { memoryBytes: 3e9 }, host: PRESSED }],
    ['one kill', { count: 1, acme: { oomKills: 2 } }, { count: roundsIn(60) }],
    [
      'a host of which nothing is known',
      { count: roundsIn(20), acme: { memoryBytes: 9e9 }, host: { availableShare: null, memoryWait: null } },
    ],
  ];
  for (const [title, ...parts] of silent) {
    it(`is silent on ${title}`, () => assert.deepEqual(passed(create(memoryOveruse), ...parts).flat(), []));
  }

  it('takes a limit that is no less than all memory for none', () => {
    const eating = { count: roundsIn(30), acme: { memoryBytes: 9e9, memoryLimitBytes: 16e9 } };
    assert.equal(last(create(memoryOveruse), eating).length, 1);
  });

  it('takes up both memories after a restart, of those tenants that are still there', () => {
    const before = create(memoryOveruse);
    passed(before, { count: 17, acme: { memoryBytes: 5e9, oomKills: 1 }, host: SCARCE });
    const after = create(memoryOveruse);
    after.restore(before.save());
    assert.deepEqual(after.save(), before.save());
    const other = create(memoryOveruse);
    other.restore(JSON.parse(JSON.stringify(before.save()).replaceAll('acme', 'gone')));
    assert.deepEqual(other.save(), create(memoryOveruse).save());
  });
});
