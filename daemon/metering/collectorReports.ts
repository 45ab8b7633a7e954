/** What the collector's worker says of itself every second: sockets, exporters, and templates that are worth keeping. */
import type { CollectorProbe, Exporter } from '../../probes/netflow/collectorProbe.ts';
import type { ExporterStatistics, FlowDecoder } from '../../probes/netflow/flowDecoder.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import { formatAddress } from './address.ts';
import type { CollectorReport, ExporterReport, InterfaceReport } from './collectorProtocol.ts';
import type { ExporterFlows, FlowCollector } from './flowCollector.ts';
import type { FlowWindows } from './flowWindows.ts';

/** Templates seldom change, and a restart that misses the last seconds gets them again from the exporter. */
const SAVE_EVERY_MS = 10_000;

export interface ReportSources {
  readonly probe: CollectorProbe;
  readonly decoder: FlowDecoder;
  readonly collector: FlowCollector;
  readonly windows: FlowWindows;
}

export class CollectorReports {
  readonly #sources: ReportSources;
  #last: CollectorReport;
  #savedMs: Milliseconds;
  #saved: string;
  /** Records that are missing in the sequence numbers, that the kernel dropped, and that the windows were told of. */
  #bySequence = 0;
  #byKernel = 0;
  #told = 0;
  #takenMs: Milliseconds;

  constructor(sources: ReportSources, nowMs: Milliseconds) {
    this.#sources = sources;
    this.#last = this.#make(null);
    this.#saved = JSON.stringify(sources.decoder.save());
    this.#savedMs = nowMs;
    this.#takenMs = nowMs;
  }

  /** As of the last second. */
  get last(): CollectorReport {
    return this.#last;
  }

  take(nowMs: Milliseconds): CollectorReport {
    const report = this.#make(this.#changedTemplates(nowMs));
    this.#tellLoss(report);
    this.#takenMs = nowMs;
    this.#last = { ...report, templates: null };
    return report;
  }

  /** The windows learn of records that never came, within a second, in the newest of them. */
  #tellLoss(report: CollectorReport): void {
    this.#bySequence += lostBySequence(report, this.#last);
    this.#byKernel += lostByKernel(report, this.#last);
    // What the kernel dropped is missing in the sequence numbers, too, if some messages later.
    const lost = Math.round(Math.max(this.#bySequence, this.#byKernel));
    if (lost > this.#told) this.#sources.windows.lose(lost - this.#told);
    this.#told = lost;
    if (report.exporters.some((each) => numbersNothing(each) && each.lastMs >= this.#takenMs))
      this.#sources.windows.lose(null);
  }

  #changedTemplates(nowMs: Milliseconds): unknown {
    if (Math.abs(nowMs - this.#savedMs) < SAVE_EVERY_MS) return null;
    this.#savedMs = nowMs;
    const state = this.#sources.decoder.save();
    const text = JSON.stringify(state);
    if (text === this.#saved) return null;
    this.#saved = text;
    return state;
  }

  #make(templates: unknown): CollectorReport {
    const { probe, decoder, collector } = this.#sources;
    const { listeners, strangers, crowdedOut, exporters } = probe.statistics();
    const decoded = decoder.statistics();
    const refused = probe.table.lastRefused;
    return {
      listeners,
      strangers,
      crowdedOut,
      lastRefused: refused === null ? null : formatAddress(refused.w0, refused.w1, refused.w2, refused.w3),
      exporters: exporters.map((each) =>
        reportOf(
          each,
          decoded.get(each.address),
          collector.exporters.get(each.address),
          collector.interfaces.of(each.address),
        ),
      ),
      templates,
    };
  }
}

/** NetFlow v1. */
const numbersNothing = (each: ExporterReport): boolean =>
  each.records > 0 && each.lostRecords === null && each.lostMessages === null;

const perMessage = ({ messages, records }: ExporterReport): number => (messages === 0 ? 0 : records / messages);

/** Since the report before; estimated where the protocol numbers messages, by the records that one has on the mean until now. */
function lostBySequence({ exporters }: CollectorReport, { exporters: earlier }: CollectorReport): number {
  const before = new Map(earlier.map((each) => [each.address, each]));
  return exporters.reduce((sum, each) => {
    const last = before.get(each.address);
    const records = rise(each.lostRecords, last?.lostRecords);
    return sum + records + rise(each.lostMessages, last?.lostMessages) * perMessage(each);
  }, 0);
}

/** Since the report before: estimated by the records that a message has on the mean, whoever sent it. */
function lostByKernel({ exporters, listeners }: CollectorReport, { listeners: earlier }: CollectorReport): number {
  const dropped = listeners.reduce((sum, each, i) => sum + rise(each.dropped, earlier[i]?.dropped), 0);
  const [messages, records] = [total(exporters, 'messages'), total(exporters, 'records')];
  return messages === 0 ? 0 : (dropped * records) / messages;
}

const total = (exporters: readonly ExporterReport[], what: 'messages' | 'records'): number =>
  exporters.reduce((sum, each) => sum + each[what], 0);

/** Of a count that begins anew with an exporter that was forgotten. */
const rise = (now: number | null, before: number | null | undefined): number => Math.max((now ?? 0) - (before ?? 0), 0);

function reportOf(
  { address, datagrams, malformed, lastMs }: Exporter,
  decoded: ExporterStatistics | undefined,
  flows: ExporterFlows | undefined,
  interfaces: readonly InterfaceReport[],
): ExporterReport {
  return {
    address,
    protocols: decoded?.protocols ?? [],
    messages: datagrams,
    records: flows?.records ?? 0,
    packets: flows?.packets ?? 0,
    octets: flows?.octets ?? 0,
    malformed: Object.fromEntries(malformed),
    lostRecords: decoded?.lostRecords ?? null,
    lostMessages: decoded?.lostMessages ?? null,
    missingTemplates: decoded?.missingTemplates ?? 0,
    unaddressedRecords: decoded?.unaddressedRecords ?? 0,
    templates: decoded?.templates ?? 0,
    evictedTemplates: decoded?.evictedTemplates ?? 0,
    evictedDomains: decoded?.evictedDomains ?? 0,
    lateRecords: flows?.lateRecords ?? 0,
    lateOctets: flows?.lateOctets ?? 0,
    emptyRecords: flows?.emptyRecords ?? 0,
    futureRecords: flows?.futureRecords ?? 0,
    implausibleRecords: flows?.implausibleRecords ?? 0,
    crowdedOutRecords: flows?.crowdedOutRecords ?? 0,
    unknownSamplingRecords: flows?.unknownSamplingRecords ?? 0,
    otherFrames: flows?.otherFrames ?? 0,
    samplingInterval: flows?.samplingInterval ?? null,
    clockShiftMs: flows?.clock.shiftMs ?? 0,
    interfaces,
    lastMs,
  };
}
