/** What the commands have in common: how they load a configuration, print, and fail with one message. */
import type { Config } from '../config/config.ts';
import { defaultConfig } from '../config/host.ts';

export function print(text: string): void {
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', endOfOutput);
  process.stdout.write(`${printable(text)}\n`);
}

/** Control characters, and those that turn the direction of text: a name from outside is not to move the cursor. */
const UNPRINTABLE = /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;

/** Fit for a terminal: all but ends of lines are written as JSON writes them, so that JSON stays what it is. */
export const printable = (text: string): string =>
  text.replaceAll(UNPRINTABLE, (each) =>
    each === '\n' ? each : `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Who reads the pipe has seen enough (`weir replay … | head`). */
function endOfOutput(error: Error & { code?: string }): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

/** Prints the message and gives the exit code of a failure. */
export function fail(message: string): 1 {
  process.stderr.write(`${printable(message)}\n`);
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
