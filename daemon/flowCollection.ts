/** The flow collector as a part of the daemon: its worker, the file of its templates, and what is said of it in the log. */
import type { Component } from './components.ts';
import type { CollectorConfig, SocketAddress } from './config/config.ts';
import { formatSize } from './config/units.ts';
import { type Logger, LogLimiter } from './log.ts';
import { Collector } from './metering/collector.ts';
import type { CollectorReport } from './metering/collectorProtocol.ts';
import { flowWindowMs } from './metering/flowWindows.ts';
import { TemplateStore } from './metering/templateStore.ts';
import type { Window } from './metering/window.ts';
import { parseAddress } from './tenants/prefix.ts';
import type { Tenant } from './tenants/tenant.ts';

/** What incidents call it; no interface can have a name with a space in it. */
export const COLLECTOR_POINT = 'flow collector';

export interface FlowCollectionOptions {
  readonly config: CollectorConfig;
  readonly tenants: readonly Tenant[];
  readonly hashSeed: number;
  readonly log: Logger;
  /** The window is valid only during the call. */
  onWindow(window: Window): void;
}

export class FlowCollection implements Component {
  readonly name = COLLECTOR_POINT;
  readonly collector: Collector;
  /** When it last said something of itself; null: not yet. */
  lastReportMs: number | null = null;
  /** Of the window that came last. */
  lastWindowMs: number | null = null;
  readonly #config: CollectorConfig;
  readonly #log: Logger;
  readonly #logLimiter = new LogLimiter();
  readonly #store: TemplateStore;
  #before: CollectorReport | null = null;

  constructor(options: FlowCollectionOptions) {
    const { config, tenants, hashSeed, log } = options;
    this.#config = config;
    this.#log = log;
    this.#store = new TemplateStore(config.templates, (problem) => log.warn(problem));
    this.collector = new Collector({
      input: {
        udp: config.listen.map(listenAddress),
        tcp: config.tcp.map(listenAddress),
        receiveBufferBytes: config.receiveBufferBytes,
        exporters: config.exporters,
        windowMs: flowWindowMs(config.activeTimeoutMs),
        tenants,
        hashSeed,
        templates: this.#store.read(),
      },
      onWindow: (window) => {
        this.lastWindowMs = window.endMs;
        options.onWindow(window);
      },
      onReport: (report) => this.#observe(report),
      onDeath: (reason) => this.#tellDeath(reason),
    });
  }

  /** Rejects, with its one clear line, when it cannot listen. */
  async start(): Promise<void> {
    await this.collector.start();
    const { windowMs, lagMs } = this.collector;
    const listeners = [...this.#config.listen, ...this.#config.tcp].map((each) => listenAddress(each).text);
    this.#log.info({ listeners, windowMs, lagMs }, `collecting flow records on ${listeners.join(', ')}`);
  }

  async stop(): Promise<void> {
    await this.collector.stop();
    await this.#store.close();
  }

  #observe(report: CollectorReport): void {
    this.lastReportMs = Date.now();
    if (report.templates !== null) this.#store.save(report.templates);
    if (this.#before === null) this.#tellBuffers(report);
    this.#tellDrops(report);
    this.#tellRefusals(report);
    this.#before = report;
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

  #tellDrops({ listeners }: CollectorReport): void {
    listeners.forEach(({ address, dropped }, i) => {
      const lost = (dropped ?? 0) - (this.#before?.listeners[i]?.dropped ?? 0);
      if (lost > 0 && this.#logLimiter.allows(`dropped ${address}`, Date.now()))
        this.#log.warn(
          { listener: address, dropped: lost },
          `losing datagrams on ${address}: raise collector.receiveBuffer`,
        );
    });
  }

  #tellRefusals({ strangers, crowdedOut, lastRefused }: CollectorReport): void {
    const refused =
      strangers + crowdedOut - (this.#before === null ? 0 : this.#before.strangers + this.#before.crowdedOut);
    if (refused <= 0 || !this.#logLimiter.allows('refused', Date.now())) return;
    const why = crowdedOut > (this.#before?.crowdedOut ?? 0) ? 'too many exporters' : 'not among collector.exporters';
    this.#log.warn(
      { exporter: lastRefused, refused },
      `refusing flow records from ${lastRefused ?? 'somebody'}: ${why}`,
    );
  }

  #tellDeath(reason: string): void {
    this.#before = null;
    if (!this.#logLimiter.allows('died', Date.now())) return;
    this.#log.error(`Cannot collect flow records: ${reason} (starting it again)`);
  }
}

function listenAddress({ host, port }: SocketAddress) {
  const words = parseAddress(host);
  if (words === null) throw new RangeError(`Cannot listen on ${host}: it is no address`);
  return { words, port, text: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` };
}
