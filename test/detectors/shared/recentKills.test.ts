import assert from 'node:assert/strict';
import { RecentKills } from '../../../daemon/detectors/shared/recentKills.ts';

describe('RecentKills', () => {
  it('counts over its span, and forgets the tenant after', () => {
    const kills = new RecentKills(60_000);
    assert.equal(kills.observe('acme', 0, 1), 1);
    assert.equal(kills.observe('acme', 30_000, 2), 3);
    assert.equal(kills.observe('globex', 30_000, 0), 0);
    assert.equal(kills.observe('acme', 60_000, 0), 2);
    assert.equal(kills.observe('acme', 90_000, 0), 0);
    assert.deepEqual(kills.save(), []);
  });

  it('takes what is not known for nothing new', () => {
    const kills = new RecentKills(60_000);
    kills.observe('acme', 0, 1);
    assert.equal(kills.observe('acme', 5000, Number.NaN), 1);
  });

  it('remembers the number of any many, in little', () => {
    const kills = new RecentKills(60_000);
    const counts = Array.from({ length: 1000 }, (_, i) => kills.observe('acme', i, 1));
    assert.equal(counts.at(-1), 1000);
    assert(JSON.stringify(kills.save()).length < 2000);
  });

  it('forgets a time that is to come: the clock was set back', () => {
    const kills = new RecentKills(60_000);
    kills.observe('acme', 1e9, 5);
    assert.equal(kills.observe('acme', 0, 1), 1);
  });
});
