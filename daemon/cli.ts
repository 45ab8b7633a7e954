/** The `weir` command: its arguments and exit codes; what they do is in commands/, loaded when asked for. */
import { Command } from 'commander';
import type { ControlOptions, LimitOptions } from './commands/control.ts';
import { version } from './version.ts';

export async function runCommand(argv: readonly string[]): Promise<void> {
  const program = new Command('weir')
    .description('Acceptable use policy enforcement at the network edge')
    .version(version);
  program
    .command('check')
    .argument('[config]', 'configuration file', '/etc/weir/weir.yaml')
    .description('name every problem of a configuration with line and column; exit 1 if there is any')
    .action(async (path: string) => exitWith(await (await import('./commands/check.ts')).check(path)));
  program
    .command('run')
    .option('-c, --config <file>', 'configuration file; without one: the default-route interface, observing')
    .description('run the daemon')
    .action(async ({ config }: { config?: string }) => exitWith(await (await import('./commands/run.ts')).run(config)));
  program
    .command('replay')
    .argument('<file>', 'capture file, or - for standard input')
    .option('-c, --config <file>', 'configuration file; without one: private addresses are one tenant')
    .option('--json', 'one JSON object a line for each incident')
    .option('--evidence <folder>', 'write the headers of some packets of each incident there, as ID.pcap')
    .description('print the incidents of a capture')
    .action(async (file: string, options: { config?: string; json?: boolean; evidence?: string }) =>
      exitWith(await (await import('./commands/replay.ts')).replay(file, options)),
    );
  program
    .command('status')
    .option('-c, --config <file>', 'configuration file that names where the daemon listens')
    .option('--json', 'the answer of /api/status as it is')
    .description('show what the running daemon sees')
    .action(async (options: { config?: string; json?: boolean }) =>
      exitWith(await (await import('./commands/status.ts')).status(options)),
    );
  program
    .command('explain')
    .argument('<tenant>', 'its id')
    .argument('[detector]', 'one of them; without it, all')
    .option('-c, --config <file>', 'configuration file that names where the daemon listens')
    .option('--json', 'the answer of /api/explain as it is')
    .description('show where a tenant stands with the detectors, and why nothing is found')
    .action(async (tenant: string, detector: string | undefined, options: { config?: string; json?: boolean }) =>
      exitWith(await (await import('./commands/explain.ts')).explain(tenant, detector, options)),
    );
  program
    .command('evidence')
    .argument('<incident>', 'its id')
    .option('-o, --output <file>', 'where the pcap file is written; without it: to standard output')
    .option('-c, --config <file>', 'configuration file that names where the daemon listens')
    .description('get the headers of some packets of an incident')
    .action(async (id: string, options: { output?: string; config?: string }) =>
      exitWith(await (await import('./commands/evidence.ts')).evidence(id, options)),
    );
  program
    .command('advise')
    .argument('[files...]', 'capture files of usual traffic')
    .option('--since <duration>', 'what the daemon has stored, such as 7d, instead of captures')
    .option('-c, --config <file>', 'configuration file; without one: private addresses are one tenant')
    .option('--json', 'the advice as one JSON object')
    .description('propose thresholds, with the alerts that they would have raised')
    .action(async (files: string[], options: { since?: string; config?: string; json?: boolean }) =>
      exitWith(await (await import('./commands/advise.ts')).advise(files, options)),
    );
  addControl(program);
  addCleanup(program);
  await program.parseAsync(argv);
}

/** What repairs. */
function addCleanup(program: Command): void {
  program
    .command('cleanup')
    .description('remove the queues and filters that a killed daemon left in the kernel')
    .action(async () => exitWith(await (await import('./commands/cleanup.ts')).cleanup()));
}

const control = () => import('./commands/control.ts');

const asking = (command: Command): Command =>
  command
    .option('-c, --config <file>', "configuration file that names the daemon's socket")
    .option('--json', "the daemon's answer as it is");

/** What is asked of the daemon through its control socket. */
function addControl(program: Command): void {
  asking(program.command('limits'))
    .description('show what is limited, until when and why, and what passed and was dropped')
    .action(async (options: ControlOptions) => exitWith(await (await control()).limits(options)));
  asking(program.command('limit'))
    .argument('<tenant>')
    .argument('<rate>', 'for each direction, such as 5mbit')
    .option('--for <duration>', 'such as 15m; without it, until it is released')
    .option('--reason <text>', 'for those who see the limit')
    .description('limit the port of a tenant by hand')
    .action(async (tenant: string, rate: string, options: LimitOptions) =>
      exitWith(await (await control()).limit(tenant, rate, options)),
    );
  asking(program.command('release'))
    .argument('<tenant>')
    .description('lift the limit of a tenant, and leave it alone for the grace')
    .action(async (tenant: string, options: ControlOptions) =>
      exitWith(await (await control()).release(tenant, options)),
    );
}

/** Lets what was written reach a pipe before the process ends by itself. */
function exitWith(code: number): void {
  process.exitCode = code;
}
