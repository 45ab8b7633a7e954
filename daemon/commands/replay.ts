/** `weir replay`: a capture through the same metering, detectors and incidents as live traffic; prints the incidents. */
import { isatty } from 'node:tty';
import { getSystemErrorMessage } from 'node:util';
import { DecodeError } from '../../probes/decodeError.ts';
import { type CaptureProbe, openPcap } from '../../probes/pcap/pcapProbe.ts';
import type { FrameBlock, PacketProbe } from '../../probes/probe.ts';
import type { Config } from '../config/config.ts';
import { configForReplay } from '../config/host.ts';
import type { Incident, IncidentChange } from '../incidents/incident.ts';
import { Meter } from '../metering/meter.ts';
import { Tick } from '../metering/tick.ts';
import { TABLES, Window } from '../metering/window.ts';
import { Pipeline } from '../pipeline.ts';
import { TenantDirectory } from '../tenants/directory.ts';
import type { Progress } from './progress.ts';
import { fail, loadOr, print } from './terminal.ts';
import { Unexamined } from './unexamined.ts';

const STANDARD_ERROR = 2;

/** One seed for all replays: the same file gives the same incidents. */
const HASH_SEED = 0;
const OBSERVATION_POINT = 'replay';

export interface ReplayOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/**
 * 0: the whole file was read; 1: it, or the configuration, could not be, or not one of its packets is of a link type that can be
 * examined. Whatever is to be said of the file is one line on standard error.
 */
export async function replay(path: string, options: ReplayOptions): Promise<number> {
  const loaded = await loadOr(options.config);
  if (loaded === null) return 1;
  const config = configForReplay(loaded);
  const render = options.json ? JSON.stringify : (await import('../status/render.ts')).renderIncident;
  const probe = openOr(path);
  if (probe === null) return 1;
  const progress = await progressOnTerminal();
  const unexamined = new Unexamined();
  const show = (incident: Incident): void => {
    progress?.clear();
    print(render(incident));
  };
  const onBlock = (block: FrameBlock): void => {
    unexamined.count(block);
    progress?.show(probe.statistics().received, probe.position());
  };
  const problem = runThrough(probe, config, show, onBlock);
  progress?.clear();
  probe.close();
  const { received } = probe.statistics();
  const subject = path === '-' ? 'standard input' : path;
  const messages = [problem && describe('read', subject, problem), unexamined.describe(subject, received)];
  const message = messages.filter((each) => each !== null).join('. ');
  if (message !== '') fail(message);
  return problem !== null || (received > 0 && unexamined.packets === received) ? 1 : 0;
}

async function progressOnTerminal(): Promise<Progress | null> {
  if (!isatty(STANDARD_ERROR)) return null;
  const { Progress: ProgressLine } = await import('./progress.ts');
  return new ProgressLine(process.stderr, () => performance.now());
}

/** null: it is no capture, or cannot be opened, which has been printed. */
function openOr(path: string): CaptureProbe | null {
  try {
    return openPcap(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    fail(describe('open', path, error));
    return null;
  }
}

const describe = (act: 'open' | 'read', subject: string, error: Error): string =>
  error instanceof DecodeError ? error.message : `Cannot ${act} ${subject}: ${withoutCall(error)}`;

/** `ENOENT: no such file or directory, open 'x'` → `no such file or directory`. */
function withoutCall(error: Error & { errno?: number }): string {
  return error.errno === undefined ? error.message : getSystemErrorMessage(error.errno);
}

/** Gives each incident once, in the state in which the capture left it; why the input ended early, if it did. */
function runThrough(
  probe: PacketProbe,
  config: Config,
  show: (incident: Incident) => void,
  onBlock: (block: FrameBlock) => void,
): Error | null {
  const directory = new TenantDirectory(config.tenants);
  const pipeline = new Pipeline(config, { tenants: config.tenants, directory, hashSeed: HASH_SEED });
  const window = new Window({ tenants: config.tenants.length, ...TABLES.internet });
  const meter = new Meter(directory, window, { seed: HASH_SEED });
  const tick = new Tick({
    meter,
    nextWindow: () => window,
    onWindow: () => showClosed(pipeline.observe(OBSERVATION_POINT, window), show),
    dropped: () => null,
  });
  const problem = readAll(probe, tick, onBlock);
  tick.finish();
  for (const incident of pipeline.incidents.open()) show(incident);
  return problem;
}

function readAll(probe: PacketProbe, tick: Tick, onBlock: (block: FrameBlock) => void): Error | null {
  try {
    for (let block = probe.next(0); block !== null; block = probe.next(0)) {
      tick.observe(block);
      onBlock(block);
      probe.release(block);
    }
    return null;
  } catch (error) {
    if (error instanceof DecodeError || isSystemError(error)) return error;
    throw error;
  }
}

/** As read(2) fails: of a disk, or of a server that is gone. */
const isSystemError = (error: unknown): error is Error => error instanceof Error && 'errno' in error;

function showClosed(changes: readonly IncidentChange[], show: (incident: Incident) => void): void {
  for (const { event, incident } of changes) if (event === 'closed') show(incident);
}
