import assert from 'node:assert/strict';
import type { Incident } from '../../daemon/incidents/incident.ts';
import { testIncident } from '../support/incident.ts';
import { judge } from './judge.ts';
import type { Named, Seen } from './trial.ts';

const START_MS = Date.UTC(2026, 2, 1);
/** Ten packets a second for ten seconds. */
const TIMES = Array.from({ length: 100 }, (_, i) => START_MS + i * 100);
const VICTIM = '192.0.2.10';

const FLOOD: Named = { detector: 'synFlood', tenant: 'acme', direction: 'inbound', offender: null, victim: VICTIM };

const seen = (changes: Partial<Incident> = {}, afterMs = 1000): Seen => ({
  incident: testIncident(changes),
  openedMs: START_MS + afterMs,
});

const ofType = (type: string): Partial<Incident> => ({ evidence: Object.assign(testIncident().evidence, { type }) });

const rule = (all: readonly Seen[], expected: readonly Named[] = [FLOOD], allowed: readonly Named[] = []) =>
  judge({ expected, allowed }, { seen: all, packets: 0, hours: 1, attackTimesMs: expected.map(() => TIMES) });

describe('judge', () => {
  const udpFlood = { detector: 'udpFlood', signature: 'udpFlood' };
  const cases: readonly {
    what: string;
    all: readonly Seen[];
    expected?: readonly Named[];
    allowed?: readonly Named[];
    verdicts: readonly string[];
    extra?: number;
  }[] = [
    { what: 'the incident itself', all: [seen()], verdicts: ['found'] },
    { what: 'nothing', all: [], verdicts: ['missed'] },
    { what: 'it twice', all: [seen(), seen({ id: 'again' })], verdicts: ['found'], extra: 1 },
    { what: 'it and another', all: [seen(), seen(udpFlood)], verdicts: ['found'], extra: 1 },
    {
      what: 'it and what is allowed',
      all: [seen(), seen(udpFlood)],
      allowed: [{ detector: 'udpFlood', victim: VICTIM }],
      verdicts: ['found'],
    },
    {
      what: 'what is allowed at somebody else only',
      all: [seen(), seen({ ...udpFlood, victim: '192.0.2.11' })],
      allowed: [{ detector: 'udpFlood', victim: VICTIM }],
      verdicts: ['found'],
      extra: 1,
    },
    { what: 'another name for the same victim', all: [seen(udpFlood)], verdicts: ['misnamed'] },
    {
      what: 'another name for others',
      all: [seen({ ...udpFlood, victim: '192.0.2.99' })],
      verdicts: ['missed'],
      extra: 1,
    },
    {
      what: 'an allowed name instead',
      all: [seen(udpFlood)],
      allowed: [{ detector: 'udpFlood' }],
      verdicts: ['missed'],
    },
    { what: 'the wrong direction', all: [seen({ direction: 'outbound' })], verdicts: ['misplaced'] },
    {
      what: 'the right name for others',
      all: [seen({ tenant: 'birch', victim: '192.0.2.99' })],
      verdicts: ['missed'],
      extra: 1,
    },
    { what: 'the wrong tenant', all: [seen({ tenant: 'birch' })], verdicts: ['misplaced'] },
    { what: 'the wrong victim', all: [seen({ victim: '192.0.2.11' })], verdicts: ['misplaced'] },
    {
      what: 'somebody blamed for what nobody in particular does',
      all: [seen({ offender: '203.0.113.1' })],
      verdicts: ['misplaced'],
    },
    {
      what: 'one of several right names',
      all: [seen()],
      expected: [{ detector: ['tcpFlood', 'synFlood'] }],
      verdicts: ['found'],
    },
    { what: 'the right type', all: [seen(ofType('syn'))], expected: [{ ...FLOOD, type: 'syn' }], verdicts: ['found'] },
    { what: 'another type', all: [seen(ofType('fin'))], expected: [{ ...FLOOD, type: 'syn' }], verdicts: ['mistyped'] },
    { what: 'no type', all: [seen()], expected: [{ ...FLOOD, type: 'syn' }], verdicts: ['mistyped'] },
    {
      what: 'both of two',
      all: [seen({ victim: '192.0.2.11' }), seen()],
      expected: [FLOOD, { ...FLOOD, victim: '192.0.2.11' }],
      verdicts: ['found', 'found'],
    },
    {
      what: 'one of two',
      all: [seen({ victim: '192.0.2.11' })],
      expected: [FLOOD, { ...FLOOD, victim: '192.0.2.11' }],
      verdicts: ['missed', 'found'],
    },
    { what: 'something where nothing is expected', all: [seen()], expected: [], verdicts: [], extra: 1 },
    { what: 'nothing where nothing is expected', all: [], expected: [], verdicts: [] },
  ];
  for (const { what, all, expected, allowed, verdicts, extra = 0 } of cases) {
    it(`calls ${what} ${verdicts.join(' and ') || 'silence'}${extra > 0 ? ` and ${extra} too many` : ''}`, () => {
      const ruling = rule(all, expected, allowed);
      assert.deepEqual(
        { verdicts: ruling.judgements.map(({ verdict }) => verdict), extra: ruling.extra.length },
        { verdicts, extra },
      );
    });
  }

  it('counts from the first packet of the attack to the end of the window that opened the incident', () => {
    const [judgement] = rule([seen({}, 250)]).judgements;
    assert.deepEqual(judgement?.latency, { packets: 3, ms: 250 });
  });

  it('takes the earliest of those that are right', () => {
    const { judgements, extra } = rule([seen({ id: 'late' }, 5000), seen({}, 250)]);
    assert.deepEqual([judgements[0]?.latency?.ms, extra.length], [250, 1]);
  });
});
