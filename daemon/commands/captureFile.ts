/** What the commands have in common that read captures: through the metering of live traffic, and one line for what is wrong. */
import { getSystemErrorMessage } from 'node:util';
import { DecodeError } from '../../probes/decodeError.ts';
import { type CaptureProbe, openPcap } from '../../probes/pcap/pcapProbe.ts';
import type { FrameBlock, PacketProbe } from '../../probes/probe.ts';
import type { KeptFrames } from '../metering/keptFrames.ts';
import { Meter } from '../metering/meter.ts';
import { Tick } from '../metering/tick.ts';
import { TABLES, Window } from '../metering/window.ts';
import type { TenantDirectory } from '../tenants/directory.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { fail } from './terminal.ts';

/** One seed for all: the same file gives the same incidents. */
export const HASH_SEED = 0;
/** What incidents call it. */
export const CAPTURE_POINT = 'replay';

/** null: it is no capture, or cannot be opened, which has been printed. */
export function openOr(path: string): CaptureProbe | null {
  try {
    return openPcap(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    fail(describeFailure('open', path, error));
    return null;
  }
}

export const describeFailure = (act: 'open' | 'read', subject: string, error: Error): string =>
  error instanceof DecodeError ? error.message : `Cannot ${act} ${subject}: ${withoutCall(error)}`;

/** `ENOENT: no such file or directory, open 'x'` → `no such file or directory`. */
function withoutCall(error: Error & { errno?: number }): string {
  return error.errno === undefined ? error.message : getSystemErrorMessage(error.errno);
}

export interface CaptureReading {
  readonly probe: PacketProbe;
  readonly tenants: readonly Tenant[];
  readonly directory: TenantDirectory;
  /** The window is valid only during the call. */
  readonly onWindow: (window: Window) => void;
  readonly onBlock?: (block: FrameBlock) => void;
  /** Whether an empty window comes after the last, so that detectors which wait for the next can speak. */
  readonly hasEmptyEnd?: boolean;
  /** Where some of the frames are kept; left out: nowhere. */
  readonly kept?: KeptFrames;
}

/** Meters all of it; why it ended early, if it did. */
export function meterCapture({
  probe,
  tenants,
  directory,
  onWindow,
  onBlock,
  hasEmptyEnd,
  kept,
}: CaptureReading): Error | null {
  const window = new Window({ tenants: tenants.length, ...TABLES.internet });
  const meter = new Meter(directory, window, { seed: HASH_SEED, ...(kept && { kept }) });
  const tick = new Tick({ meter, nextWindow: () => window, onWindow: () => onWindow(window), dropped: () => null });
  const problem = readAll(probe, tick, onBlock);
  if (hasEmptyEnd) tick.end();
  else tick.finish();
  return problem;
}

function readAll(probe: PacketProbe, tick: Tick, onBlock: CaptureReading['onBlock']): Error | null {
  try {
    for (let block = probe.next(0); block !== null; block = probe.next(0)) {
      tick.observe(block);
      onBlock?.(block);
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
