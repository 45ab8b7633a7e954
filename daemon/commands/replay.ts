/** `weir replay`: a capture through the same metering, detectors and incidents as live traffic; prints the incidents. */
import { getSystemErrorMessage } from 'node:util';
import { DecodeError } from '../../probes/decodeError.ts';
import { openPcap } from '../../probes/pcap/pcapProbe.ts';
import type { PacketProbe } from '../../probes/probe.ts';
import type { Config } from '../config/config.ts';
import { configForReplay } from '../config/host.ts';
import type { Incident, IncidentChange } from '../incidents/incident.ts';
import { Meter } from '../metering/meter.ts';
import { Tick } from '../metering/tick.ts';
import { TABLES, Window } from '../metering/window.ts';
import { Pipeline } from '../pipeline.ts';
import { TenantDirectory } from '../tenants/directory.ts';
import { fail, loadOr, print } from './terminal.ts';

/** One seed for all replays: the same file gives the same incidents. */
const HASH_SEED = 0;
const OBSERVATION_POINT = 'replay';

export interface ReplayOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** 0: the whole file was read; 1: it, or the configuration, could not be. */
export async function replay(path: string, options: ReplayOptions): Promise<number> {
  const loaded = await loadOr(options.config);
  if (loaded === null) return 1;
  const config = configForReplay(loaded);
  const render = options.json ? JSON.stringify : (await import('../status/render.ts')).renderIncident;
  const show = (incident: Incident): void => print(render(incident));
  const probe = openOr(path);
  if (probe === null) return 1;
  const problem = runThrough(probe, config, show);
  probe.close();
  return problem === null ? 0 : fail(problem.message);
}

/** null: it is no capture, or cannot be opened, which has been printed. */
function openOr(path: string): PacketProbe | null {
  try {
    return openPcap(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    fail(error instanceof DecodeError ? error.message : `Cannot open ${path}: ${withoutCall(error)}`);
    return null;
  }
}

/** `ENOENT: no such file or directory, open 'x'` → `no such file or directory`. */
function withoutCall(error: Error & { errno?: number }): string {
  return error.errno === undefined ? error.message : getSystemErrorMessage(error.errno);
}

/** Gives each incident once, in the state in which the capture left it; why the input ended early, if it did. */
function runThrough(probe: PacketProbe, config: Config, show: (incident: Incident) => void): DecodeError | null {
  const directory = new TenantDirectory(config.tenants);
  const pipeline = new Pipeline(config, { tenants: config.tenants, directory, hashSeed: HASH_SEED });
  const window = new Window({ tenants: config.tenants.length, ...TABLES.internet });
  const meter = new Meter(directory, window, HASH_SEED);
  const tick = new Tick({
    meter,
    nextWindow: () => window,
    onWindow: () => showClosed(pipeline.observe(OBSERVATION_POINT, window), show),
    dropped: () => null,
  });
  const problem = readAll(probe, tick);
  tick.finish();
  for (const incident of pipeline.incidents.open()) show(incident);
  return problem;
}

function readAll(probe: PacketProbe, tick: Tick): DecodeError | null {
  try {
    for (let block = probe.next(0); block !== null; block = probe.next(0)) {
      tick.observe(block);
      probe.release(block);
    }
    return null;
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}

function showClosed(changes: readonly IncidentChange[], show: (incident: Incident) => void): void {
  for (const { event, incident } of changes) if (event === 'closed') show(incident);
}
