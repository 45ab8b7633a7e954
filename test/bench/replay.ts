/** What reading a file costs, in CPU ns per packet of the whole process, beside tools that do less with it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureCommand } from './childCpu.ts';
import { benchConfiguration } from './configuration.ts';
import { type Cell, type Section, spread } from './report.ts';
import { WEIR, WEIR_ENV } from './weir.ts';
import { inFormat, type OtherFormat } from './workload/otherFormats.ts';
import { type WorkloadName, WORKLOADS } from './workload/workload.ts';
import { workloadFile } from './workload/workloadFile.ts';

/** Its addresses speak to each other at random, so that some seem to sweep; nothing else may be named. */
const ORDINARY = /^(?:\{[^\n]*"detector":"hostSweep"[^\n]*\}\n)*$/;

const NAMES: readonly WorkloadName[] = ['mix', 'flood', 'mix6', 'flood6'];
/** A tool that takes longer than this for one file is not run again. */
const ENOUGH_SECONDS = 8;

interface Tool {
  readonly name: string;
  /** What it reads; the classic format if nobody says otherwise. Other formats are for the mix alone. */
  readonly format?: OtherFormat;
  command(file: string, directory: string): readonly [command: string, ...args: string[]];
  /** In what it prints when it has done its work. */
  proof(packets: number, workload: WorkloadName): RegExp;
}

const WEIR_REPLAY: Tool = {
  name: 'weir replay',
  command: (file, directory) => [...WEIR, 'replay', file, '--config', join(directory, 'weir.yaml'), '--json'],
  proof: (_, workload) => (workload.startsWith('flood') ? /^\{.*"signature":"synFlood".*\}\n$/ : ORDINARY),
};

const TOOLS: readonly Tool[] = [
  WEIR_REPLAY,
  { ...WEIR_REPLAY, name: 'weir replay of pcapng', format: 'pcapng' },
  { ...WEIR_REPLAY, name: 'weir replay of gzip', format: 'gz' },
  {
    name: 'tcpdump --count',
    command: (file) => ['tcpdump', '-Z', 'root', '--count', '-r', file],
    proof: (packets) => new RegExp(`^${packets} packets`, 'm'),
  },
  {
    name: 'nfpcapd -r',
    command: (file, directory) => ['nfpcapd', '-r', file, '-w', directory],
    proof: (packets) => new RegExp(`Processed: ${packets}\\b`),
  },
];

/** `runs` of each, in turn, so that whatever else the machine does meets all alike. */
export function measureReplay(runs: number): Section {
  const directory = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  writeFileSync(join(directory, 'weir.yaml'), benchConfiguration('eth0'));
  const rows = NAMES.flatMap((workload) => measureWorkload(workload, runs, directory));
  const startMs = measureStart(runs, directory);
  rmSync(directory, { recursive: true });
  return {
    title: 'Reading a file (page cache warm): CPU ns per packet, user + system of the whole process with its start',
    notes: [
      'weir replay: all detectors, 200 tenants; goals: mix at most 120, flood at most 150, IPv6 as IPv4',
      'pcapng as editcap writes it (15 % more bytes), at most 20 % above pcap; gzip as gzip packs it, to a quarter',
      'mix: everyday traffic; flood: SYNs from random sources; a tool that is slow is run once',
      `of it the start of weir with this configuration: ${Math.round(startMs)} ms of CPU, whatever the number of packets`,
      'tcpdump only reads and counts; nfpcapd makes flows of the packets, and writes them',
    ],
    columns: ['tool', 'workload', 'packets', 'runs', 'min', 'median', 'max'],
    rows,
  };
}

/** The least CPU time of a replay of one packet. */
function measureStart(runs: number, directory: string): number {
  const file = workloadFile('mix', 1);
  const [command, ...args] = WEIR_REPLAY.command(file, directory);
  const costs = Array.from({ length: runs }, () => measureCommand(command, args, WEIR_ENV)?.cpuSeconds ?? 0);
  return Math.min(...costs) * 1000;
}

function measureWorkload(workload: WorkloadName, runs: number, directory: string): Cell[][] {
  const classic = workloadFile(workload);
  const tools = TOOLS.filter(({ format }) => format === undefined || workload === 'mix');
  const costs = tools.map((): number[] => []);
  for (let run = 0; run < runs; run++) {
    tools.forEach((tool, i) => {
      if (run > 0 && (costs[i]?.[0] ?? Infinity) > ENOUGH_SECONDS) return;
      const file = tool.format === undefined ? classic : inFormat(classic, tool.format);
      const seconds = measureOnce(tool, workload, file, directory);
      if (seconds !== null) costs[i]?.push(seconds);
    });
  }
  return tools.map(({ name }, i) => [name, workload, ...describe(WORKLOADS[workload].packets, costs[i] ?? [])]);
}

function measureOnce(tool: Tool, workload: WorkloadName, file: string, directory: string): number | null {
  const [command, ...args] = tool.command(file, directory);
  const cost = measureCommand(command, args, WEIR_ENV);
  if (cost !== null) assert.match(cost.output, tool.proof(WORKLOADS[workload].packets, workload), tool.name);
  return cost?.cpuSeconds ?? null;
}

function describe(packets: number, costs: readonly number[]): Cell[] {
  if (costs.length === 0) return [packets, 0, 'not installed', null, null];
  const { min, median, max } = spread(costs.map((seconds) => (seconds * 1e9) / packets));
  return [packets, costs.length, Math.round(min), Math.round(median), Math.round(max)];
}
