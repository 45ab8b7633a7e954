/** What the commands have in common: how they load a configuration, print, and fail with one message. */
import type { Config } from '../config/config.ts';
import { defaultConfig } from '../config/host.ts';

export function print(text: string): void {
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', endOfOutput);
  process.stdout.write(`${text}\n`);
}

/** Who reads the pipe has seen enough (`weir replay … | head`). */
function endOfOutput(error: Error & { code?: string }): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

/** Prints the message and gives the exit code of a failure. */
export function fail(message: string): 1 {
  process.stderr.write(`${message}\n`);
  return 1;
}

/** The configuration at `path`, or what an empty one says; null: its problems have been printed. */
export async function loadOr(path: string | undefined): Promise<Config | null> {
  if (path === undefined) return defaultConfig();
  const { ConfigError, readConfig } = await import('../config/load.ts');
  try {
    return readConfig(path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    fail(error.message);
    return null;
  }
}
