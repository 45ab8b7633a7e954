import assert from 'node:assert/strict';
import { renderIncident, renderStatus } from '../../daemon/status/render.ts';
import { testIncident } from '../support/incident.ts';
import { testInterface, testLimit, testSnapshot, testTenant } from '../support/snapshot.ts';

const LIMIT = testLimit({
  tenant: 'beta',
  direction: 'outbound',
  reason: 'bandwidth threshold of 80 Mbit/s passed for 60 s',
});

describe('renderStatus', () => {
  it('is short when all is well', () => {
    assert.equal(
      renderStatus(testSnapshot()),
      `weir 0.1.0, up 3 h 12 min, enforcement observe, configuration /etc/weir/weir.yaml, memory 188 MB, event loop p99 11.2 ms

Interfaces
  name  state  faces         link    packets         bits  received  lost  unreadable  restarts
  eth0  up     internet  1 Gbit/s  52.1 kpps  26.7 Mbit/s    1.23 M     0           0         0

Tenants
  tenant           in  packets          out  packets  threshold  limit  dropped  open
  acme    26.6 Mbit/s  52 kpps  77.2 kbit/s  104 pps  80 Mbit/s      -        -     0`,
    );
  });

  it('puts what is wrong first, and says unknown where it is', () => {
    const text = renderStatus(
      testSnapshot({
        config: null,
        detectors: [{ id: 'icmpFlood', mode: 'off' }],
        interfaces: [
          testInterface({ state: 'dead', dropped: null, lossRatio: null, packetsPerSecond: null, bitsPerSecond: null }),
          testInterface({ name: 'veth-acme', faces: 'tenant', tenant: 'acme', dropped: 6200, lossRatio: 0.005 }),
        ],
        tenants: [
          testTenant({
            inbound: null,
            outbound: null,
            plan: { ...testTenant().plan, thresholdPacketsPerSecond: 50_000 },
          }),
          testTenant({
            id: 'beta',
            limit: LIMIT,
            plan: {
              portBps: null,
              guaranteed: true,
              thresholdBps: null,
              thresholdPacketsPerSecond: null,
              limitBps: null,
            },
          }),
        ],
        incidents: [testIncident(), testIncident({ id: 'old', state: 'closed' })],
        limits: [LIMIT],
        alertmanager: [
          {
            url: 'http://127.0.0.1:9093',
            ok: false,
            lastSuccessAt: '2026-03-01T10:00:01.000Z',
            lastError: 'ECONNREFUSED',
            pending: 1,
            alertsSent: 7,
            alertsDropped: 0,
            postsFailed: 3,
          },
        ],
        self: { rssBytes: 1, cpuSeconds: 1, eventLoopDelayP99Ms: null },
      }),
    );
    assert.equal(
      text,
      `weir 0.1.0, up 3 h 12 min, enforcement observe, configuration none (defaults), memory 1 B, event loop p99 ?
detectors off: icmpFlood
FAILING: Cannot watch eth0: its worker is dead

Open incidents (1)
  critical: inbound SYN flood against 192.0.2.10 (tenant acme)
    52.1 kpps, 2.6 × the threshold of 20 kpps; since 2026-03-01 10:00:00 UTC (13 s ago); network.disruption; eth0; synFlood-1

Closed lately
  2026-03-01 10:00:12 UTC: inbound SYN flood against 192.0.2.10 (tenant acme), peak 60.3 kpps; old

Limits (1)
  beta outbound 20 Mbit/s, in force: bandwidth threshold of 80 Mbit/s passed for 60 s; since 2 min ago, until 2026-03-01 10:13:13 UTC

Interfaces
  name       state  faces         link    packets         bits  received           lost  unreadable  restarts
  eth0       dead   internet  1 Gbit/s          ?            ?    1.23 M              ?           0         0
  veth-acme  up     acme      1 Gbit/s  52.1 kpps  26.7 Mbit/s    1.23 M  6.2 k (< 1 %)           0         0

Tenants
  tenant           in  packets          out  packets           threshold      limit  dropped  open
  beta    26.6 Mbit/s  52 kpps  77.2 kbit/s  104 pps          guaranteed  20 Mbit/s     10 k     0
  acme              ?        ?            ?        ?  80 Mbit/s, 50 kpps          -        -     0

Alertmanager
  http://127.0.0.1:9093: FAILING (ECONNREFUSED), last accepted 12 s ago, 1 pending`,
    );
  });

  it("says what an interface's figures can be doubted for", () => {
    const doubted = testInterface({
      captureProcess: { restarts: 2, lastFailure: 'SIGABRT' },
      link: { speedBps: 100e6, isFullDuplex: false, mtuBytes: 1500, isPromiscuous: null },
      onlySees: { direction: 'inbound', since: '2026-03-01T09:00:00.250Z' },
      clock: { jumps: 3, lastJumpSeconds: -3600.25, lastJumpAt: '2026-03-01T09:30:00.000Z' },
      unseen: { bytes: 12_345_678, packets: 30_000 },
    });
    const text = renderStatus(testSnapshot({ interfaces: [doubted, testInterface({ name: 'eth1' })] }));
    assert(
      text.includes(`
  eth0  up     internet  100 Mbit/s half duplex  52.1 kpps  26.7 Mbit/s    1.23 M     0           0         0
  eth1  up     internet                1 Gbit/s  52.1 kpps  26.7 Mbit/s    1.23 M     0           0         0
  eth0: the process that captures was started again 2 times, last because: SIGABRT
  eth0: only inbound traffic is seen since 2026-03-01 09:00:00 UTC: a mirror of one way, or asymmetric routes?
  eth0: the clock was set back by 3600.25 s at 2026-03-01 09:30:00 UTC, 3 times in all
  eth0: 12.3 MB (about 30 k packets) passed unseen, and nobody counted them as lost

`),
      text,
    );
  });

  it('shows 20 tenants and how many more there are', () => {
    const tenants = Array.from({ length: 1000 }, (_, i) =>
      testTenant({ id: `t${i}`, openIncidents: i === 999 ? 1 : 0 }),
    );
    const text = renderStatus(testSnapshot({ tenants }));
    assert.match(text, /\n {2}t999 /);
    assert.match(text, /\n {2}and 980 more$/);
  });
});

describe('renderIncident', () => {
  it('tells the whole of it in one paragraph', () => {
    assert.equal(
      renderIncident(testIncident()),
      `2026-03-01 10:00:00 UTC to 2026-03-01 10:00:12 UTC: inbound SYN flood against 192.0.2.10 (tenant acme), critical, open.
  More connections are asked for than are ever completed.
  Peak 60.3 kpps (26.7 Mbit/s), last 52.1 kpps, threshold 20 kpps; 120 k packets, 7.2 MB in all.
  Sources: about 12.3 k ± 7 %; most: 198.51.100.7 (12 %), 2001:db8::7 (< 1 %).
  Ports: about 1; most: 5060 (100 %).
  Packets: tcpSyn (> 99 %), udp (< 1 %).
  Clause network.disruption, seen at eth0, confidence 90 %, incident synFlood-1.`,
    );
  });
});
