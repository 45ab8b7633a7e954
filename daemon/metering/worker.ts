/** The thread of one interface: probe and metering; hands over one window a tick in shared memory. */
import { parentPort, workerData } from 'node:worker_threads';
import { openCap } from '../../probes/cap/cap.ts';
import { FLUSH_MS } from '../../probes/cap/capOptions.ts';
import { ProbeError } from '../../probes/probeError.ts';
import { openRing } from '../../probes/ring/ring.ts';
import type { PacketProbe, ProbeStatistics } from '../../probes/probe.ts';
import { TenantDirectory } from '../tenants/directory.ts';
import { ClockWatch, readClocks } from './clockWatch.ts';
import { KeptFrames } from './keptFrames.ts';
import { Meter } from './meter.ts';
import { Tick } from './tick.ts';
import { WindowPool } from './windowPool.ts';
import type { CaptureInput, ProbeInput, WorkerInput, WorkerOutput } from './workerProtocol.ts';

/** How long next() may block: the delay of a window's end, and of a stop, when no packet comes. */
const POLL_MS = 20;

type Output = WorkerOutput<ProbeStatistics>;

function run(input: CaptureInput & WorkerInput, send: (output: Output) => void): void {
  const pool = new WindowPool(input.memory);
  const probe = open(input.probe);
  send({ kind: 'running' });
  try {
    const tick = new Tick({
      meter: new Meter(new TenantDirectory(input.tenants), pool.first, {
        seed: input.hashSeed,
        portTenant: input.portTenant,
        kept: new KeptFrames(input.kept),
      }),
      nextWindow: () => pool.take(),
      onWindow: (window) => send({ kind: 'window', index: pool.handOver(window), statistics: probe.statistics() }),
      dropped: () => probe.statistics().dropped,
    });
    capture(probe, tick, pool, deliveredAfterMs(input.probe));
  } finally {
    probe.close(); // else the ring stays mapped in the process
  }
}

const open = (input: ProbeInput): PacketProbe => (input.kind === 'ring' ? openRing(input) : openCap(input));

/** A block is given at the latest so long after its first packet, twice: as long again for a thread that is late. */
const deliveredAfterMs = (input: ProbeInput): number => (input.kind === 'ring' ? input.retireMs : FLUSH_MS) * 2 + 1;

function capture(probe: PacketProbe, tick: Tick, pool: WindowPool, lateMs: number): void {
  const clockWatch = new ClockWatch();
  while (!pool.isToStop) {
    const block = probe.next(POLL_MS);
    const reading = readClocks();
    const jumpMs = clockWatch.observe(reading);
    if (jumpMs !== 0) tick.clockJumped(jumpMs);
    if (block === null) tick.advance(reading.wallMs - lateMs);
    else {
      tick.observe(block);
      probe.release(block);
    }
  }
}

const port = parentPort;
if (port !== null) {
  try {
    const input: CaptureInput & WorkerInput = workerData;
    run(input, (output) => port.postMessage(output));
  } catch (error) {
    // A fault of our own is not caught: the main thread is told of it with its stack.
    if (!(error instanceof ProbeError)) throw error;
    const output: Output = { kind: 'failed', message: error.message };
    port.postMessage(output);
  }
}
