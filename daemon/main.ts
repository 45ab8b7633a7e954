/** The process entry: prepares the runtime, then hands over to the `weir` command. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

// Compiled code is kept beside the packages, where only who installs can write: a cache in /tmp could be somebody else's.
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'weir'));

// V8 stops inlining after 920 bytes of bytecode, in the middle of the packet loop; more of it costs 15 % less a packet.
setFlagsFromString('--max-inlined-bytecode-size=3000');
setFlagsFromString('--max-inlined-bytecode-size-cumulative=5000');

const { runCommand } = await import('./cli.ts');
await runCommand(process.argv);
