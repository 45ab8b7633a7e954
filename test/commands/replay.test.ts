import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { capturesOrPending } from '../support/captures.ts';
import { frame, type TimedFrame } from '../support/frames.ts';
import { pcapOf, withFolder, writeIn } from '../support/pcapFile.ts';
import { flood, floodInside, replay, WEIR_MAIN } from '../support/replay.ts';

const FIELDS =
  'id detector signature clause tenant direction severity offender victim value threshold unit firstSeen lastSeen state observationPoint'.split(
    ' ',
  );

const CONFIG = `tenants:
  - { id: acme, addresses: [198.51.100.8/29, '2001:db8:8::/48'] }
`;

/** Packets of 1,000 bytes that take 4 kbit/s, of which little more than the headers was captured; a ping a minute goes on meanwhile. */
function stream(hours: number, isBusy: (hour: number) => boolean): TimedFrame[] {
  const data = frame({ source: '203.0.113.1', destination: '198.51.100.9', protocol: 'udp', payload: 958 });
  const ping = frame({ source: '203.0.113.1', destination: '198.51.100.9', protocol: 'icmp' });
  return Array.from({ length: hours * 1800 }, (_, i): TimedFrame[] => {
    const timeMs = Date.UTC(2026, 0, 1) + i * 2000;
    if (isBusy(i / 1800)) return [{ bytes: data.subarray(0, 60), wireLength: 1000, timeMs }];
    return i % 30 === 0 ? [{ bytes: ping, timeMs }] : [];
  }).flat();
}

describe('weir replay', () => {
  const cases = [
    { family: 'IPv4', victim: '198.51.100.10', source: (i: number) => `203.0.113.${i & 255}` },
    { family: 'IPv6', victim: '2001:db8:8::10', source: (i: number) => `2001:db8:ffff:0:0:0:0:${i.toString(16)}` },
  ];
  for (const { family, victim, source } of cases) {
    it(`names a SYN flood in ${family} once, with every promised field`, () =>
      withFolder((folder) => {
        const path = writeIn(folder, 'flood.pcap', pcapOf(flood(victim, source)));
        const { code, incidents } = replay([path, '--config', writeIn(folder, 'weir.yaml', CONFIG)]);
        assert.equal(code, 0);
        assert.equal(incidents.length, 1);
        const [incident = {}] = incidents;
        assert.deepEqual(
          FIELDS.filter((field) => !(field in incident)),
          [],
        );
        const { detector, clause, tenant, direction, offender, victim: named, state } = incident;
        assert.deepEqual(
          { detector, clause, tenant, direction, offender, named, state },
          {
            detector: 'synFlood',
            clause: 'network.disruption',
            tenant: 'acme',
            direction: 'inbound',
            offender: null,
            named: victim,
            state: 'open',
          },
        );
      }));
  }

  const courses: [string, (hour: number) => boolean, readonly string[]][] = [
    ['names a stream of a day, once', () => true, ['sustainedThroughput']],
    ['is silent on a backup of two hours every night', (hour) => hour % 24 < 2, []],
  ];
  for (const [title, isBusy, expected] of courses) {
    it(`${title}, by packets of 30 hours`, () =>
      withFolder((folder) => {
        const path = writeIn(folder, 'day.pcap', pcapOf(stream(30, isBusy)));
        const config = `tenants:\n  - { id: acme, addresses: [198.51.100.8/29], plan: { port: 5kbit } }\n`;
        const { incidents } = replay([path, '-c', writeIn(folder, 'weir.yaml', config)]);
        assert.deepEqual(
          incidents.map(({ detector }) => detector),
          expected,
        );
      })).timeout(30_000);
  }

  it('reads standard input, and gives the same incidents for the same packets', () =>
    withFolder((folder) => {
      const capture = pcapOf(floodInside());
      const fromFile = replay([writeIn(folder, 'flood.pcap', capture)]);
      const fromPipe = replay(['-'], capture);
      assert.equal(fromFile.incidents.length, 1);
      assert.deepEqual(fromPipe.incidents, fromFile.incidents);
    }));

  it('uses what was readable of a truncated file, then says where it ends and exits with 1', () =>
    withFolder((folder) => {
      const capture = pcapOf(floodInside());
      const path = writeIn(folder, 'cut.pcap', capture.subarray(0, capture.length - 5));
      const { code, incidents, stderr } = replay([path]);
      assert.equal(code, 1);
      assert.equal(incidents.length, 1);
      assert.match(stderr, /^Cannot read .*cut\.pcap: record truncated at byte \d+\n$/);
    }));

  for (const [what, text, expected] of [
    ['is no capture', 'not a capture at all, but long enough', /^Cannot read .*: neither pcap nor pcapng at byte 0\n$/],
    ['is empty', '', /^Cannot read .*: file header truncated at byte 0\n$/],
  ] as const) {
    it(`says so in one line when the file ${what}`, () =>
      withFolder((folder) => {
        const { code, stderr } = replay([writeIn(folder, 'input.pcap', text)]);
        assert.equal(code, 1);
        assert.match(stderr, expected);
      }));
  }

  it('ends quietly when nobody reads its output any more', () =>
    withFolder((folder) => {
      const path = writeIn(folder, 'flood.pcap', pcapOf(floodInside()));
      // The pipe's reader has ended before anything is written.
      const script = '"$@" | true; echo "${PIPESTATUS[0]}"';
      const words = ['-c', script, 'bash', process.execPath, WEIR_MAIN, 'replay', '--json', path];
      const { stdout, stderr } = spawnSync('bash', words, { encoding: 'utf8' });
      assert.deepEqual({ stdout, stderr }, { stdout: '0\n', stderr: '' });
    }));

  it('says so in one line when there is no such file', () => {
    const { code, stderr } = replay(['/nonexistent.pcap']);
    assert.equal(code, 1);
    assert.equal(stderr, 'Cannot open /nonexistent.pcap: no such file or directory\n');
  });

  it('names all problems of a configuration and reads nothing', () =>
    withFolder((folder) => {
      const bad = writeIn(
        folder,
        'bad.yaml',
        'tenants:\n  - { id: acme, addresses: [198.51.100.9/29], plan: { port: 80 } }\n',
      );
      const { code, incidents, stderr } = replay(['/nonexistent.pcap', '--config', bad]);
      assert.deepEqual([code, incidents.length, stderr.trimEnd().split('\n').length], [1, 0, 2]);
    }));
});

describe('weir replay on real captures', () => {
  it('names the spoofed SYN flood as one incident', function () {
    const path = capturesOrPending(this, 'floods').find((each) => each.endsWith('st-pkt.TCP.synflood.spoofed.pcap'));
    return withFolder((folder) => {
      const config = writeIn(folder, 'weir.yaml', 'tenants: [{ id: victim, addresses: [10.10.10.10] }]\n');
      const { code, incidents } = replay([path ?? '', '--config', config]);
      assert.equal(code, 0);
      assert.deepEqual(
        incidents.map(({ detector, victim, direction, clause }) => ({ detector, victim, direction, clause })),
        [{ detector: 'synFlood', victim: '10.10.10.10', direction: 'inbound', clause: 'network.disruption' }],
      );
    });
  });
});
