/** Runs the `weir` command, and gives what it printed and its exit code. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

export const MAIN = join(import.meta.dirname, '../../daemon/main.ts');

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function weir(...args: string[]): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  execFile(process.execPath, [MAIN, ...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
    resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
  );
  return promise;
}
