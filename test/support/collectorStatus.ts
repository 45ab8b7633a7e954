/** A flow collector's report to alter: one exporter of IPFIX over UDP, all well. */
import type { CollectorReport, ExporterReport } from '../../daemon/metering/collectorProtocol.ts';
import type { CollectorSource } from '../../daemon/status/collectorStatus.ts';

const NOW = Date.parse('2026-03-01T10:00:13.000Z');

export function testExporter(changes: Partial<ExporterReport> = {}): ExporterReport {
  return {
    address: '192.0.2.1',
    protocols: ['ipfix'],
    messages: 1000,
    records: 28_000,
    packets: 280_000,
    octets: 200e6,
    malformed: {},
    lostRecords: 0,
    lostMessages: null,
    missingTemplates: 0,
    unaddressedRecords: 0,
    templates: 4,
    evictedTemplates: 0,
    evictedDomains: 0,
    lateRecords: 0,
    lateOctets: 0,
    emptyRecords: 0,
    futureRecords: 0,
    implausibleRecords: 0,
    crowdedOutRecords: 0,
    unknownSamplingRecords: 0,
    otherFrames: 0,
    samplingInterval: 1,
    clockShiftMs: 0,
    interfaces: [],
    lastMs: NOW - 500,
    ...changes,
  };
}

export function testCollector(changes: Partial<CollectorReport> = {}): CollectorSource {
  const listener = { receiveBufferBytes: 16 << 20, receiveBufferAskedBytes: 16 << 20, dropped: 0, connections: null };
  const report: CollectorReport = {
    listeners: [{ address: '127.0.0.1:2055', transport: 'udp', ...listener }],
    strangers: 0,
    crowdedOut: 0,
    lastRefused: null,
    exporters: [testExporter()],
    templates: null,
    ...changes,
  };
  return {
    collector: { state: 'up', restarts: 0, report, windowMs: 500, lagMs: 6500 },
    lastReportMs: NOW - 400,
    lastWindowMs: NOW - 6800,
  };
}
