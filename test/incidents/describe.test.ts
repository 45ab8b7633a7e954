import assert from 'node:assert/strict';
import {
  describeEvidence,
  describeSubject,
  describeValue,
  formatQuantity,
  formatShare,
  signatureWords,
} from '../../daemon/incidents/describe.ts';
import type { Incident } from '../../daemon/incidents/incident.ts';
import { testIncident } from '../support/incident.ts';

const quantities: readonly [number, string][] = [
  [0, '0 pps'],
  [7, '7 pps'],
  [0.125, '0.125 pps'],
  [999, '999 pps'],
  [999.4, '999 pps'],
  [999.6, '1 kpps'],
  [52_104, '52.1 kpps'],
  [999_499, '999 kpps'],
  [999_500, '1 Mpps'],
  [1e18, '1000 Ppps'],
];

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

describe('formatQuantity', () => {
  for (const [value, text] of quantities)
    it(`writes ${value} as ${text}`, () => assert.equal(formatQuantity(value, 'pps'), text));
});

describe('formatShare', () => {
  it('is never 0 % or 100 % for what is not quite that', () => {
    assert.deepEqual([0, 0.001, 0.5, 0.999, 1].map(formatShare), ['0 %', '< 1 %', '50 %', '> 99 %', '100 %']);
  });
});

describe('signatureWords', () => {
  it('writes protocols in capitals', () => {
    assert.deepEqual(['synFlood', 'udpFlood', 'portScan'].map(signatureWords), ['SYN flood', 'UDP flood', 'port scan']);
  });
});

describe('describeSubject', () => {
  for (const [changes, text] of subjects) it(text, () => assert.equal(describeSubject(testIncident(changes)), text));
});

describe('describeValue', () => {
  it('has no multiple of a threshold of 0', () => {
    assert.equal(describeValue(testIncident({ threshold: 0 })), '52.1 kpps, threshold 0 pps');
  });
});

describe('describeEvidence', () => {
  it('leaves out what is not known', () => {
    const { evidence } = testIncident();
    const { sources: _, distinctPorts: __, ...rest } = evidence;
    const bare = { ...rest, topSources: [], topPorts: [], packetsByKind: {} };
    assert.deepEqual(
      describeEvidence(testIncident({ evidence: bare, unit: 'bit/s', value: 95e6, peak: 95e6, threshold: 80e6 })),
      ['Peak 95 Mbit/s (52.1 kpps), last 95 Mbit/s, threshold 80 Mbit/s; 120 k packets, 7.2 MB in all.'],
    );
  });
});
