/** What the status says of the flow collector: its listeners, and one row for each exporter. */
import type { ListenerStatus } from '../../probes/netflow/collectorProbe.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import type { Config } from '../config/config.ts';
import { detectorDefinitions } from '../detectors/index.ts';
import type { CollectorReport, ExporterReport, InterfaceReport } from '../metering/collectorProtocol.ts';

/** What its health is read from. */
export interface CollectorVitals {
  /** `starting` until its worker listens, `dead` while that is not running. */
  readonly state: 'starting' | 'up' | 'dead';
  /** When the worker last said something of itself, which it does every second. */
  readonly lastReportAt: string | null;
}

/** Counters are those since the worker started. */
export interface CollectorStatus extends CollectorVitals {
  readonly workerRestarts: number;
  readonly listeners: readonly ListenerStatus[];
  readonly windowSeconds: number;
  /** How long after its end a window is judged. */
  readonly lagSeconds: number;
  /** The end of the window that was judged last. */
  readonly lastWindowAt: string | null;
  /** Datagrams and connections from addresses that are not configured. */
  readonly strangers: number;
  /** Those of configured addresses for which there was no place. */
  readonly crowdedOut: number;
  /** Those that need packets, and do not look at flow records. */
  readonly detectorsNotRun: readonly string[];
  readonly exporters: readonly ExporterStatus[];
}

export type InterfaceStatus = Omit<InterfaceReport, 'lastMs'> & { readonly lastSampleAt: string };

export type ExporterStatus = Omit<ExporterReport, 'lastMs' | 'clockShiftMs' | 'interfaces'> & {
  /** What is added to its times, for its clock is off by that. */
  readonly clockShiftSeconds: number;
  readonly lastMessageAt: string;
  /** What its interfaces have counted (sFlow), beside which its samples can be judged. */
  readonly interfaces: readonly InterfaceStatus[];
};

/** What the daemon has of a collector. */
export interface CollectorSource {
  readonly collector: {
    readonly state: CollectorVitals['state'];
    readonly restarts: number;
    readonly report: CollectorReport | null;
    readonly windowMs: Milliseconds;
    readonly lagMs: Milliseconds;
  };
  readonly lastReportMs: Milliseconds | null;
  readonly lastWindowMs: Milliseconds | null;
}

export const collectorVitals = ({ collector, lastReportMs }: CollectorSource): CollectorVitals => ({
  state: collector.state,
  lastReportAt: timeText(lastReportMs),
});

export function collectorStatus(source: CollectorSource, detectors: Config['detectors']): CollectorStatus {
  const { report, restarts, windowMs, lagMs } = source.collector;
  return {
    ...collectorVitals(source),
    workerRestarts: restarts,
    listeners: report?.listeners ?? [],
    windowSeconds: windowMs / 1000,
    lagSeconds: lagMs / 1000,
    lastWindowAt: timeText(source.lastWindowMs),
    strangers: report?.strangers ?? 0,
    crowdedOut: report?.crowdedOut ?? 0,
    detectorsNotRun: detectorDefinitions
      .filter(
        ({ id, observes }) =>
          observes.includes('packets') && !observes.includes('flows') && detectors[id]?.mode !== 'off',
      )
      .map(({ id }) => id),
    exporters: (report?.exporters ?? []).map(exporterStatus),
  };
}

const exporterStatus = ({ lastMs, clockShiftMs, interfaces, ...rest }: ExporterReport): ExporterStatus => ({
  ...rest,
  clockShiftSeconds: Math.round(clockShiftMs) / 1000,
  lastMessageAt: new Date(lastMs).toISOString(),
  interfaces: interfaces.map(interfaceStatus),
});

const interfaceStatus = ({ lastMs, ...rest }: InterfaceReport): InterfaceStatus => ({
  ...rest,
  lastSampleAt: new Date(lastMs).toISOString(),
});

const timeText = (timeMs: Milliseconds | null): string | null =>
  timeMs === null ? null : new Date(timeMs).toISOString();
