/**
 * The benchmark: `npm run bench [-- [--json] [--runs N] [PART …]]`, all of it but `limitCycles` in about twenty minutes.
 * Needs root: it runs in a network namespace, which it makes and removes.
 */
import { cpus, loadavg, release } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { measureApi } from './api.ts';
import { measureCap } from './cap.ts';
import { measureCollector } from './collector.ts';
import { measureDetectors } from './detectors.ts';
import { measureFlows } from './flows.ts';
import { measureHost } from './host.ts';
import { inTurn } from './inTurn.ts';
import { measureLatency } from './latency.ts';
import { measureLimitCycles, measureLimits, measureLimitTraffic } from './limits.ts';
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

type Part = () => Section | Promise<Section>;

const PARTS: Readonly<Record<string, Part>> = {
  replay: () => measureReplay(Number(options.runs)),
  live: measureLive,
  cap: measureCap,
  detectors: measureDetectors,
  flows: measureFlows,
  collector: measureCollector,
  latency: measureLatency,
  memory: measureMemory,
  host: measureHost,
  api: measureApi,
  limits: measureLimits,
  limitTraffic: measureLimitTraffic,
};

/** They take hours, or nearly: only where they are named. */
const LONG_PARTS: Readonly<Record<string, Part>> = { limitCycles: measureLimitCycles };

const describeMachine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  kernel: release(),
  node: process.version,
  loadAverage: loadavg().map((load) => Math.round(load * 100) / 100),
});

async function measure(parts: readonly Part[]): Promise<void> {
  const machine = describeMachine();
  const { cpu, cores, kernel, node, loadAverage } = machine;
  const print = (text: string): unknown => (options.json ? null : process.stdout.write(`${text}\n`));
  print(`${cores} × ${cpu}, Linux ${kernel}, Node ${node}, load average before the start ${loadAverage.join(' ')}\n`);
  const sections = await inTurn(parts, async (part) => {
    const section = await part();
    print(renderSection(section));
    return section;
  });
  if (options.json) process.stdout.write(`${JSON.stringify({ machine, sections })}\n`);
}

const names = positionals.length > 0 ? positionals : Object.keys(PARTS);
const parts = names.flatMap((name) => PARTS[name] ?? LONG_PARTS[name] ?? []);
if (parts.length < names.length) {
  process.stderr.write(
    `Cannot measure ${names.join(', ')}: there are ${Object.keys({ ...PARTS, ...LONG_PARTS }).join(', ')}\n`,
  );
  process.exitCode = 1;
} else if (options['on-stage']) {
  await measure(parts);
} else {
  process.exitCode = await runOnStage([process.execPath, import.meta.filename, ON_STAGE, ...process.argv.slice(2)]);
}
