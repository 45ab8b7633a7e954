/** The daemon: the parts of the data path put together. What each does is in its own room. */
import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createHostProbe } from '../probes/host/hostProbe.ts';
import type { ProbeState, ProbeStatistics } from '../probes/probe.ts';
import { AlertmanagerNotifier } from './alerting/alertmanager.ts';
import { type Component, startComponents } from './components.ts';
import { describeHost } from './config/host.ts';
import { inOrderOf, needsRestart, restartReason } from './config/needsRestart.ts';
import type { CollectorConfig, Config, InterfaceConfig } from './config/config.ts';
import type { DetectorContext } from './detectors/detector.ts';
import { EvidenceFolder } from './evidenceFolder.ts';
import { Explainer } from './explainer.ts';
import { Enforcer } from './enforcement/enforcer.ts';
import { COLLECTOR_POINT, FlowCollection } from './flowCollection.ts';
import { HOST_POINT, hostLagMs, HostSampling } from './hostSampling.ts';
import { Limiter } from './enforcement/limiter.ts';
import { noticesOf } from './enforcement/notices.ts';
import { Tc } from './enforcement/tc.ts';
import { WriterLock } from './enforcement/writerLock.ts';
import { runtimeDirectory } from './config/schema.ts';
import { HistoryReader } from './store/historyReader.ts';
import { LevelMeter } from './store/levelMeter.ts';
import { Liveness } from './liveness.ts';
import { Remembering } from './remembering.ts';
import { NO_SERVICE_MANAGER, type ServiceManager } from './serviceManager.ts';
import { EvidenceFrames } from './incidents/evidenceFrames.ts';
import type { IncidentChange } from './incidents/incident.ts';
import { type Logger, LogLimiter } from './log.ts';
import { messageOf } from './messageOf.ts';
import { Capture } from './metering/capture.ts';
import { probeInput } from './metering/probeInput.ts';
import { TABLES, type Window, WINDOW_MS } from './metering/window.ts';
import { Pipeline } from './pipeline.ts';
import { ProbeLog } from './probeLog.ts';
import { Archive } from './status/archive.ts';
import type { Outcome } from './status/changes.ts';
import { type ControlServerOptions, startControlServer } from './status/controlServer.ts';
import { EventStream } from './status/eventStream.ts';
import { enforcementStatus, limitStatus } from './status/limitStatus.ts';
import { Links } from './status/links.ts';
import { Metrics } from './status/metrics.ts';
import { Observations } from './status/observations.ts';
import { statusUrl } from './status/statusUrl.ts';
import { startStatusServer, type StatusServerOptions } from './status/server.ts';
import type { LimitStatus, ReloadStatus } from './status/snapshot.ts';
import { RecentIncidents } from './status/recentIncidents.ts';
import { takeOverview, takeSnapshot, takeTenants, takeVitals } from './status/takeSnapshot.ts';
import { accountingPoints } from './tenants/accounting.ts';
import { TenantDirectory } from './tenants/directory.ts';

/** The main thread looks at a ring's window by then: only after it is a silent interface taken to be quiet. */
const LATEST_WINDOW_MS = 5_000;

/** How often alerts of limits are looked after, and the service manager is told what the daemon does. */
const NOTICES_MS = 1_000;
/** A tick that comes later than this by as much was not there to hear of anybody. */
const LATE_TICK_MS = 1_000;

export class Daemon {
  #config: Config;
  readonly #log: Logger;
  readonly #manager: ServiceManager;
  readonly #liveness: Liveness;
  readonly #logLimiter = new LogLimiter();
  readonly #probeLog: ProbeLog;
  readonly #links: Links;
  readonly #pipeline: Pipeline;
  readonly #recent = new RecentIncidents();
  readonly #observations: Observations;
  readonly #metrics: Metrics;
  readonly #events: EventStream;
  readonly #notifier: AlertmanagerNotifier;
  readonly #enforcer: Enforcer;
  readonly #captures: ReadonlyMap<string, Capture>;
  /** null: flow exporters are not listened to. */
  readonly #collection: FlowCollection | null;
  readonly #sampling: HostSampling;
  readonly #evidence: EvidenceFrames;
  /** null: nothing is kept on the disk. */
  readonly #evidenceFolder: EvidenceFolder | null;
  /** null: nothing is kept over a restart. */
  readonly #remembering: Remembering | null;
  readonly #components: readonly Component[];
  /** Of the interfaces, as last told. */
  readonly #states = new Map<string, ProbeState>();
  #stopAll: () => Promise<void> = () => Promise.resolve();
  /** How the last reload ended; null: there was none. */
  #reload: ReloadStatus | null = null;
  #keepLimits = false;
  #tickedMs = performance.now();
  #notifiedMs = 0;

