/** Where the store's file lies. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

export const DEFAULT_STORE_PATH = '/var/lib/weir/weir.db';

export interface User {
  readonly home: string;
  /** $XDG_STATE_HOME. */
  readonly stateHome: string | undefined;
}

/** The path as it is written; the default one, where this user cannot have it, in the folder for the user's own state. */
export function storePathFor(written: string, user: User, canHave = canWriteBeside): string {
  if (written !== DEFAULT_STORE_PATH || canHave(written)) return written;
  // A relative one is to be ignored (XDG Base Directory Specification).
  const state =
    user.stateHome !== undefined && isAbsolute(user.stateHome) ? user.stateHome : join(user.home, '.local/state');
  return join(state, 'weir/weir.db');
}

function canWriteBeside(path: string): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    accessSync(dirname(path), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
