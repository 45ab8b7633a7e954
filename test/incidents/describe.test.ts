import assert from 'node:assert/strict';
import { describeEvidence, describeSubject, describeValue } from '../../daemon/incidents/describe.ts';
import type { Incident } from '../../daemon/incidents/incident.ts';
import { sampleIncident, testIncident } from '../support/incident.ts';
import { trafficEvidence } from '../support/trafficEvidence.ts';

const subjects: readonly [Partial<Incident>, string][] = [
  [{}, 'inbound SYN flood against 192.0.2.10 (tenant acme)'],
  [{ victim: null }, 'inbound SYN flood (tenant acme)'],
  [
    { direction: 'outbound', offender: '192.0.2.10', victim: '2001:db8::1' },
    'outbound SYN flood from 192.0.2.10 against 2001:db8::1 (tenant acme)',
  ],
  [
    { signature: 'bandwidthThreshold', direction: 'outbound', offender: 'acme', victim: null },
    'outbound bandwidth threshold (tenant acme)',
  ],
];

describe('describeSubject', () => {
  for (const [changes, text] of subjects) it(text, () => assert.equal(describeSubject(testIncident(changes)), text));
});

describe('describeSubject of what is not about traffic', () => {
  it('has no direction', () => assert.equal(describeSubject(sampleIncident()), 'CPU overuse (tenant acme)'));
});

describe('describeEvidence of samples', () => {
  it('tells of the tenant, of the host and of the others, and leaves out what is not known', () => {
    assert.deepEqual(describeEvidence(sampleIncident()), [
      'Peak 3.5 cores, last 3 cores, threshold 1 cores.',
      'Tenant: 3.04 cores, memory 512 MB of 1 GB, working set 400 MB, waiting for CPU 40 % of the time.',
      'Host: 3.99 cores busy of 4, load 5.5, 8 GB available of 16 GB, waiting for CPU 70 % of the time.',
      'Others that waited: globex (31 % of the time).',
    ]);
  });
});

describe('describeValue', () => {
  it('has no multiple of a threshold of 0', () => {
    assert.equal(describeValue(testIncident({ threshold: 0 })), '52.1 kpps, threshold 0 pps');
  });
});

describe('describeEvidence', () => {
  it('tells of the use of a port', () => {
    const port = {
      portBps: 100e6,
      overMs: 86_400_000,
      medianBps: 82e6,
      dutyShare: 0.98,
      variation: 0.08,
      percentile95Bps: 91e6,
    };
    const [, line] = describeEvidence(testIncident({ evidence: { ...trafficEvidence(testIncident()), port } }));
    const use = 'median 82 Mbit/s of 100 Mbit/s over 24 h, busy 98 % of the time, σ/μ 0.08';
    assert.equal(line, `Port: ${use}, 95th percentile of the month 91 Mbit/s.`);
  });

  it('leaves out what is not known', () => {
    const { sources: _, distinctPorts: __, ...rest } = trafficEvidence(testIncident());
    const bare = { ...rest, topSources: [], topPorts: [], packetsByKind: {} };
    assert.deepEqual(
      describeEvidence(testIncident({ evidence: bare, unit: 'bit/s', value: 95e6, peak: 95e6, threshold: 80e6 })),
      ['Peak 95 Mbit/s (52.1 kpps), last 95 Mbit/s, threshold 80 Mbit/s; 120 k packets, 7.2 MB in all.'],
    );
  });
});
