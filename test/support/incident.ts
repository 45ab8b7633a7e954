/** An incident to alter: an inbound SYN flood on 192.0.2.10 of tenant acme. */
import type { Incident, IncidentChange, IncidentEvent } from '../../daemon/incidents/incident.ts';

export function testIncident(changes: Partial<Incident> = {}): Incident {
  return {
    id: 'synFlood-1',
    detector: 'synFlood',
    signature: 'synFlood',
    clause: 'network.disruption',
    title: 'More connections are asked for than are ever completed.',
    tenant: 'acme',
    direction: 'inbound',
    severity: 'critical',
    confidence: 0.9,
    offender: null,
    victim: '192.0.2.10',
    value: 52_104,
    peak: 60_250,
    threshold: 20_000,
    unit: 'packets/s',
    firstSeen: '2026-03-01T10:00:00.000Z',
    lastSeen: '2026-03-01T10:00:12.250Z',
    state: 'open',
    observationPoint: 'eth0',
    evidence: {
      tier: 'header',
      packetsPerSecond: 52_104,
      bitsPerSecond: 26_677_248,
      packetsByKind: { tcpSyn: 13_000, udp: 26 },
      topSources: [
        { address: '198.51.100.7', share: 0.12 },
        { address: '2001:db8::7', share: 0.004 },
      ],
      topPorts: [{ port: 5060, share: 1 }],
      distinctPorts: 1,
      sources: { distinct: 12_345, error: 0.065 },
      packets: 120_000,
      bytes: 7_200_000,
    },
    ...changes,
  };
}

/** A CPU overuse of tenant acme on a host of four processors. */
export const sampleIncident = (changes: Partial<Incident> = {}): Incident =>
  testIncident({
    detector: 'cpuOveruse',
    signature: 'cpuOveruse',
    clause: 'resource.cpu',
    title: 'The workload of the tenant holds processors of the host.',
    direction: null,
    offender: 'acme',
    victim: null,
    value: 3,
    peak: 3.5,
    threshold: 1,
    unit: 'cores',
    observationPoint: 'host',
    evidence: {
      tier: 'sample',
      cpuCores: 3.0421,
      cpuLimitCores: null,
      throttledShare: 0,
      memoryBytes: 512e6,
      workingSetBytes: 400e6,
      memoryLimitBytes: 1e9,
      oomKills: null,
      pressure: { cpu: 0.4, memory: null },
      host: {
        cores: 4,
        cpuCores: 3.99,
        load1: 5.5,
        memoryTotalBytes: 16e9,
        memoryAvailableBytes: 8e9,
        pressure: { cpu: 0.7, memory: 0 },
      },
      waiting: [{ tenant: 'globex', share: 0.31 }],
    },
    ...changes,
  });

export const change = (event: IncidentEvent, changes: Partial<Incident> = {}): IncidentChange => ({
  event,
  incident: testIncident({ state: event === 'closed' ? 'closed' : 'open', ...changes }),
});
