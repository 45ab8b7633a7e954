/** The process entry: hands over to the `weir` command. */
import { runCommand } from './cli.ts';

await runCommand(process.argv);
