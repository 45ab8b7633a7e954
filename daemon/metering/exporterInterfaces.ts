/** What exporters' interfaces have counted (sFlow): the latest of each, for whoever compares it with what the samples come to. */
import type { InterfaceCounters } from '../../probes/flow.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import type { InterfaceReport } from './collectorProtocol.ts';

/** Each is a line of the status and some series in the metrics; those that are told of first have the places. */
const MAX_OF_EXPORTER = 64;
const MAX_INTERFACES = 1024;

export class ExporterInterfaces {
  /** By exporter and ifIndex. */
  readonly #byExporter = new Map<string, Map<number, InterfaceReport>>();
  #count = 0;

  observe(exporter: string, counters: InterfaceCounters, receivedMs: Milliseconds): void {
    const own = this.#byExporter.get(exporter) ?? new Map<number, InterfaceReport>();
    if (!own.has(counters.ifIndex)) {
      if (this.#count >= MAX_INTERFACES || own.size >= MAX_OF_EXPORTER) return;
      this.#count += 1;
      this.#byExporter.set(exporter, own);
    }
    own.set(counters.ifIndex, reportOf(counters, receivedMs));
  }

  of(exporter: string): InterfaceReport[] {
    return [...(this.#byExporter.get(exporter)?.values() ?? [])];
  }

  forget(exporter: string): void {
    this.#count -= this.#byExporter.get(exporter)?.size ?? 0;
    this.#byExporter.delete(exporter);
  }
}

function reportOf(counters: InterfaceCounters, lastMs: Milliseconds): InterfaceReport {
  return {
    index: counters.ifIndex,
    speedBps: known(counters.ifSpeed),
    inbound: {
      octets: known(counters.ifInOctets),
      packets: known(counters.ifInPackets),
      discards: known(counters.ifInDiscards),
      errors: known(counters.ifInErrors),
    },
    outbound: {
      octets: known(counters.ifOutOctets),
      packets: known(counters.ifOutPackets),
      discards: known(counters.ifOutDiscards),
      errors: known(counters.ifOutErrors),
    },
    lastMs,
  };
}

const known = (value: number): number | null => (value < 0 ? null : value);
