/** `weir replay`: a capture through the same metering, detectors and incidents as live traffic; prints the incidents. */
import { isatty } from 'node:tty';
import type { FrameBlock, PacketProbe } from '../../probes/probe.ts';
import type { Config } from '../config/config.ts';
import { configForReplay } from '../config/host.ts';
import type { Incident, IncidentChange } from '../incidents/incident.ts';
import type { EvidenceFrames } from '../incidents/evidenceFrames.ts';
import type { KeptFrames } from '../metering/keptFrames.ts';
import type { Window } from '../metering/window.ts';
import { Pipeline } from '../pipeline.ts';
import { TenantDirectory } from '../tenants/directory.ts';
import { CAPTURE_POINT, describeFailure, HASH_SEED, meterCapture, openOr } from './captureFile.ts';
import type { Progress } from './progress.ts';
import { fail, loadOr, print } from './terminal.ts';
import { Unexamined } from './unexamined.ts';

const STANDARD_ERROR = 2;

export interface ReplayOptions {
  readonly config?: string;
  readonly json?: boolean;
  /** A folder for the packets of the incidents. */
  readonly evidence?: string;
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
  const gathering = options.evidence === undefined ? null : await gatherInto(options.evidence, config);
  const problem = runThrough({ probe, config, show, onBlock, gathering });
  progress?.clear();
  probe.close();
  const { received } = probe.statistics();
  const subject = path === '-' ? 'standard input' : path;
  const messages = [problem && describeFailure('read', subject, problem), unexamined.describe(subject, received)];
  const message = messages.filter((each) => each !== null).join('. ');
  if (message !== '') fail(message);
  return problem !== null || (received > 0 && unexamined.packets === received) ? 1 : 0;
}

async function progressOnTerminal(): Promise<Progress | null> {
  if (!isatty(STANDARD_ERROR)) return null;
  const { Progress: ProgressLine } = await import('./progress.ts');
  return new ProgressLine(process.stderr, () => performance.now());
}

interface Gathering {
  readonly kept: KeptFrames;
  readonly evidence: EvidenceFrames;
}

async function gatherInto(folder: string, { tenants }: Config): Promise<Gathering> {
  const [{ mkdirSync, writeFileSync }, frames, { KeptFrames: Kept }] = await Promise.all([
    import('node:fs'),
    import('../incidents/evidenceFrames.ts'),
    import('../metering/keptFrames.ts'),
  ]);
  mkdirSync(folder, { recursive: true });
  const evidence = new frames.EvidenceFrames({
    directory: new TenantDirectory(tenants),
    tenantIds: tenants.map(({ id }) => id),
    onFile: (id, pcap) => writeFileSync(`${folder}/${id}.pcap`, pcap),
  });
  return { kept: new Kept(), evidence };
}

interface Run {
  readonly probe: PacketProbe;
  readonly config: Config;
  readonly show: (incident: Incident) => void;
  readonly onBlock: (block: FrameBlock) => void;
  /** null: the packets of the incidents are not asked for. */
  readonly gathering: Gathering | null;
}

/** Gives each incident once, in the state in which the capture left it; why the input ended early, if it did. */
function runThrough({ probe, config, show, onBlock, gathering }: Run): Error | null {
  const { tenants } = config;
  const directory = new TenantDirectory(tenants);
  const pipeline = new Pipeline(config, { tenants, directory, hashSeed: HASH_SEED });
  const onWindow = (window: Window): void => {
    gathering?.evidence.observe(CAPTURE_POINT, gathering.kept.read(), window.endMs);
    const changes = pipeline.observe(CAPTURE_POINT, window);
    gathering?.evidence.take(changes);
    showClosed(changes, show);
  };
  const problem = meterCapture({ probe, tenants, directory, onWindow, onBlock, hasEmptyEnd: true, ...gathering });
  gathering?.evidence.finish();
  for (const incident of pipeline.incidents.open()) show(incident);
  return problem;
}

function showClosed(changes: readonly IncidentChange[], show: (incident: Incident) => void): void {
  for (const { event, incident } of changes) if (event === 'closed') show(incident);
}
