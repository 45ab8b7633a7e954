import assert from 'node:assert/strict';
import { assert as check, double, property, string } from 'fast-check';
import { alertAnnotations, openAlert, postableAlert } from '../../daemon/alerting/alert.ts';
import { sampleIncident, testIncident } from '../support/incident.ts';

const PBX1 = { host: 'pbx1', pageUrl: 'http://127.0.0.1:9737' };
const NOW = Date.parse('2026-03-01T10:00:13.000Z');
const RESEND = 60_000;

describe('openAlert', () => {
  it('names the incident by labels without values', () => {
    assert.deepEqual(openAlert(testIncident(), PBX1).labels, {
      alertname: 'synFlood',
      tenant: 'acme',
      clause: 'network.disruption',
      severity: 'critical',
      host: 'pbx1',
      interface: 'eth0',
      direction: 'inbound',
      victim: '192.0.2.10',
    });
  });

  it('names no interface and no direction of what is not about traffic', () => {
    assert.deepEqual(openAlert(sampleIncident(), PBX1).labels, {
      alertname: 'cpuOveruse',
      tenant: 'acme',
      clause: 'resource.cpu',
      severity: 'critical',
      host: 'pbx1',
      offender: 'acme',
    });
  });

  it('gives the same labels whatever is measured', () => {
    const { labels } = openAlert(testIncident(), PBX1);
    check(
      property(double({ noNaN: true }), double({ noNaN: true }), string(), (value, confidence, id) => {
        assert.deepEqual(openAlert(testIncident({ value, peak: value, confidence, id }), PBX1).labels, labels);
      }),
    );
  });

  it('bounds every label and keeps it well-formed text', () => {
    check(
      property(string({ unit: 'binary', minLength: 100, maxLength: 200 }), (name) => {
        const { labels } = openAlert(testIncident({ tenant: name, offender: name }), { ...PBX1, host: name });
        for (const value of Object.values(labels)) assert(value.length <= 128 && value.isWellFormed() && value !== '');
      }),
      { numRuns: 20 },
    );
  });
});

describe('postableAlert', () => {
  const ends: readonly [string, number | null, string][] = [
    ['an open alert ends four re-sends from now', null, '2026-03-01T10:04:13.000Z'],
    ['a closed alert ends at its close', NOW - 1000, '2026-03-01T10:00:12.000Z'],
    ['a closed alert never ends in the future', NOW + 1000, '2026-03-01T10:00:13.000Z'],
  ];
  for (const [title, endedMs, endsAt] of ends) {
    it(title, () => {
      const alert = { ...openAlert(testIncident(), PBX1), endedMs };
      const posted = postableAlert(alert, NOW, RESEND);
      assert.equal(posted.endsAt, endsAt);
      assert.equal(posted.startsAt, '2026-03-01T10:00:00.000Z');
    });
  }

  it('starts no later than it ends, when the packets are ahead of the clock', () => {
    const alert = { ...openAlert(testIncident(), PBX1), endedMs: NOW - 60_000 };
    const { startsAt, endsAt } = postableAlert(alert, NOW, RESEND);
    assert.equal(startsAt, endsAt);
  });

  it('tells the severity of now in words only', () => {
    const alert = openAlert(testIncident({ severity: 'warning' }), PBX1);
    alert.annotations = () => alertAnnotations(testIncident({ severity: 'critical' }));
    const { labels, annotations } = postableAlert(alert, NOW, RESEND);
    assert.equal(labels['severity'], 'warning');
    assert.match(annotations['description'] ?? '', /severity critical/);
  });

  it('is told in sentences', () => {
    assert.deepEqual(postableAlert(openAlert(testIncident(), PBX1), NOW, RESEND).annotations, {
      summary: 'Inbound SYN flood against 192.0.2.10 (tenant acme): 52.1 kpps, 2.6 × the threshold of 20 kpps',
      description: [
        'More connections are asked for than are ever completed. Since 2026-03-01 10:00:00 UTC, severity critical.',
        'Peak 60.3 kpps (26.7 Mbit/s), last 52.1 kpps, threshold 20 kpps; 120 k packets, 7.2 MB in all.',
        'Sources: about 12.3 k ± 7 %; most: 198.51.100.7 (12 %), 2001:db8::7 (< 1 %).',
        'Ports: about 1; most: 5060 (100 %).',
        'Packets: tcpSyn (> 99 %), udp (< 1 %).',
        'Clause network.disruption, seen at eth0, confidence 90 %, incident synFlood-1.',
        'On the host: weir incident synFlood-1',
      ].join('\n'),
      incident: 'synFlood-1',
    });
  });
});
