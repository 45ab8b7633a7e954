/** The `weir` command: its arguments and exit codes; what they do is in commands/, loaded when asked for. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { AskOptions } from './commands/askStatus.ts';
import type { ControlOptions, LimitOptions } from './commands/control.ts';
import type { IncidentsOptions } from './commands/incidents.ts';
import type { ReportOptions } from './commands/report.ts';
import type { TenantsOptions } from './commands/tenants.ts';
import type { TopOptions } from './commands/top.ts';
import type { UsageOptions } from './commands/usage.ts';
import { version } from './version.ts';

/** Of what was asked for in a way that there is none. */
const WRONG_USAGE = 2;

const EXAMPLES = `
Examples:
  weir check /etc/weir/weir.yaml          every problem of a configuration
  weir status                             what the running daemon sees
  weir top                                the same, live
  weir incidents --since 24h              what was open in the last day
  weir incident 3f2a9c0b1d4e              one of them, with its proof
  weir limit acme 5mbit --for 15m         hold a tenant's port
  weir replay capture.pcap                the incidents of a capture

Exit codes: 0 done, 1 it could not be done or was refused, 2 wrong usage.`;

export async function runCommand(argv: readonly string[]): Promise<void> {
  await makeProgram().parseAsync(argv);
}

/** All commands, for those too who complete or document them. */
export function makeProgram(): Command {
  const program = new Command('weir')
    .description('Acceptable use policy enforcement at the network edge')
    .version(version)
    .addHelpText('after', EXAMPLES)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : WRONG_USAGE));
  addDaemon(program);
  addViews(program);
  addHistory(program);
  addThresholds(program);
  addControl(program);
  addRepair(program);
  return program;
}

const examples = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);

const asking = (command: Command, json: string): Command =>
  command
    .option('-c, --config <file>', 'configuration file that names where the daemon listens')
    .option('--json', json);

const NO_MONTH = 'Not a month such as 2026-03.';

function month(text: string): string {
  if (!/^20\d\d-(?:0[1-9]|1[0-2])$/.test(text)) throw new InvalidArgumentError(NO_MONTH);
  return text;
}

function addDaemon(program: Command): void {
  const check = program
    .command('check')
    .argument('[config]', 'configuration file', '/etc/weir/weir.yaml')
    .description('name every problem of a configuration with line and column; exit 1 if there is any')
    .action(async (path: string) => exitWith(await (await import('./commands/check.ts')).check(path)));
  examples(check, 'weir check', 'weir check weir.yaml');
  const run = program
    .command('run')
    .option('-c, --config <file>', 'configuration file; without one: the default-route interface, observing')
    .description('run the daemon')
    .action(async ({ config }: { config?: string }) => exitWith(await (await import('./commands/run.ts')).run(config)));
  examples(run, 'weir run --config /etc/weir/weir.yaml');
  const replay = program
    .command('replay')
    .argument('<file>', 'capture file, or - for standard input')
    .option('-c, --config <file>', 'configuration file; without one: private addresses are one tenant')
    .option('--json', 'one JSON object a line for each incident')
    .option('--evidence <folder>', 'write the headers of some packets of each incident there, as ID.pcap')
    .description('print the incidents of a capture')
    .action(async (file: string, options: { config?: string; json?: boolean; evidence?: string }) =>
      exitWith(await (await import('./commands/replay.ts')).replay(file, options)),
    );
  examples(replay, 'weir replay capture.pcap --config weir.yaml', 'tcpdump -i eth0 -w - | weir replay - --json');
}

