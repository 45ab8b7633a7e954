import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Advice } from '../../daemon/advising/advice.ts';
import { capturesOrPending } from '../support/captures.ts';
import { frame, type TimedFrame } from '../support/frames.ts';
import { pcapOf, withFolder, writeIn } from '../support/pcapFile.ts';
import { flood, replay, WEIR_MAIN } from '../support/replay.ts';
import { openStore, usageOf } from '../store/fill.ts';

const PBX = '198.51.100.10';
const TENANTS = `tenants:
  - { id: acme, addresses: [198.51.100.8/29] }
`;
const HOUR_MS = 3_600_000;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function weir(...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [WEIR_MAIN, 'advise', ...args], { encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

function adviceOf(...args: string[]): Advice {
  const { code, stdout, stderr } = weir(...args, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** A switchboard whose phones come back after an outage, at 1,400 SYNs a second. */
const returning = (): TimedFrame[] =>
  Array.from({ length: 2800 }, (_, i) => ({
    bytes: frame({ source: `203.0.113.${i & 255}`, destination: PBX, sourcePort: 1024 + i, destinationPort: 5061 }),
    timeMs: Date.UTC(2026, 0, 1) + i / 1.4,
  }));

describe('weir advise', () => {
  it('proposes a threshold that raises no alert on what it is made from, and still names a flood', () =>
    withFolder((folder) => {
      const usual = writeIn(folder, 'usual.pcap', pcapOf(returning()));
      const attack = writeIn(folder, 'attack.pcap', pcapOf(flood(PBX, (i) => `203.0.113.${i & 255}`)));
      const config = writeIn(folder, 'weir.yaml', `${TENANTS}detectors: { synFlood: { packetsPerSecond: 1000 } }\n`);
      const advice = adviceOf(usual, '-c', config).dials.find(({ signature }) => signature === 'synFlood');
      assert.deepEqual(
        advice?.candidates.map(({ value, alerts }) => [value, alerts]),
        [
          [1000, 1],
          [2800, 0],
          [2100, 0],
        ],
      );
      assert.deepEqual([advice?.proposed, advice.isIfFalse], [2100, true]);
      const line = `detectors: { synFlood: { packetsPerSecond: ${advice?.written} } }\n`;
      const changed = writeIn(folder, 'changed.yaml', TENANTS + line);
      const named = [config, changed].map((each) =>
        [usual, attack].map((path) => replay([path, '-c', each]).incidents.length),
      );
      assert.deepEqual(named, [
        [1, 1],
        [0, 1],
      ]);
    })).timeout(30_000);

  it('takes captures one after the other, and says what it cannot read', () =>
    withFolder((folder) => {
      const usual = writeIn(folder, 'usual.pcap', pcapOf(returning()));
      const cut = writeIn(folder, 'cut.pcap', pcapOf(returning()).subarray(0, 1000));
      const twice = adviceOf(usual, usual, '-c', writeIn(folder, 'weir.yaml', TENANTS));
      assert.equal(twice.spanMs, 4000);
      const { code, stdout, stderr } = weir(usual, cut);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, /^Cannot read .*cut\.pcap: record truncated at byte \d+\n$/);
    })).timeout(30_000);

  it('finds nothing to raise for ordinary traffic', function () {
    this.timeout(60_000);
    const captures = capturesOrPending(this, 'benign');
    const { dials } = adviceOf(...captures);
    assert(dials.length > 0);
    for (const { path, candidates, proposed } of dials) {
      assert.equal(candidates[0]?.alerts, 0, path);
      assert(proposed === null || candidates.some(({ value, alerts }) => value === proposed && alerts === 0), path);
      assert(proposed === null || path.startsWith('tenants.'), path);
    }
  });

  it('reads what the daemon has stored', () =>
    withFolder((folder) => {
      const path = join(folder, 'weir.db');
      const config = writeIn(
        folder,
        'weir.yaml',
        `${TENANTS}detectors: { udpFlood: { packetsPerSecond: 20000 } }\nstore: { path: ${path} }\n`,
      );
      const store = openStore(path, ['acme']);
      const start = Math.floor(Date.now() / 60_000) - 30 * 60;
      for (let minute = start; minute < start + 30 * 60; minute++) {
        const isBusy = (minute - start) % 600 < 5;
        const level = {
          signature: 'udpFlood',
          tenant: 'acme',
          direction: 'inbound',
          value: isBusy ? 30_000 : 2500,
        } as const;
        store.write(
          { kind: 'levels', minute, levels: [level] },
          usageOf(minute * 60_000, 1, () => [60_000, isBusy ? 60e6 : 6e6, 1000, 0, 0]),
        );
      }
      store.database.close();
      const { dials, spanMs, isExact } = adviceOf('--since', '2d', '-c', config);
      assert.deepEqual([Math.round(spanMs / HOUR_MS), isExact], [30, false]);
      assert.deepEqual(
        dials.map((each) => [each.path, each.written, each.candidates.map(({ value, alerts }) => [value, alerts])]),
        [
          [
            'detectors.udpFlood.packetsPerSecond',
            '45000',
            [
              [20_000, 3],
              [60_000, 0],
              [45_000, 0],
            ],
          ],
          [
            'tenants.acme.plan.threshold.rate',
            '12mbit',
            [
              [null, 0],
              [16e6, 0],
              [12e6, 0],
            ],
          ],
        ],
      );
      assert.match(weir('--since', '2d', '-c', config).stdout, /would have raised, at most\./);
    })).timeout(30_000);

  const refused: [string, readonly string[], RegExp][] = [
    ['nothing to read', [], /^Cannot advise: name captures, or --since such as 7d\n$/],
    ['captures and what is stored at once', ['a.pcap', '--since', '7d'], /^Cannot advise: name captures, or --since/],
    [
      'a span that is none',
      ['--since', 'monday'],
      /^Cannot advise: --since must be a duration such as 7d, got monday\n$/,
    ],
    ['a file that is not there', ['/nowhere/a.pcap'], /^Cannot open \/nowhere\/a\.pcap: no such file or directory\n$/],
  ];
  for (const [title, args, message] of refused) {
    it(`refuses ${title}, in one line`, () => {
      const { code, stdout, stderr } = weir(...args);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, message);
    });
  }

  it('says so where nothing is stored', () =>
    withFolder((folder) => {
      const config = writeIn(folder, 'weir.yaml', `store: { path: ${join(folder, 'none.db')} }\n`);
      const { code, stderr } = weir('--since', '1h', '-c', config);
      assert.equal(code, 1);
      assert.match(stderr, /^Cannot read the store .*none\.db: there is no such file\n$/);
    }));
});
