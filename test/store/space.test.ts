import assert from 'node:assert/strict';
import { join } from 'node:path';
import { MAX_LEVELS } from '../../daemon/store/levelMeter.ts';
import { fillSample, spaceOfAYear } from './spaceSample.ts';
import { temporaryFolder } from './temporary.ts';

describe('the space of the store', () => {
  const folder = temporaryFolder();

  it('is at most 2 GB for 1,000 tenants that are never silent, after a year with as many levels and incidents as there may be', function () {
    this.timeout(60_000);
    const store = fillSample(join(folder(), 'weir.db'), 50, 2, 50);
    const bytes = [...spaceOfAYear(store, 1000, MAX_LEVELS).values()].reduce((sum, each) => sum + each, 0);
    store.database.close();
    assert.ok(bytes > 1e9 && bytes <= 2e9, String(bytes));
  });
});
