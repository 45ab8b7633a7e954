import assert from 'node:assert/strict';
import { Progress, renderProgress } from '../../daemon/commands/progress.ts';

const CLEAR = '\r\u001b[K';

describe('renderProgress', () => {
  for (const [criterion, packets, readBytes, totalBytes, elapsedMs, columns, expected] of [
    ['the start', 0, 0, 1e9, 0, 60, `  0 % [${'.'.repeat(34)}] 0 packets, 0 B/s`],
    ['too early to tell', 1e6, 5e7, 1e8, 499, 60, ' 50 % [##############...............] 1 M packets, 100 MB/s'],
    ['half of it', 1.48e6, 1e8, 2e8, 500, 70, ' 50 % [############.............] 1.48 M packets, 200 MB/s, 0:01 left'],
    ['nearly all', 2e6, 999, 1000, 2000, 60, ' 99 % [##################.] 2 M packets, 500 B/s, 0:01 left'],
    ['all', 2e6, 1000, 1000, 2000, 60, '100 % [###################] 2 M packets, 500 B/s, 0:00 left'],
    ['hours', 2e6, 1e6, 1e9, 10_000, 80, `  0 % [${'.'.repeat(35)}] 2 M packets, 100 kB/s, 2:46:30 left`],
    ['a wide terminal', 0, 0, 10, 0, 200, `  0 % [${'.'.repeat(40)}] 0 packets, 0 B/s`],
    ['a narrow terminal', 1e6, 5e7, 1e8, 500, 30, ' 50 % 1 M packets, 100 MB/s, '],
    ['a pipe', 1.48e6, 1e8, null, 500, 60, '1.48 M packets, 200 MB/s'],
    ['a file that has grown', 1.48e6, 1e8, 9e7, 500, 60, '1.48 M packets, 200 MB/s'],
    ['an empty file', 0, 0, 0, 1, 40, '0 packets, 0 B/s'],
  ] as const)
    it(`tells of ${criterion}`, () => {
      assert.equal(renderProgress(packets, { readBytes, totalBytes }, elapsedMs, columns), expected);
    });
});

describe('Progress', () => {
  const position = { readBytes: 1, totalBytes: null };

  it('draws at once, then ten times a second at most', () => {
    const drawn: string[] = [];
    let nowMs = 1000;
    const progress = new Progress({ write: (text) => drawn.push(text) }, () => nowMs);
    for (let packets = 0; packets < 1000; packets++, nowMs += 1) progress.show(packets, position);
    assert.deepEqual([drawn.length, drawn[0]], [10, `${CLEAR}0 packets, 0 B/s`]);
  });

  it('leaves nothing behind, and nothing is cleared that was not drawn', () => {
    const drawn: string[] = [];
    const progress = new Progress({ columns: 0, write: (text) => drawn.push(text) }, () => 0);
    progress.clear();
    progress.show(7, position);
    progress.clear();
    progress.clear();
    progress.show(8, position);
    assert.deepEqual(drawn, [`${CLEAR}7 packets, 0 B/s`, CLEAR, `${CLEAR}8 packets, 0 B/s`]);
  });
});
