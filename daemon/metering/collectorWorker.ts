/** The thread of the flow collector: sockets, decoding and metering; hands over windows of packet time, and reports. */
import { parentPort, workerData } from 'node:worker_threads';
import { CollectorProbe } from '../../probes/netflow/collectorProbe.ts';
import { FlowDecoder } from '../../probes/netflow/flowDecoder.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import { ProbeError } from '../../probes/probeError.ts';
import { TenantDirectory } from '../tenants/directory.ts';
import type { CollectorInput, CollectorReport } from './collectorProtocol.ts';
import { CollectorReports } from './collectorReports.ts';
import { ExporterDirectory } from './exporterDirectory.ts';
import { clockToleranceMs, FlowCollector } from './flowCollector.ts';
import { FlowWindows } from './flowWindows.ts';
import { WindowPool } from './windowPool.ts';
import type { WorkerInput, WorkerOutput } from './workerProtocol.ts';

/** How long a round may wait for messages: the delay of a window's end, and of a stop. */
const POLL_MS = 20;
const REPORT_EVERY_MS = 1000;

type Output = WorkerOutput<CollectorReport>;

function run(input: CollectorInput & WorkerInput, send: (output: Output) => void): void {
  const { windowMs, hashSeed } = input;
  const pool = new WindowPool(input.memory);
  const exporters = new ExporterDirectory(input.exporters);
  const windows = new FlowWindows({
    directory: new TenantDirectory(input.tenants),
    hashSeed,
    windowMs,
    nextWindow: () => pool.take(),
    onWindow: (window) => send({ kind: 'window', index: pool.handOver(window), statistics: reports.last }),
  });
  const collector = new FlowCollector({
    windows,
    toleranceMs: clockToleranceMs(windowMs),
    samplingOf: (exporter) => exporters.samplingOf(exporter),
  });
  const decoder = new FlowDecoder(collector);
  if (input.templates !== null) decoder.restore(input.templates);
  const probe = new CollectorProbe({
    ...input,
    admit: (...words) => exporters.admit(...words),
    decoder,
    openMessage: (exporter, receivedMs) => collector.openMessage(exporter, receivedMs),
    now: Date.now,
  });
  const reports = new CollectorReports({ probe, decoder, collector, windows }, Date.now());
  send({ kind: 'running' });
  try {
    collect(probe, windows, pool, (nowMs) => send({ kind: 'statistics', statistics: reports.take(nowMs) }));
  } finally {
    probe.close();
  }
}

function collect(
  probe: CollectorProbe,
  windows: FlowWindows,
  pool: WindowPool,
  report: (nowMs: Milliseconds) => void,
): void {
  let reportedMs = 0;
  while (!pool.isToStop) {
    probe.poll(POLL_MS);
    const nowMs = Date.now();
    windows.advance(nowMs);
    if (Math.abs(nowMs - reportedMs) < REPORT_EVERY_MS) continue;
    reportedMs = nowMs;
    report(nowMs);
  }
}

const port = parentPort;
if (port !== null) {
  try {
    const input: CollectorInput & WorkerInput = workerData;
    run(input, (output) => port.postMessage(output));
  } catch (error) {
    // A fault of our own is not caught: the main thread is told of it with its stack.
    if (!(error instanceof ProbeError)) throw error;
    const output: Output = { kind: 'failed', message: error.message };
    port.postMessage(output);
  }
}
