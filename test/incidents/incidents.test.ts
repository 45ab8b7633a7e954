import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Finding, Signature } from '../../daemon/detectors/detector.ts';
import { Incidents } from '../../daemon/incidents/incidents.ts';
import { restoreIncident, type SavedIncident } from '../../daemon/incidents/savedIncident.ts';
import type { IncidentChange } from '../../daemon/incidents/incident.ts';
import { sampleIncident } from '../support/incident.ts';
import { trafficEvidence } from '../support/trafficEvidence.ts';

const WINDOW_MS = 250;
const THRESHOLD = 1000;
const OPTIONS = { closeAfterMs: 10_000, maxOpen: 100 };

const signature: Signature = {
  id: 'synFlood',
  detector: 'synFlood',
  clause: 'network.disruption',
  title: 'Too much.',
  unit: 'packets/s',
  entry: { windows: 2, of: 3, atOnce: 2 },
  leaveBelow: 0.7,
};

function finding(level: number, changes: Partial<Finding> = {}): Finding {
  const value = THRESHOLD * level;
  return {
    signature,
    tenant: 'acme',
    direction: 'inbound',
    offender: null,
    victim: '192.0.2.10',
    severity: 'warning',
    confidence: 0.9,
    value,
    threshold: THRESHOLD,
    evidence: {
      tier: 'header',
      packetsPerSecond: value,
      bitsPerSecond: value * 480,
      packetsByKind: { tcpSyn: value / 4 },
      topSources: [],
      topPorts: [{ port: 443, share: 1 }],
      distinctPorts: 1,
    },
    ...changes,
  };
}

/** Seen with one source, one port and one register of the sketch. */
const seen = (address: string, level: number, register: number, port: number): Finding => ({
  ...finding(level),
  sources: Uint8Array.from({ length: 256 }, (_, i) => (i === register ? 1 : 0)),
  evidence: {
    ...trafficEvidence(finding(level)),
    topSources: [{ address, share: 1 }],
    topPorts: [{ port, share: 1 }],
    distinctPorts: port,
  },
});

const victims = (count: number, level: number): Finding[] =>
  Array.from({ length: count }, (_, i) => finding(level, { victim: `2001:db8::${i.toString(16)}` }));

/** Feeds one finding a window, at these levels of the threshold (0: none), beginning with the window that ends at 250 ms. */
function feed(incidents: Incidents, levels: readonly number[], changes: Partial<Finding> = {}, point = 'eth0') {
  return levels.map((level, i) =>
    incidents.observe(point, (i + 1) * WINDOW_MS, WINDOW_MS, level === 0 ? [] : [finding(level, changes)]),
  );
}

const events = (changes: readonly IncidentChange[][]): string =>
  changes.map((window) => window.map(({ event }) => event[0]).join('') || '-').join(' ');

/** What a window in which the flood is seen, or is not, changes. */
const flood = (point: string, incidents: Incidents, endMs: number): string =>
  events([incidents.observe(point, endMs, WINDOW_MS, [finding(2)])]);
const quiet = (point: string, incidents: Incidents, endMs: number): string =>
  events([incidents.observe(point, endMs, WINDOW_MS, [])]);

/** o: opened, r: refreshed, c: closed. */
const sequences: [string, number[], string][] = [
  ['opens in the second of three windows', [1, 1], '- o'],
  ['opens over a window that did not pass', [1, 0, 1], '- - o'],
  ['does not count a window below the threshold', [1, 0.9, 0.9, 1], '- - - -'],
  ['forgets what lies further back', [1, 0, 0, 1, 0, 0, 1], '- - - - - - -'],
  ['opens at once at twice the threshold', [2], 'o'],
  ['does not open below the threshold', [0.99, 0.99, 0.99], '- - -'],
  ['is refreshed while it is not below the level of leaving', [2, 0.7, 0.69, 0.8], 'o r - r'],
];