/** What the running daemon sees now. */
function addViews(program: Command): void {
  const status = asking(program.command('status'), 'the answer of /api/status as it is')
    .description('show what the running daemon sees')
    .action(async (options: AskOptions) => exitWith(await (await import('./commands/status.ts')).status(options)));
  examples(status, 'weir status', 'weir status --json | jq .interfaces');
  const top = asking(program.command('top'), 'one answer of /api/status as it is')
    .addOption(
      new Option('--sort <key>', 'what tenants are sorted by; live also by its first letter')
        .choices(['rate', 'packets', 'dropped', 'incidents', 'name'])
        .default('rate'),
    )
    .option('--once', 'one screen, for scripts; also where standard output is no terminal')
    .option('--every <seconds>', 'how often it is asked, from 1 to 3600', '2')
    .description('show tenants by rate, interfaces and open incidents, live')
    .action(async (options: TopOptions) => exitWith(await (await import('./commands/top.ts')).top(options)));
  examples(top, 'weir top', 'weir top --once --sort dropped');
  const tenants = asking(program.command('tenants'), 'a JSON array of tenants, as in /api/tenants')
    .addOption(
      new Option('--sort <key>', 'what they are sorted by')
        .choices(['id', 'rate', 'packets', 'incidents'])
        .default('id'),
    )
    .description('list the tenants with their rates, plans and limits')
    .action(async (options: TenantsOptions) =>
      exitWith(await (await import('./commands/tenants.ts')).tenants(options)),
    );
  examples(tenants, 'weir tenants --sort rate', "weir tenants --json | jq -r '.[] | select(.limit) | .id'");
  const explain = asking(program.command('explain'), 'the answer of /api/explain as it is')
    .argument('<tenant>', 'its id')
    .argument('[detector]', 'one of them; without it, all')
    .description('show where a tenant stands with the detectors, and why nothing is found')
    .action(async (tenant: string, detector: string | undefined, options: AskOptions) =>
      exitWith(await (await import('./commands/explain.ts')).explain(tenant, detector, options)),
    );
  examples(explain, 'weir explain acme', 'weir explain acme udpFlood');
}

/** What was found, and what was used. */
function addHistory(program: Command): void {
  const incidents = asking(program.command('incidents'), 'a JSON array of incidents, as in /api/incidents')
    .addOption(new Option('--state <state>', 'of one state alone').choices(['open', 'closed']))
    .option('--tenant <id>', 'of one tenant alone')
    .option('--since <time>', 'seen since then: a duration such as 24h, or a time such as 2026-03-01T10:00:00Z')
    .option('--limit <count>', 'at most so many', '50')
    .description('list incidents: open ones first, then those that were seen last')
    .action(async (options: IncidentsOptions) =>
      exitWith(await (await import('./commands/incidents.ts')).incidents(options)),
    );
  examples(incidents, 'weir incidents --state open', 'weir incidents --tenant acme --since 7d');
  const incident = asking(program.command('incident'), 'the answer of /api/incidents/ID as it is')
    .argument('<incident>', 'its id')
    .description('show an incident: its proof, how it went, and what was done')
    .action(async (id: string, options: AskOptions) =>
      exitWith(await (await import('./commands/incident.ts')).incident(id, options)),
    );
  examples(incident, 'weir incident 3f2a9c0b1d4e');
  const evidence = program
    .command('evidence')
    .argument('<incident>', 'its id')
    .option('-o, --output <file>', 'where the pcap file is written; without it: to standard output')
    .option('-c, --config <file>', 'configuration file that names where the daemon listens')
    .description('get the headers of some packets of an incident')
    .action(async (id: string, options: { output?: string; config?: string }) =>
      exitWith(await (await import('./commands/evidence.ts')).evidence(id, options)),
    );
  examples(evidence, 'weir evidence 3f2a9c0b1d4e -o incident.pcap', 'weir evidence 3f2a9c0b1d4e | tcpdump -nr -');
  const report = asking(program.command('report'), 'the same as --format xarf')
    .argument('<incident>', 'its id')
    .addOption(
      new Option('--format <format>', 'text; html: one file with a chart and the packets; xarf: X-ARF 4, as JSON')
        .choices(['text', 'html', 'xarf'])
        .default('text'),
    )
    .option('-o, --output <file>', 'where it is written; without it: to standard output')
    .option('--org <name>', 'who reports; X-ARF asks for it')
    .option('--contact <address>', 'their mail address; X-ARF asks for it')
    .description('write a report of an incident, for an abuse desk')
    .action(async (id: string, options: ReportOptions) =>
      exitWith(await (await import('./commands/report.ts')).report(id, options)),
    );
  examples(
    report,
    'weir report 3f2a9c0b1d4e --format html -o incident.html',
    'weir report 3f2a9c0b1d4e --format xarf --org "Example Telecom" --contact abuse@example.net',
  );
  const usage = asking(program.command('usage'), 'the answer of /api/usage/ID as it is')
    .argument('<tenant>', 'its id')
    .option('--month <month>', 'such as 2026-03, by UTC; without it, this month', month)
    .description('show what a tenant used in a month, by days, and the 95th percentile')
    .action(async (tenant: string, options: UsageOptions) =>
      exitWith(await (await import('./commands/usage.ts')).usage(tenant, options)),
    );
  examples(usage, 'weir usage acme', 'weir usage acme --month 2026-03 --json');
}

