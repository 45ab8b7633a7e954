/** Where the store lies for the user who runs the command. */
import { homedir } from 'node:os';
import type { Config } from '../config/config.ts';
import { storePathFor } from '../store/storePath.ts';

/** A user who is not root has no /var/lib/weir. */
export function withStorePath(config: Config): Config {
  const { path, keepMs } = config.store;
  if (path === null) return config;
  const user = { home: homedir(), stateHome: process.env['XDG_STATE_HOME'] };
  return { ...config, store: { path: storePathFor(path, user), keepMs } };
}
