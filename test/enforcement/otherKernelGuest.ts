/** Sets limits in the kernel that it runs on, where nothing else is, and prints as JSON what came of it. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { Limiter } from '../../daemon/enforcement/limiter.ts';
import { Tc } from '../../daemon/enforcement/tc.ts';
import { FaultyExecutor } from './faultyExecutor.ts';
import { A } from './limits.ts';

/** What the test reads. */
export interface GuestReport {
  readonly release: string;
  readonly fqCodel: boolean | undefined;
  readonly refused: readonly (string | null)[];
  /** As `tc -s qdisc show` has them. */
  readonly qdiscs: string;
  /** Steps that a second limiter took, which found what the first one had set. */
  readonly stepsOfTheNext: number;
  /** The interfaces and what tc shows of them, before any limit and after the last. */
  readonly before: string;
  readonly after: string;
}

const run = (tool: string, ...words: string[]): string => execFileSync(tool, words, { encoding: 'utf8' });
/** Without the links' states, which follow a little later. */
const dump = (): string => {
  const names = readdirSync('/sys/class/net').join('\n');
  return [names, run('tc', 'qdisc', 'show'), run('tc', 'filter', 'show', 'dev', 'eth0', 'egress')].join('\n');
};

for (const name of ['eth0', 'veth-acme']) {
  run('ip', 'link', 'add', 'name', name, 'type', 'veth', 'peer', 'name', `${name}-far`);
  run('ip', 'link', 'set', 'dev', name, 'up');
}
const before = dump();
const tc = new Tc();
const limiter = new Limiter(tc);
await limiter.start(A);
const qdiscs = run('tc', '-s', 'qdisc', 'show');
const next = new FaultyExecutor(tc);
await new Limiter(next).start(A);
const { capabilities, limits } = limiter.state();
await limiter.stop();
const report: GuestReport = {
  release: run('uname', '-r').trim(),
  fqCodel: capabilities?.fqCodel,
  refused: limits.map(({ refused }) => refused),
  qdiscs,
  stepsOfTheNext: next.runs,
  before,
  after: dump(),
};
process.stdout.write(`\n${JSON.stringify(report)}\n`);
