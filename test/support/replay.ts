/** `weir replay` as its users run it, and a flood to replay. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { frame, type TimedFrame } from './frames.ts';

/** To run by Node. */
export const WEIR_MAIN = join(import.meta.dirname, '../../daemon/main.ts');
const START_MS = Date.UTC(2026, 0, 1);

export interface Outcome {
  readonly code: number | null;
  readonly incidents: readonly Record<string, unknown>[];
  readonly stderr: string;
}

export function replay(args: readonly string[], input?: Uint8Array): Outcome {
  const run = spawnSync(process.execPath, [WEIR_MAIN, 'replay', '--json', ...args], { encoding: 'utf8', input });
  const lines = run.stdout.split('\n').filter((line) => line !== '');
  return { code: run.status, incidents: lines.map((line) => JSON.parse(line)), stderr: run.stderr };
}

/** 4,000 SYNs a second for two seconds, each from another source. */
export const flood = (victim: string, source: (i: number) => string): TimedFrame[] =>
  Array.from({ length: 8000 }, (_, i) => ({
    bytes: frame({ source: source(i), destination: victim, destinationPort: 5061 }),
    timeMs: START_MS + i / 4,
  }));

/** The same at an address of the configuration that there is without one. */
export const floodInside = (): TimedFrame[] => flood('192.168.1.1', (i) => `203.0.113.${i & 255}`);
