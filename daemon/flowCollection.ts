/** The flow collector as a part of the daemon: its worker, and the file of its templates. */
import { CollectorLog } from './collectorLog.ts';
import type { Component } from './components.ts';
import type { CollectorConfig, SocketAddress } from './config/config.ts';
import type { Logger } from './log.ts';
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
  /** The collector has said something of itself, which it does every second. */
  onReport(): void;
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
  readonly #collectorLog: CollectorLog;
  readonly #store: TemplateStore;

  constructor(options: FlowCollectionOptions) {
    const { config, tenants, hashSeed, log } = options;
    this.#config = config;
    this.#log = log;
    this.#collectorLog = new CollectorLog(log, config);
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
      onReport: (report) => {
        this.#observe(report);
        options.onReport();
      },
      onDeath: (reason) => this.#collectorLog.observeDeath(reason, Date.now()),
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
    this.#collectorLog.observe(report, this.lastReportMs);
  }
}

function listenAddress({ host, port }: SocketAddress) {
  const words = parseAddress(host);
  if (words === null) throw new RangeError(`Cannot listen on ${host}: it is no address`);
  return { words, port, text: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` };
}