function addThresholds(program: Command): void {
  const advise = program
    .command('advise')
    .argument('[files...]', 'capture files of usual traffic')
    .option('--since <duration>', 'what the daemon has stored, such as 7d, instead of captures')
    .option('-c, --config <file>', 'configuration file; without one: private addresses are one tenant')
    .option('--json', 'the advice as one JSON object')
    .description('propose thresholds, with the alerts that they would have raised')
    .action(async (files: string[], options: { since?: string; config?: string; json?: boolean }) =>
      exitWith(await (await import('./commands/advise.ts')).advise(files, options)),
    );
  examples(advise, 'weir advise monday.pcap tuesday.pcap', 'weir advise --since 7d --config weir.yaml');
}

const control = () => import('./commands/control.ts');

const controlling = (command: Command): Command =>
  command
    .option('-c, --config <file>', "configuration file that names the daemon's socket")
    .option('--json', "the daemon's answer as it is");

/** What is asked of the daemon through its control socket. */
function addControl(program: Command): void {
  const limits = controlling(program.command('limits'))
    .description('show what is limited, until when and why, and what passed and was dropped')
    .action(async (options: ControlOptions) => exitWith(await (await control()).limits(options)));
  examples(limits, 'weir limits');
  const limit = controlling(program.command('limit'))
    .argument('<tenant>', 'its id')
    .argument('<rate>', 'for each direction, such as 5mbit')
    .option('--for <duration>', 'such as 15m; without it, until it is released')
    .option('--reason <text>', 'for those who see the limit')
    .description('limit the port of a tenant by hand')
    .action(async (tenant: string, rate: string, options: LimitOptions) =>
      exitWith(await (await control()).limit(tenant, rate, options)),
    );
  examples(limit, 'weir limit acme 5mbit --for 15m --reason "ticket 4711"');
  const release = controlling(program.command('release'))
    .argument('<tenant>', 'its id')
    .description('lift the limit of a tenant, and leave it alone for the grace')
    .action(async (tenant: string, options: ControlOptions) =>
      exitWith(await (await control()).release(tenant, options)),
    );
  examples(release, 'weir release acme');
}

/** What repairs, and what helps the shell. */
function addRepair(program: Command): void {
  const cleanup = program
    .command('cleanup')
    .description('remove the queues and filters that a killed daemon left in the kernel')
    .action(async () => exitWith(await (await import('./commands/cleanup.ts')).cleanup()));
  examples(cleanup, 'weir cleanup');
  const completion = program
    .command('completion')
    .description('print a script by which bash completes the commands and their options')
    .action(async () => exitWith((await import('./commands/completion.ts')).completion(program)));
  examples(completion, 'weir completion > /etc/bash_completion.d/weir');
}

/** Lets what was written reach a pipe before the process ends by itself. */
function exitWith(code: number): void {
  process.exitCode = code;
}
