/** The process entry: prepares the runtime, then hands over to the `weir` command. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Compiled code is kept beside the packages, where only who installs can write: a cache in /tmp could be somebody else's.
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'weir'));

const { runCommand } = await import('./cli.ts');
await runCommand(process.argv);
