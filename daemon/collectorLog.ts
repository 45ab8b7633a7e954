/** What the log says of the flow collector's troubles: each kind at most once a minute. */
import type { Milliseconds } from '../probes/probe.ts';
import type { CollectorConfig } from './config/config.ts';
import { formatDuration, formatSize } from './config/units.ts';
import { LogLimiter } from './log.ts';
import type { CollectorReport, ExporterReport } from './metering/collectorProtocol.ts';

/** What an exporter's delays may cost now and then, of the octets that it tells of. */
const LATE_SHARE = 0.01;
/** As long as nobody configures it, it stays so. */
const SAMPLING_EVERY_MS = 3_600_000;

/** As much of a logger as it takes. */
interface Lines {
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export class CollectorLog {
  readonly #log: Lines;
  readonly #config: Pick<CollectorConfig, 'receiveBufferBytes' | 'activeTimeoutMs'>;
  readonly #limiter = new LogLimiter();
  readonly #samplingLimiter = new LogLimiter(SAMPLING_EVERY_MS);
  /** Of the same worker; null: it has told nothing yet. */
  #before: CollectorReport | null = null;

  constructor(log: Lines, config: Pick<CollectorConfig, 'receiveBufferBytes' | 'activeTimeoutMs'>) {
    this.#log = log;
    this.#config = config;
  }

  observe(report: CollectorReport, nowMs: Milliseconds): void {
    if (this.#before === null) this.#tellBuffers(report);
    this.#tellDrops(report, nowMs);
    this.#tellRefusals(report, nowMs);
    const before = new Map(this.#before?.exporters.map((each) => [each.address, each]));
    for (const exporter of report.exporters) {
      this.#tellLate(exporter, before.get(exporter.address), nowMs);
      this.#tellSampling(exporter, before.get(exporter.address), nowMs);
    }
    this.#before = report;
  }

  observeDeath(reason: string, nowMs: Milliseconds): void {
    this.#before = null;
    if (!this.#limiter.allows('died', nowMs)) return;
    this.#log.error({}, `Cannot collect flow records: ${reason} (starting it again)`);
  }

  #tellBuffers({ listeners }: CollectorReport): void {
    const wanted = this.#config.receiveBufferBytes;
    for (const { address, receiveBufferBytes: granted } of listeners) {
      if (granted === null || granted >= wanted) continue;
      this.#log.warn(
        { listener: address, granted, wanted },
        `the receive buffer of ${address} is ${formatSize(granted)} instead of ${formatSize(wanted)}: ` +
          `raise net.core.rmem_max (sysctl -w net.core.rmem_max=${wanted}), or give CAP_NET_ADMIN`,
      );
    }
  }

  #tellDrops({ listeners }: CollectorReport, nowMs: Milliseconds): void {
    listeners.forEach(({ address, dropped }, i) => {
      const lost = (dropped ?? 0) - (this.#before?.listeners[i]?.dropped ?? 0);
      if (lost <= 0 || !this.#limiter.allows(`dropped ${address}`, nowMs)) return;
      const facts = { listener: address, dropped: lost };
      this.#log.warn(facts, `losing datagrams on ${address}: raise collector.receiveBuffer`);
    });
  }

  #tellRefusals({ strangers, crowdedOut, lastRefused }: CollectorReport, nowMs: Milliseconds): void {
    const crowded = crowdedOut - (this.#before?.crowdedOut ?? 0);
    const refused = strangers - (this.#before?.strangers ?? 0) + crowded;
    if (refused <= 0 || !this.#limiter.allows('refused', nowMs)) return;
    const why = crowded > 0 ? 'too many exporters' : 'not among collector.exporters';
    const facts = { exporter: lastRefused, refused };
    this.#log.warn(facts, `refusing flow records from ${lastRefused ?? 'somebody'}: ${why}`);
  }

  #tellLate({ address, lateOctets, octets }: ExporterReport, before: ExporterReport | undefined, nowMs: number): void {
    const late = lateOctets - (before?.lateOctets ?? 0);
    const told = octets - (before?.octets ?? 0);
    if (late <= told * LATE_SHARE || !this.#limiter.allows('late', nowMs)) return;
    const timeout = formatDuration(this.#config.activeTimeoutMs);
    this.#log.warn(
      { exporter: address, lateOctets: late },
      `flow records of ${address} come too late: its active timeout is longer than collector.activeTimeout (${timeout})`,
    );
  }

  #tellSampling(exporter: ExporterReport, before: ExporterReport | undefined, nowMs: Milliseconds): void {
    const { address, unknownSamplingRecords: records } = exporter;
    const isUnknown = records > (before?.unknownSamplingRecords ?? 0);
    if (!isUnknown || !this.#samplingLimiter.allows('sampling', nowMs)) return;
    this.#log.warn(
      { exporter: address, records },
      `${address} does not say how it samples: set its sampling in collector.exporters (1: it looks at every packet)`,
    );
  }
}
