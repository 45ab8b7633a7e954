/** How the benchmark runs Weir: as its npm scripts do, with the cache of compiled code beside the packages. */
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

export const WEIR: readonly [command: string, main: string] = [process.execPath, join(ROOT, 'daemon/main.ts')];

export const WEIR_ENV: NodeJS.ProcessEnv = {
  ...process.env,
  NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/weir'),
};