  constructor(config: Config, configPath: string | null, log: Logger, manager = NO_SERVICE_MANAGER) {
    const accountsFor = accountingPoints(config.interfaces, config.tenants, config.collector && COLLECTOR_POINT);
    const hashSeed = randomInt(2 ** 31);
    const directory = new TenantDirectory(config.tenants);
    const startedMs = Date.now();
    const loopDelay = monitorEventLoopDelay();
    this.#config = config;
    this.#log = log;
    this.#manager = manager;
    this.#liveness = new Liveness([
      ...config.interfaces.map(({ name }) => name),
      ...(config.collector === null ? [] : [COLLECTOR_POINT]),
    ]);
    this.#probeLog = new ProbeLog(log);
    this.#links = new Links(config.interfaces.map(({ name }) => name));
    const levels = new LevelMeter();
    const noteLevel: DetectorContext['noteLevel'] = (signature, tenant, direction, value) =>
      levels.note({ signature, tenant, direction, value });
    this.#pipeline = new Pipeline(config, { tenants: config.tenants, directory, hashSeed, noteLevel }, accountsFor);
    this.#observations = new Observations(config.tenants.length, accountsFor);
    for (const { name } of config.interfaces) this.#pipeline.declare(name, { lagMs: LATEST_WINDOW_MS });
    this.#captures = new Map(config.interfaces.map((each) => [each.name, this.#capture(each, hashSeed)]));
    this.#collection = config.collector && this.#collect(config.collector, hashSeed);
    this.#sampling = this.#sample();
    this.#remembering = this.#remember(levels);
    this.#evidenceFolder = config.store.path === null ? null : this.#openEvidence(config.store.path);
    this.#evidence = new EvidenceFrames({
      directory,
      tenantIds: config.tenants.map(({ id }) => id),
      onFile: (id, pcap) => this.#evidenceFolder?.write(id, pcap),
    });
    const vitalSources = () => ({
      config: this.#config,
      startedMs,
      nowMs: Date.now(),
      captures: this.#captures,
      collection: this.#collection,
      observations: this.#observations,
      links: this.#links.latest,
    });
    const tenantSources = () => ({
      ...vitalSources(),
      open: this.#pipeline.incidents.open(),
      limits: this.#limits(),
      sampling: this.#sampling,
    });
    const snapshot = () =>
      takeSnapshot({
        ...tenantSources(),
        configPath,
        reload: this.#reload,
        closed: this.#recent.closed,
        incidentCounters: this.#pipeline.incidents.counters,
        enforcement: enforcementStatus(this.#config.enforcement.mode, this.#enforcer.state),
        alertmanager: this.#notifier.statuses(),
        store: this.#remembering?.store.state ?? null,
        loopDelay,
      });
    const reader = config.store.path === null ? null : new HistoryReader({ path: config.store.path });
    const archive = new Archive({
      reader,
      tenants: () => this.#config.tenants,
      open: () => this.#pipeline.incidents.open(),
      closed: () => this.#recent.closed,
      limits: () => this.#limits(),
      tenantStatuses: () => takeTenants(tenantSources()),
      hasEvidence: async (id) => (await this.#evidenceFolder?.has(id)) ?? false,
    });
    this.#events = new EventStream({ overview: () => takeOverview(tenantSources()) });
    const explainer = new Explainer(() => this.#config, this.#pipeline);
    const { traffic } = this.#observations;
    this.#metrics = new Metrics({ tenantIds: config.tenants.map(({ id }) => id), traffic, snapshot });
    const { urls, resendMs } = config.alertmanager;
    const teller = { host: hostname(), pageUrl: statusUrl(config.status.listen) };
    this.#notifier = new AlertmanagerNotifier({ urls, resendMs, teller, log });
    this.#enforcer = new Enforcer({
      config,
      limiter: new Limiter(new Tc(), config.enforcement.exempt.prefixes),
      log,
      ownAddresses: () => describeHost().addresses,
      seed: randomInt(2 ** 31),
      store: this.#remembering?.store ?? null,
      lock: new WriterLock(runtimeDirectory()),
    });
    this.#components = [
      { name: 'loop delay', start: async () => void loopDelay.enable(), stop: async () => void loopDelay.disable() },
      ...statusComponents(
        {
          snapshot,
          vitals: () => takeVitals(vitalSources()),
          archive,
          events: this.#events,
          explain: (tenant, detector) => explainer.explain(tenant, detector),
          evidence: async (id) => (await this.#evidenceFolder?.read(id)) ?? null,
          metrics: (format) => this.#metrics.text(format),
          limit: async (order) => this.#outcome(order.tenant, await this.#enforcer.order(order, Date.now())),
          release: async (tenant, by) => this.#outcome(tenant, await this.#enforcer.release(tenant, by, Date.now())),
          log,
        },
        config.status,
      ),
      ...(this.#remembering === null ? [] : [this.#remembering]),
      ...(reader === null ? [] : [reader]),
      { name: 'links', start: () => this.#links.start(), stop: () => this.#links.stop() },
      { name: 'enforcement', start: () => this.#enforcer.start(Date.now()), stop: () => this.#stopEnforcing() },
      { name: 'evidence', start: () => Promise.resolve(), stop: () => this.#stopEvidence() },
      { name: 'alerting', start: () => Promise.resolve(), stop: () => this.#notifier.stop() },
      ...[...this.#captures].map(([name, capture]) => captureComponent(name, capture)),
      ...(this.#collection === null ? [] : [this.#collection]),
      this.#sampling,
      tickComponent(() => this.#tick()),
    ];
  }

  /** Rejects with one line for the operator, and nothing left behind, when a part cannot start. */
  async start(): Promise<void> {
    const onStopFailure = (name: string, error: unknown): void =>
      this.#log.error({ err: error }, `Cannot stop ${name} cleanly`);
    this.#stopAll = await startComponents(this.#components, onStopFailure);
    this.#tellManager();
    this.#manager.ready();
    const { interfaces, tenants, enforcement, status } = this.#config;
    const names = interfaces.map(({ name }) => name);
    this.#log.info(
      { interfaces: names, tenants: tenants.length, enforcement: enforcement.mode, status: status.listen },
      `watching ${names.length === 0 ? 'flow records alone' : names.join(', ')}`,
    );
  }

  #stopEnforcing(): Promise<void> {
    return this.#enforcer.stop({ keepLimits: this.#keepLimits });
  }

  async #stopEvidence(): Promise<void> {
    this.#evidence.finish();
    await this.#evidenceFolder?.stop();
  }

  /**
   * Takes up a configuration while it runs, or, where `read` throws or some of it cannot be taken up, nothing of it. Gives why
   * not; null: it counts from now on. One after the other.
   */
  async reload(read: () => Config): Promise<string | null> {
    this.#manager.reloading();
    const refused = await this.#takeUp(read).catch((error: unknown) => messageOf(error));
    this.#reload = { at: new Date().toISOString(), refused };
    if (refused === null) this.#log.info('configuration reloaded');
    else this.#log.error(`Cannot reload the configuration, nothing of it is taken up: ${refused}`);
    this.#tellManager();
    this.#manager.ready();
    return refused;
  }

  async #takeUp(read: () => Config): Promise<string | null> {
    const next = inOrderOf(this.#config, read());
    const keys = needsRestart(this.#config, next);
    if (keys.length > 0) return restartReason(keys);
    // The one part that may not be able to; the others follow in one go.
    await this.#enforcer.reconfigure(next, Date.now());
    this.#config = next;
    this.#pipeline.reconfigure(next);
    this.#notifier.reconfigure(next.alertmanager.urls, next.alertmanager.resendMs);
    this.#log.level = next.log.level;
    return null;
  }

  /** `keepLimits`: they stay in the kernel, for the daemon that comes next to adopt. */
  async stop({ keepLimits = false } = {}): Promise<void> {
    this.#keepLimits = keepLimits;
    this.#log.info({ keepLimits }, 'stopping');
    this.#manager.stopping();
    await this.#stopAll();
    this.#log.info('stopped');
  }

  #capture(config: InterfaceConfig, hashSeed: number): Capture {
    const { name, faces, tenant } = config;
    const { tenants } = this.#config;
    const portTenant = tenants.findIndex(({ id }) => id === tenant) + 1;
    this.#pipeline.declare(name, { portTenant });
    return new Capture({
      probe: probeInput(config),
      tenants,
      portTenant,
      shape: { tenants: tenants.length, ...TABLES[faces] },
      hashSeed,
      onWindow: (window, statistics) => this.#observe(name, window, statistics),
      onDeath: (reason) => this.#tellDeath(name, reason),
    });
  }

  #collect(config: CollectorConfig, hashSeed: number): FlowCollection {
    const { tenants } = this.#config;
    const onWindow = (window: Window): void => this.#observeFlows(window);
    const onReport = (): void => this.#liveness.heard(COLLECTOR_POINT, performance.now());
    const collection = new FlowCollection({ config, tenants, hashSeed, log: this.#log, onWindow, onReport });
    const { windowMs, lagMs } = collection.collector;
    this.#pipeline.declare(COLLECTOR_POINT, { lagMs: lagMs + windowMs + LATEST_WINDOW_MS });
    return collection;
  }

  #sample(): HostSampling {
    const { workloads, tenants, host } = this.#config;
    this.#pipeline.declare(HOST_POINT, { lagMs: hostLagMs(host.everyMs) });
    return new HostSampling({
      probe: createHostProbe({ workloads: new Map(workloads.map(({ tenant, workload }) => [tenant, workload])) }),
      everyMs: host.everyMs,
      tenantIds: tenants.map(({ id }) => id),
      log: this.#log,
      onSample: (sample) => this.#observations.observeSample(sample),
      onWindow: (window) => this.#take(this.#pipeline.observe(HOST_POINT, window)),
    });
  }

  #remember(levels: LevelMeter): Remembering | null {
    const { store, tenants } = this.#config;
    const { path, keepMs } = store;
    if (path === null) return null;
    return new Remembering({
      path,
      keepMs,
      tenantIds: tenants.map(({ id }) => id),
      pipeline: this.#pipeline,
      levels,
      usage: {
        totals: this.#observations.traffic.tenants,
        isWatched: (tenant, nowMs) => this.#observations.isWatched(tenant, nowMs),
      },
      log: this.#log,
      onClosed: (incidents) => this.#recent.restore(incidents),
    });
  }

  #openEvidence(storePath: string): EvidenceFolder {
    return new EvidenceFolder(join(dirname(storePath), 'evidence'), (problem) => {
      if (this.#logLimiter.allows('evidence', Date.now())) this.#log.warn(problem);
    });
  }

  #observeFlows(window: Window): void {
    this.#observations.observeFlows(COLLECTOR_POINT, window, this.#collection?.collector.lagMs ?? 0);
    this.#take(this.#pipeline.observe(COLLECTOR_POINT, window));
  }

  #observe(name: string, window: Window, statistics: ProbeStatistics): void {
    this.#liveness.heard(name, performance.now());
    this.#evidence.observe(name, this.#captures.get(name)?.keptFrames() ?? [], window.endMs);
    this.#take(this.#pipeline.observe(name, window));
    this.#observations.observeWindow(name, window, statistics);
    this.#tellState(name, statistics.state);
    const nowMs = Date.now();
    this.#probeLog.observeRestarts(name, statistics, nowMs);
    this.#probeLog.observe(name, window, this.#observations.interfaceCounters(name, nowMs).unseen.bytes, nowMs);
  }

  #tellDeath(name: string, reason: string): void {
    if (!this.#logLimiter.allows(`died ${name}`, Date.now())) return;
    this.#log.error({ interface: name }, `Cannot watch ${name}: ${reason} (starting it again)`);
  }

  /** Says when an interface goes away and when it is back. */
  #tellState(name: string, state: ProbeState): void {
    const before = this.#states.get(name) ?? 'up';
    this.#states.set(name, state);
    if (state === before) return;
    if (state === 'up') this.#log.info({ interface: name }, `watching ${name} again`);
    else if (state === 'restarting')
      this.#log.warn({ interface: name }, `${name} is not watched: the process that captures is started again`);
    else this.#log.warn({ interface: name }, `${name} is ${state}: waiting for it`);
  }

  #take(changes: readonly IncidentChange[]): void {
    if (changes.length === 0) return;
    const nowMs = Date.now();
    this.#notifier.update(changes, nowMs);
    this.#evidence.take(changes);
    if (changes.some(({ event }) => event !== 'refreshed')) this.#enforce();
    for (const change of changes) {
      this.#metrics.observeIncident(change);
      this.#recent.observe(change);
      this.#events.observe(change);
      this.#remembering?.observe(change, nowMs);
      if (change.event !== 'refreshed') this.#log.info({ incident: change.incident }, `incident ${change.event}`);
    }
  }

  #limits(): LimitStatus[] {
    return this.#enforcer.limits().map((each) => limitStatus(each, this.#config.tenants, Date.now()));
  }

  #outcome(tenant: string, refused: string | null): Outcome {
    if (refused !== null) return { refused };
    return { limit: this.#limits().find((limit) => limit.tenant === tenant) ?? null };
  }

  #tick(): void {
    const elapsedMs = performance.now() - this.#tickedMs;
    this.#tickedMs += elapsedMs;
    this.#answerWatchdog(elapsedMs);
    this.#take(this.#remembering?.takeResumed() ?? []);
    this.#take(this.#pipeline.incidents.advance(elapsedMs));
    const nowMs = Date.now();
    this.#notifier.tick(nowMs);
    this.#notify(nowMs);
    this.#remembering?.tick(nowMs, elapsedMs);
    this.#enforce();
  }

  /** As long as every thread that watches is heard of: one that hangs, or cannot live, needs the whole daemon started anew. */
  #answerWatchdog(elapsedMs: number): void {
    if (elapsedMs > LATE_TICK_MS) this.#liveness.pardon(elapsedMs);
    const silent = this.#liveness.silent(this.#tickedMs);
    if (silent.length === 0) this.#manager.alive(this.#tickedMs);
    else if (this.#logLimiter.allows('silent', Date.now()))
      this.#log.error(`Nothing is heard of ${silent.join(', ')}: the service manager is not told that all is well`);
  }

  #tellManager(): void {
    const { interfaces, tenants, enforcement } = this.#config;
    const limits = this.#enforcer.limits().filter(({ inForce }) => inForce).length;
    const watched = interfaces.length === 0 ? 'flow records' : interfaces.map(({ name }) => name).join(', ');
    if (this.#reload !== null && this.#reload.refused !== null)
      return this.#manager.status(`configuration refused at ${this.#reload.at}: ${this.#reload.refused}`);
    this.#manager.status(
      `${enforcement.mode === 'enforce' ? 'enforcing' : 'observing'} on ${watched}: ` +
        `${tenants.length} tenants, ${this.#pipeline.incidents.open().length} open incidents, ${limits} limits`,
    );
  }

  /** Of limits, once a second. */
  #notify(nowMs: number): void {
    if (Math.abs(nowMs - this.#notifiedMs) < NOTICES_MS) return;
    this.#notifiedMs = nowMs;
    this.#tellManager();
    this.#notifier.notify(noticesOf(this.#enforcer.limits(), this.#enforcer.state, nowMs), nowMs);
  }

  #enforce(): void {
    this.#enforcer.tick(this.#pipeline.incidents.open(), Date.now());
  }
}

function captureComponent(name: string, capture: Capture): Component {
  return { name: `capture on ${name}`, start: () => capture.start(), stop: () => capture.stop() };
}

function serving(name: string, open: () => Promise<{ close(): Promise<void> }>): Component {
  let server: { close(): Promise<void> } | null = null;
  return {
    name,
    start: async () => {
      server = await open();
    },
    stop: async () => server?.close(),
  };
}

/** Read-only over TCP, then what changes things over the unix socket. */
function statusComponents(
  options: Omit<StatusServerOptions, 'listen'> & Omit<ControlServerOptions, 'path'>,
  { listen, socket }: Config['status'],
): Component[] {
  return [
    serving('status', () => startStatusServer({ ...options, listen })),
    serving('control', () => startControlServer({ ...options, path: socket })),
  ];
}

/** What has to happen whether or not there is traffic. */
function tickComponent(tick: () => void): Component {
  let timer: NodeJS.Timeout | undefined;
  return {
    name: 'tick',
    start: async () => {
      timer = setInterval(tick, WINDOW_MS);
    },
    stop: async () => clearInterval(timer),
  };
}
