/**
 * The benchmark: `npm run bench [-- [--json] [--runs N] [replay live latency memory]]`, all of it in about four minutes.
 * Needs root: it runs in a network namespace, which it makes and removes.
 */
import { cpus, loadavg, release } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { inTurn } from './inTurn.ts';
import { measureLatency } from './latency.ts';
import { measureLive } from './live.ts';
import { measureMemory } from './memory.ts';
import { measureReplay } from './replay.ts';
import { renderSection, type Section } from './report.ts';
import { runOnStage } from './stage.ts';

/** Given by the benchmark to itself. */
const ON_STAGE = '--on-stage';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '3' },
    'on-stage': { type: 'boolean', default: false },
  },
});

const PARTS = new Map<string, () => Section | Promise<Section>>([
  ['replay', () => measureReplay(Number(options.runs))],
  ['live', measureLive],
  ['latency', measureLatency],
  ['memory', measureMemory],
]);

const describeMachine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  kernel: release(),
  node: process.version,
  loadAverage: loadavg().map((load) => Math.round(load * 100) / 100),
});

async function measure(names: readonly string[]): Promise<void> {
  const machine = describeMachine();
  const { cpu, cores, kernel, node, loadAverage } = machine;
  const print = (text: string): unknown => (options.json ? null : process.stdout.write(`${text}\n`));
  print(`${cores} × ${cpu}, Linux ${kernel}, Node ${node}, load average before the start ${loadAverage.join(' ')}\n`);
  const sections = await inTurn(names, async (name) => {
    const section = await (PARTS.get(name) ?? unknownPart(name))();
    print(renderSection(section));
    return section;
  });
  if (options.json) process.stdout.write(`${JSON.stringify({ machine, sections })}\n`);
}

function unknownPart(name: string): never {
  throw new Error(`Cannot measure ${name}: there are ${[...PARTS.keys()].join(', ')}`);
}

if (options['on-stage']) await measure(positionals.length > 0 ? positionals : [...PARTS.keys()]);
else process.exitCode = await runOnStage([process.execPath, import.meta.filename, ON_STAGE, ...process.argv.slice(2)]);
