/** Runs a program to its end, within a time limit, in a session of its own: a Ctrl-C in the daemon's terminal is not for its tools. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface ToolRun {
  readonly stdout: string;
  readonly stderr: string;
  /** null: it had no end of its own. */
  readonly status: number | null;
}

/** Rejects with what spawn(2) said (ENOENT) where it cannot be run at all. `env.PATH` is where it is looked for. */
export function runTool(
  file: string,
  args: readonly string[],
  { input, env, timeoutMs }: { readonly input: string; readonly env: NodeJS.ProcessEnv; readonly timeoutMs: number },
): Promise<ToolRun> {
  const { promise, resolve, reject } = Promise.withResolvers<ToolRun>();
  const child = spawn(file, args, { env, detached: true });
  // Not spawn's own `timeout`: it goes on waiting for a program that there is not.
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  child.once('error', reject);
  child.once('close', (status) => resolve({ stdout: textOf(stdout), stderr: textOf(stderr), status }));
  // A tool that stops at its first error has not read the rest.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return promise.finally(() => clearTimeout(timer));
}

function collect(stream: Readable): Buffer[] {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return chunks;
}

const textOf = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString();
