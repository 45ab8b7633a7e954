/** The process entry: hands over to the `weir` command. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/** Where Node.js keeps the compiled code, of threads and child processes too: without it a start takes twice the time. */
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/weir');
enableCompileCache(process.env['NODE_COMPILE_CACHE']);

const { runCommand } = await import('./cli.ts');
await runCommand(process.argv);
