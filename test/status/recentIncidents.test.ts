import assert from 'node:assert/strict';
import { RecentIncidents } from '../../daemon/status/recentIncidents.ts';
import { change } from '../support/incident.ts';

describe('RecentIncidents', () => {
  it('keeps the 100 that closed last, the last one first', () => {
    const recent = new RecentIncidents();
    recent.observe(change('opened', { id: 'open' }));
    for (let i = 0; i < 150; i++) recent.observe(change('closed', { id: String(i) }));
    assert.deepEqual(
      recent.closed.map(({ id }) => id),
      Array.from({ length: 100 }, (_, i) => String(149 - i)),
    );
  });
});