describe('Incidents', () => {
  for (const [title, levels, expected] of sequences) {
    it(title, () => assert.equal(events(feed(new Incidents(OPTIONS), levels)), expected));
  }

  it('spans from the first window of the entry to the last that saw it', () => {
    const changes = feed(new Incidents(OPTIONS), [1, 0, 1.5, 1.2, 0]).flat();
    const { firstSeen, lastSeen, value, peak } = changes.at(-1)?.incident ?? {};
    assert.deepEqual(
      [firstSeen, lastSeen, value, peak],
      ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:01.000Z', 1200, 1500],
    );
  });

  it('unites the evidence of all its windows', () => {
    const incidents = new Incidents(OPTIONS);
    incidents.observe('eth0', 250, WINDOW_MS, [seen('203.0.113.1', 1, 1, 1)]);
    incidents.observe('eth0', 500, WINDOW_MS, [seen('203.0.113.1', 4, 1, 2)]);
    incidents.observe('eth0', 750, WINDOW_MS, [seen('203.0.113.2', 3, 2, 1)]);
    assert.deepEqual(incidents.open()[0]?.evidence, {
      tier: 'header',
      packetsPerSecond: 4000,
      bitsPerSecond: 1_920_000,
      packetsByKind: { tcpSyn: 2000 },
      topSources: [
        { address: '203.0.113.1', share: 0.625 },
        { address: '203.0.113.2', share: 0.375 },
      ],
      topPorts: [
        { port: 2, share: 0.5 },
        { port: 1, share: 0.5 },
      ],
      distinctPorts: 2,
      packets: 2000,
      bytes: 120_000,
      sources: { distinct: 2, error: 0.065 },
    });
  });

  it('has the use of a port as it is now', () => {
    const incidents = new Incidents(OPTIONS);
    const uses = [0.1, 0.2].map((variation) => {
      const port = { portBps: 1e8, overMs: 1, medianBps: 8e7, dutyShare: 1, variation, percentile95Bps: null };
      feed(incidents, [2], { evidence: { ...trafficEvidence(finding(2)), port } });
      return trafficEvidence(incidents.open()[0]).port?.variation;
    });
    assert.deepEqual(uses, [0.1, 0.2]);
  });

  it('keeps the worst severity and the best confidence', () => {
    const incidents = new Incidents(OPTIONS);
    feed(incidents, [2], { severity: 'critical', confidence: 0.5 });
    feed(incidents, [2], { confidence: 0.9 });
    const [incident] = incidents.open();
    assert.deepEqual([incident?.severity, incident?.confidence], ['critical', 0.9]);
  });

  const offenders: [string, Finding['direction'], (string | null)[], string | null][] = [
    ['one', 'inbound', ['203.0.113.1', '203.0.113.1'], '203.0.113.1'],
    ['one that is known later', 'inbound', [null, '203.0.113.1', null], '203.0.113.1'],
    ['many by turns', 'inbound', ['203.0.113.1', '203.0.113.2', '203.0.113.1'], null],
    ["a tenant's addresses by turns", 'outbound', ['198.51.100.9', '198.51.100.10', '198.51.100.9'], 'acme'],
  ];
  for (const [title, direction, addresses, expected] of offenders) {
    it(`knows the offender: ${title}`, () => {
      const incidents = new Incidents(OPTIONS);
      for (const offender of addresses) feed(incidents, [2], { offender, direction });
      assert.equal(incidents.open()[0]?.offender, expected);
    });
  }

  describe('closing', () => {
    it('closes when it was quiet for closeAfterMs, and opens another one after', () => {
      const incidents = new Incidents(OPTIONS);
      feed(incidents, [2]);
      assert.deepEqual(incidents.advance(9_999), []);
      const [closed] = incidents.advance(1);
      assert.deepEqual([closed?.event, closed?.incident.state], ['closed', 'closed']);
      assert.equal(closed?.incident.lastSeen, '1970-01-01T00:00:00.250Z');
      assert.deepEqual(incidents.open(), []);
      const [reopened] = incidents.observe('eth0', 11_000, WINDOW_MS, [finding(2)]);
      assert.equal(reopened?.event, 'opened');
      assert.notEqual(reopened.incident.id, closed.incident.id);
    });

    it('closes by a gap in the packets before it takes what comes after', () => {
      const incidents = new Incidents(OPTIONS);
      feed(incidents, [2]);
      const changes = incidents.observe('eth0', 3_600_000, WINDOW_MS, [finding(2)]);
      assert.deepEqual(
        changes.map(({ event }) => event),
        ['closed', 'opened'],
      );
    });

    it('does not take a gap for one of the windows of an entry', () => {
      const incidents = new Incidents(OPTIONS);
      incidents.observe('eth0', 250, WINDOW_MS, [finding(1)]);
      assert.deepEqual(incidents.observe('eth0', 1250, WINDOW_MS, [finding(1)]), []);
    });

    it('stays open while it is seen, however long', () => {
      const incidents = new Incidents(OPTIONS);
      const changes = feed(
        incidents,
        Array.from({ length: 200 }, () => 2),
      ).flat();
      assert.deepEqual(new Set(changes.slice(1).map(({ event }) => event)), new Set(['refreshed']));
    });

    it('closes when the clock is set back, instead of waiting for the time to come again', () => {
      const incidents = new Incidents(OPTIONS);
      incidents.observe('eth0', 7_200_000, WINDOW_MS, [finding(2)]);
      assert.equal(incidents.observe('eth0', 250, WINDOW_MS, [])[0]?.event, 'closed');
      assert.deepEqual(events(feed(incidents, [1, 1])), '- o');
    });

    it('closes all at the end of time', () => {
      const incidents = new Incidents(OPTIONS);
      feed(incidents, [2]);
      assert.equal(incidents.advance(Infinity).length, 1);
    });
  });

  describe('identity', () => {
    const differing: [string, Partial<Finding>][] = [
      ['the signature', { signature: { ...signature, id: 'udpFlood' } }],
      ['the tenant', { tenant: 'globex' }],
      ['the direction', { direction: 'outbound' }],
      ['the victim', { victim: '192.0.2.11' }],
    ];
    for (const [title, changes] of differing) {
      it(`is another with ${title}`, () => {
        const incidents = new Incidents(OPTIONS);
        feed(incidents, [2]);
        feed(incidents, [2], changes);
        assert.equal(incidents.open().length, 2);
      });
    }

    it('is the offender where there is no victim', () => {
      const incidents = new Incidents(OPTIONS);
      for (const offender of ['acme', 'acme', '198.51.100.9']) feed(incidents, [2], { victim: null, offender });
      assert.equal(incidents.open().length, 2);
    });

    it('is the same with another offender of the same victim', () => {
      const incidents = new Incidents(OPTIONS);
      for (const offender of ['203.0.113.1', '203.0.113.2']) feed(incidents, [2], { offender });
      assert.equal(incidents.open().length, 1);
    });

    it('has an id of 12 hex digits, by which it is found while it is open', () => {
      const incidents = new Incidents(OPTIONS);
      const [[opened] = []] = feed(incidents, [2]);
      assert.match(opened?.incident.id ?? '', /^[0-9a-f]{12}$/);
      assert.deepEqual(incidents.get(opened?.incident.id ?? ''), opened?.incident);
      incidents.advance(Infinity);
      assert.equal(incidents.get(opened?.incident.id ?? ''), undefined);
    });
  });

  it('adds up the kills of samples, and takes everything else as it is now', () => {
    const { evidence } = sampleIncident();
    assert(evidence.tier === 'sample');
    const incidents = new Incidents(OPTIONS);
    const sighted = [null, 2, null, 1].map((oomKills, i) => {
      const sample = { ...evidence, oomKills, cpuCores: i };
      incidents.observe('host', (i + 1) * 5000, 5000, [finding(3, { direction: null, evidence: sample })]);
      return incidents.open()[0]?.evidence;
    });
    assert.deepEqual(sighted, [
      { ...evidence, oomKills: null, cpuCores: 0 },
      { ...evidence, oomKills: 2, cpuCores: 1 },
      { ...evidence, oomKills: 2, cpuCores: 2 },
      { ...evidence, oomKills: 3, cpuCores: 3 },
    ]);
  });

  describe('several observation points', () => {
    it('is one incident of the first, with the larger value and the packets of one', () => {
      const incidents = new Incidents(OPTIONS);
      incidents.observe('eth0', 250, WINDOW_MS, [finding(3)]);
      incidents.observe('eth1', 250, WINDOW_MS, [finding(2)]);
      incidents.observe('eth1', 500, WINDOW_MS, [finding(4)]);
      incidents.observe('eth0', 500, WINDOW_MS, [finding(2)]);
      const [incident, ...others] = incidents.open();
      assert.deepEqual(others, []);
      assert.deepEqual([incident?.observationPoint, incident?.value, incident?.peak], ['eth0', 4000, 4000]);
      assert.equal(trafficEvidence(incident).packets, 1250);
    });

    it('keeps the windows of each apart on entry', () => {
      const incidents = new Incidents(OPTIONS);
      const at = (point: string, endMs: number): IncidentChange[] =>
        incidents.observe(point, endMs, WINDOW_MS, [finding(1)]);
      assert.deepEqual([at('eth0', 250), at('eth1', 500)], [[], []]);
      assert.equal(at('eth0', 750)[0]?.event, 'opened');
    });
  });

  it('opens by the windows of each observation point, although one lags behind the other', () => {
    const incidents = new Incidents(OPTIONS);
    const opened = [0, 1].flatMap((i) => {
      incidents.observe('eth0', 5000 + i * WINDOW_MS, WINDOW_MS, [finding(1, { victim: '192.0.2.1' })]);
      return incidents.observe('eth1', 250 + i * WINDOW_MS, WINDOW_MS, [finding(1, { victim: '192.0.2.2' })]);
    });
    assert.equal(opened[0]?.event, 'opened');
    assert.equal(incidents.open().length, 2);
  });

  describe('clocks of the observation points', () => {
    const LAG_MS = 60_000;
    const made = (): Incidents => {
      const incidents = new Incidents(OPTIONS);
      incidents.declare('flows', { lagMs: LAG_MS });
      return incidents;
    };

    it('closes nothing by the windows of a point that does not see it', () => {
      const incidents = made();
      assert.equal(flood('flows', incidents, 1000), 'o');
      for (let endMs = 60_000; endMs < 90_000; endMs += WINDOW_MS) assert.equal(quiet('eth0', incidents, endMs), '-');
      assert.equal(flood('flows', incidents, 1250), 'r');
      assert.equal(quiet('flows', incidents, 11_499), '-');
      assert.equal(quiet('flows', incidents, 11_500), 'c');
    });

    it('closes once all that see it are quiet', () => {
      const incidents = made();
      assert.equal(flood('eth0', incidents, 60_000), 'o');
      assert.equal(flood('flows', incidents, 55_000), 'r');
      assert.equal(quiet('eth0', incidents, 80_000), '-');
      assert.equal(quiet('flows', incidents, 65_249), '-');
      assert.equal(quiet('flows', incidents, 65_250), 'c');
    });

    it('is one incident when a lagging point tells of it after its end', () => {
      const incidents = made();
      assert.equal(flood('eth0', incidents, 60_000), 'o');
      assert.equal(flood('eth0', incidents, 70_000), 'r');
      assert.equal(quiet('eth0', incidents, 80_250), 'c');
      for (let endMs = 50_250; endMs <= 80_000; endMs += WINDOW_MS) {
        assert.equal(flood('flows', incidents, endMs), '-', String(endMs));
      }
    });

    it('is another when a lagging point sees one before it, or after it', () => {
      const incidents = made();
      assert.equal(flood('eth0', incidents, 60_000), 'o');
      assert.equal(quiet('eth0', incidents, 80_250), 'c');
      assert.equal(flood('flows', incidents, 49_750), 'o');
      assert.equal(quiet('flows', incidents, 60_000), 'c');
      assert.equal(flood('flows', incidents, 70_250), 'o');
    });

    it('opens what a lagging point alone has seen', () => {
      const incidents = made();
      assert.equal(flood('eth0', incidents, 60_000), 'o');
      assert.equal(quiet('eth0', incidents, 80_250), 'c');
      const [opened] = incidents.observe('flows', 60_000, WINDOW_MS, [finding(2, { victim: '192.0.2.11' })]);
      assert.deepEqual([opened?.event, opened?.incident.observationPoint], ['opened', 'flows']);
    });

    it('lets the clock of a silent point go on after its lag alone', () => {
      const incidents = made();
      flood('flows', incidents, 1000);
      assert.deepEqual(incidents.advance(LAG_MS + 9_999), []);
      assert.equal(flood('flows', incidents, 1250), 'r');
      assert.deepEqual(incidents.advance(LAG_MS + 9_999), []);
      assert.equal(incidents.advance(1)[0]?.event, 'closed');
    });

    it('does not let a late window tell of the present', () => {
      const incidents = made();
      incidents.observe('eth0', 60_000, WINDOW_MS, [finding(3)]);
      incidents.observe('flows', 50_000, WINDOW_MS, [finding(9)]);
      const [incident] = incidents.open();
      assert.deepEqual([incident?.value, incident?.peak, incident?.lastSeen], [3000, 9000, '1970-01-01T00:01:00.000Z']);
    });

    it('opens again what comes in times that a clock was set back to', () => {
      const incidents = made();
      for (let endMs = 3_600_000; endMs <= 3_660_000; endMs += 1000) flood('eth0', incidents, endMs);
      assert.equal(quiet('eth0', incidents, 3_670_250), 'c');
      assert.equal(quiet('eth0', incidents, 3_630_000), '-');
      assert.equal(flood('eth0', incidents, 3_630_250), 'o');
    });

    it('opens again what is set back while it is seen, by one clock after the other', () => {
      const incidents = made();
      for (const point of ['eth0', 'eth1']) flood(point, incidents, 3_660_000);
      assert.equal(flood('eth0', incidents, 3_600_000), 'r');
      assert.equal(quiet('eth1', incidents, 3_600_000), '-');
      assert.equal(quiet('eth0', incidents, 3_610_250), 'c');
      assert.equal(flood('eth1', incidents, 3_640_000), 'o');
    });

    it('remembers the last 4,096 that closed, and eight lives of each', () => {
      const incidents = new Incidents({ ...OPTIONS, maxOpen: 5000 });
      const found = victims(4097, 2);
      incidents.observe('eth0', 100_000, WINDOW_MS, found);
      incidents.observe('eth0', 200_000, WINDOW_MS, []);
      const late = incidents.observe('flows', 100_000, WINDOW_MS, found);
      assert.deepEqual(
        late.map(({ incident }) => incident.victim),
        [found[0]?.victim],
      );
      for (let life = 3; life < 12; life++) incidents.observe('eth1', life * 100_000, WINDOW_MS, [finding(2)]);
      incidents.observe('eth1', 1_200_000, WINDOW_MS, []);
      assert.equal(flood('collector', incidents, 300_000), 'o');
    });

    /** Floods far enough apart to be told apart by who lags, each seen by the ring, by the collector or by both. */
    const floods = fc.array(
      fc.record({
        seenBy: fc.subarray(['eth0', 'flows'], { minLength: 1 }),
        gapMs: fc.integer({ min: LAG_MS + 30_000, max: 300_000 }),
        windows: fc.integer({ min: 1, max: 400 }),
      }),
      { minLength: 1, maxLength: 5 },
    );

    it('opens and closes each flood once, however the windows of ring and collector interleave', () => {
      fc.assert(
        fc.property(floods, fc.infiniteStream(fc.integer({ min: 0, max: LAG_MS })), (planned, lags) => {
          let at = 0;
          const spans = planned.map(({ gapMs, windows, seenBy }) => {
            const first = Math.ceil((at + gapMs) / WINDOW_MS) * WINDOW_MS;
            at = first + windows * WINDOW_MS;
            return { first, last: at, seenBy };
          });
          const isSeen = (point: string, endMs: number): boolean =>
            spans.some(({ first, last, seenBy }) => seenBy.includes(point) && endMs > first && endMs <= last);
          const incidents = made();
          const told = { opened: 0, closed: 0, refreshed: 0 };
          const take = (changes: readonly IncidentChange[]): void => {
            for (const { event } of changes) told[event] += 1;
          };
          const observe = (point: string, endMs: number): void =>
            take(incidents.observe(point, endMs, WINDOW_MS, isSeen(point, endMs) ? [finding(2)] : []));
          let flowsMs = 0;
          const end = at + 2 * LAG_MS;
          for (let nowMs = WINDOW_MS; nowMs <= end; nowMs += WINDOW_MS) {
            observe('eth0', nowMs);
            take(incidents.advance(WINDOW_MS));
            // The collector catches up with bursts, at most LAG_MS behind the ring.
            const lagMs = nowMs % 5000 === 0 ? lags.next().value : LAG_MS;
            for (; flowsMs + WINDOW_MS <= nowMs - lagMs; flowsMs += WINDOW_MS) observe('flows', flowsMs + WINDOW_MS);
          }
          take(incidents.advance(Infinity));
          assert.deepEqual([told.opened, told.closed], [planned.length, planned.length]);
        }),
        { numRuns: 50 },
      );
    });
  });

  describe('bounds', () => {
    it('opens no more than maxOpen, and counts each of the others once', () => {
      const incidents = new Incidents({ ...OPTIONS, maxOpen: 10 });
      for (let i = 1; i <= 5; i++) incidents.observe('eth0', i * WINDOW_MS, WINDOW_MS, victims(100, 2));
      assert.equal(incidents.open().length, 10);
      assert.deepEqual(incidents.counters, { opened: 10, closed: 0, suppressed: 90, candidatesEvicted: 0 });
    });

    it('opens what was suppressed once there is room', () => {
      const incidents = new Incidents({ ...OPTIONS, maxOpen: 1 });
      const [a, b] = victims(2, 2);
      assert(a !== undefined && b !== undefined);
      incidents.observe('eth0', 250, WINDOW_MS, [a, b]);
      for (let i = 2; i <= 42; i++) incidents.observe('eth0', i * WINDOW_MS, WINDOW_MS, [b]);
      assert.deepEqual(
        incidents.open().map(({ victim }) => victim),
        [b.victim],
      );
    });

    it('remembers 1,024 candidates, and counts those that it forgets for want of room only', () => {
      const incidents = new Incidents(OPTIONS);
      incidents.observe('eth0', 250, WINDOW_MS, victims(1500, 1));
      assert.equal(incidents.counters.candidatesEvicted, 476);
      incidents.observe('eth0', 10_000, WINDOW_MS, victims(1000, 1));
      assert.equal(incidents.counters.candidatesEvicted, 476);
    });

    it('writes absurd times as RFC 3339', () => {
      for (const endMs of [1e18, -1e18]) {
        const incidents = new Incidents(OPTIONS);
        const [opened] = incidents.observe('eth0', endMs, WINDOW_MS, [finding(2)]);
        assert.match(opened?.incident.firstSeen ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      }
    });
  });

  it('is the same in a replay, and its counters tell what is open', () => {
    const steps = fc.array(
      fc.record({
        gapMs: fc.constantFrom(0, 0, 0, 250, 20_000),
        point: fc.constantFrom('eth0', 'eth1'),
        levels: fc.array(fc.constantFrom(0, 0.5, 0.8, 1, 1.5, 3), { minLength: 4, maxLength: 4 }),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (windows) => {
        const [first, second] = [0, 1].map(() => {
          const incidents = new Incidents({ ...OPTIONS, maxOpen: 3 });
          let endMs = 0;
          const changes = windows.flatMap(({ gapMs, point, levels }) => {
            endMs += gapMs + WINDOW_MS;
            const found = levels.map((level, i) => finding(level, { victim: `192.0.2.${i}` }));
            return incidents.observe(point, endMs, WINDOW_MS, found);
          });
          const { opened, closed } = incidents.counters;
          assert.equal(opened - closed, incidents.open().length);
          assert(incidents.open().length <= 3);
          assert.equal(changes.filter(({ event }) => event === 'opened').length, opened);
          return changes;
        });
        assert.deepEqual(first, second);
      }),
    );
  });
});

/** All that are open, as text. */
const saveAll = (incidents: Incidents): SavedIncident[] =>
  incidents.open().flatMap(({ id }) => incidents.save(id) ?? []);

/** A new run that goes on with what this one has open. */
function nextRun(incidents: Incidents, options = OPTIONS): Incidents {
  const next = new Incidents(options);
  next.restore(saveAll(incidents));
  return next;
}

const flooded = (): Incidents => {
  const incidents = new Incidents(OPTIONS);
  const registers = [[seen('203.0.113.1', 2, 3, 80)], [seen('203.0.113.2', 1.5, 200, 443)]];
  registers.forEach((findings, i) => incidents.observe('eth0', (i + 1) * WINDOW_MS, WINDOW_MS, findings));
  return incidents;
};

describe('Incidents.restore()', () => {
  it('goes on as if nothing had been between the runs', () => {
    const [going, restored] = [flooded(), nextRun(flooded())];
    assert.deepEqual(restored.open(), going.open());
    const findings = [seen('203.0.113.3', 3, 77, 22)];
    const changes = going.observe('eth0', 3 * WINDOW_MS, WINDOW_MS, findings);
    assert.deepEqual(restored.observe('eth0', 3 * WINDOW_MS, WINDOW_MS, findings), changes);
    assert.deepEqual(saveAll(restored), saveAll(going));
    assert.equal(changes[0]?.event, 'refreshed');
  });

  it('takes the time between the runs for none: what goes on has the same id, what does not is closed in time', () => {
    const downMs = 60_000;
    const goesOn = nextRun(flooded());
    assert.equal(flood('eth0', goesOn, downMs), 'r');
    assert.deepEqual(
      goesOn.open().map(({ id }) => id),
      flooded()
        .open()
        .map(({ id }) => id),
    );
    const ended = nextRun(flooded());
    assert.equal(quiet('eth0', ended, downMs), '-');
    assert.equal(quiet('eth0', ended, downMs + OPTIONS.closeAfterMs - WINDOW_MS), '-');
    assert.equal(quiet('eth0', ended, downMs + OPTIONS.closeAfterMs), 'c');
  });

  it('closes what was seen at a point of which no windows come, once they would have come', () => {
    const gone = nextRun(flooded());
    assert.equal(events([gone.advance(OPTIONS.closeAfterMs - 1), gone.advance(1)]), '- c');
    const late = new Incidents(OPTIONS);
    late.declare('eth0', { lagMs: 5000 });
    late.restore(saveAll(flooded()));
    assert.equal(events([late.advance(OPTIONS.closeAfterMs + 4999), late.advance(1)]), '- c');
  });

  it('has no more open than there may be, and none twice', () => {
    const incidents = new Incidents(OPTIONS);
    incidents.observe('eth0', WINDOW_MS, WINDOW_MS, victims(10, 3));
    const saved = saveAll(incidents);
    const next = new Incidents({ ...OPTIONS, maxOpen: 7 });
    assert.equal(next.restore(saved).length, 7);
    assert.equal(next.restore(saved).length, 0);
    assert.equal(next.open().length, 7);
  });

  it('ignores what is no saved incident', () => {
    const [saved = { incident: '', memory: '' }] = saveAll(flooded());
    assert.notEqual(restoreIncident(saved), null);
    const spoil = fc.constantFrom('', 'null', '[]', '{}', '1', '"x"', '-1e999');
    fc.assert(
      fc.property(fc.boolean(), fc.nat(saved.memory.length), fc.nat(20), spoil, (ofIncident, start, length, by) => {
        const key = ofIncident ? 'incident' : 'memory';
        const text = saved[key].slice(0, start) + by + saved[key].slice(start + length);
        const incidents = new Incidents(OPTIONS);
        incidents.restore([{ ...saved, [key]: text }]);
        flood('eth0', incidents, 60_000);
      }),
    );
    assert.equal(restoreIncident({ ...saved, memory: saved.memory.replace('"sources":"', '"sources":"AAAA') }), null);
  });
});
