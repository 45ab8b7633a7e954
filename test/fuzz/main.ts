/** `npm run fuzz -- [--seconds N] [--seed N] [TARGET …]`: fuzzes the decoders one after another; 1: something was found. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { inTurn } from '../bench/inTurn.ts';
import type { FuzzInput, FuzzReport } from './fuzzWorker.ts';
import { TARGETS } from './targets.ts';

/** A batch that goes on for so long is an endless loop. */
const HANG_MS = 20_000;

const say = (text: string): boolean => process.stdout.write(`${text}\n`);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    findings: { type: 'string', default: 'node_modules/.cache/weir/fuzz' },
  },
});

async function fuzz(target: string): Promise<FuzzReport> {
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const input: FuzzInput = { target, seconds: Number(values.seconds), seed: Number(values.seed), progress };
  const worker = new Worker(new URL('fuzzWorker.ts', import.meta.url), { workerData: input });
  const { promise, resolve, reject } = Promise.withResolvers<FuzzReport>();
  let last = '';
  const watchdog = setInterval(() => {
    const now = progress.join(' ');
    if (now === last) reject(new Error(`${target} hangs: seed ${values.seed}, batch and run ${now}`));
    last = now;
  }, HANG_MS);
  worker.on('message', (report: FuzzReport & { isLast: boolean }) => {
    say(`${target}: ${line(report)}`);
    if (report.isLast) resolve(report);
  });
  worker.on('error', reject);
  try {
    return await promise;
  } finally {
    clearInterval(watchdog);
    await worker.terminate();
  }
}

const line = ({ runs, corpus, blocks, slowestMs, findings, heapMiB }: FuzzReport): string =>
  `${runs} runs, ${corpus} inputs in the corpus, ${blocks} blocks, slowest ${slowestMs.toFixed(2)} ms, ` +
  `heap ${heapMiB.toFixed(0)} MiB, ${findings.length} findings`;

const names = positionals.length > 0 ? positionals : Object.keys(TARGETS);
say(`seed ${values.seed}`);
await inTurn(names, async (target) => {
  const { findings } = await fuzz(target);
  if (findings.length > 0) process.exitCode = 1;
  mkdirSync(values.findings, { recursive: true });
  findings.forEach(({ what, input }, i) => {
    const path = join(values.findings, `${target}-${values.seed}-${i}`);
    writeFileSync(path, Buffer.from(input, 'base64'));
    say(`${path}: ${what}`);
  });
});
