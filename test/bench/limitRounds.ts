/** How long limits take, and what they cost the daemon and the packets of others; prints rows as JSON, run as a program. */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { loadConfig } from '../../daemon/config/load.ts';
import { Enforcer } from '../../daemon/enforcement/enforcer.ts';
import type { Limit } from '../../daemon/enforcement/limit.ts';
import { Limiter } from '../../daemon/enforcement/limiter.ts';
import { noticesOf } from '../../daemon/enforcement/notices.ts';
import { runTool } from '../../daemon/enforcement/runTool.ts';
import { edgeLimit } from '../enforcement/limits.ts';
import { LimiterBed } from '../enforcement/limiterBed.ts';
import { blockOf, frame } from '../support/frames.ts';
import { testIncident } from '../support/incident.ts';
import { inNamespace } from '../support/namespace.ts';
import { sendFrames } from '../support/packetSender.ts';
import { childrenCpuSeconds } from './childCpu.ts';
import { inTurn } from './inTurn.ts';
import { type Cell, spread } from './report.ts';

const RUNS = 5;
const STANDING = 1000;
const MOST = 3000;
const TICK_MS = 250;
/** With one comparison of all that stands. */
const STANDING_SECONDS = 70;
const SETTLING_SECONDS = 10;
const PACKETS = 200_000;

const runs = Array.from({ length: RUNS }, (_, run) => run);
const rows: Cell[][] = [];

function tell(what: string, goal: string, values: readonly number[]): void {
  const { min, median, max } = spread(values);
  rows.push([what, goal, values.length, min, median, max]);
  process.stderr.write(`${what}: ${min} ${median} ${max}\n`);
}

async function time(act: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await act();
  return performance.now() - startMs;
}

const prefixesOf = (i: number): string[] => [`10.${i >> 8}.${i & 255}.0/24`, `2001:db8:${i.toString(16)}::/48`];
const limitOf = (i: number, rateBps = 5e6): Limit =>
  edgeLimit('acme', { tenant: `t${i}`, slot: i + 1, rateBps, addresses: prefixesOf(i) });
const limitsTo = (count: number): Limit[] => Array.from({ length: count }, (_, i) => limitOf(i));

const bed = new LimiterBed();

async function timesOf(
  act: (run: number) => Promise<unknown>,
  undo: (run: number) => Promise<unknown>,
): Promise<number[]> {
  return inTurn(runs, async (run) => {
    const ms = await time(() => act(run));
    await undo(run);
    return ms;
  });
}

/** One limit that comes, changes and goes, beside those that stand. */
async function timeOne(limiter: Limiter, standing: readonly Limit[]): Promise<void> {
  const beside = `with ${standing.length} up`;
  const set = (rateBps = 5e6) => limiter.apply([...standing, limitOf(0, rateBps)]);
  const lift = () => limiter.apply(standing);
  tell(`set one limit, ${beside}, ms`, '≤ 30 + tc', await timesOf(() => set(), lift));
  await set();
  tell(
    `change one, ${beside}, ms`,
    '≤ 30 + tc',
    await timesOf(
      (run) => set((6 + run) * 1e6),
      async () => {},
    ),
  );
  tell(`lift one, ${beside}, ms`, '≤ 30 + tc', await timesOf(lift, () => set()));
  await lift();
}

async function timeLimiter(): Promise<void> {
  const options = { input: '', env: process.env, timeoutMs: 10_000 };
  const start = () => runTool('tc', ['-n', bed.netns, 'qdisc', 'show', 'dev', 'lo'], options);
  tell('start tc, ms', '', await inTurn(runs, () => time(start)));
  const limiter = await bed.limiterWith([]);
  await timeOne(limiter, []);
  const apply = (count: number) => async () => {
    const ms = await time(() => limiter.apply(limitsTo(count)));
    await limiter.apply([]);
    return ms;
  };
  tell(`apply ${STANDING} limits, ms`, '≤ 2000', await inTurn(runs, apply(STANDING)));
  tell(`apply ${MOST} limits, ms`, '≤ 10000', await inTurn(runs.slice(0, 3), apply(MOST)));
  // The one has its place among them, on devices that stand.
  const others = limitsTo(STANDING + 1).slice(1);
  await limiter.apply(others);
  await timeOne(limiter, others);
  await limiter.stop();
}

const incidentOf = (i: number) =>
  testIncident({
    id: `bt-${i}`,
    tenant: `t${i}`,
    detector: 'bandwidthThreshold',
    signature: 'bandwidthThreshold',
    clause: 'network.throughput',
  });

const quiet = { info: () => {}, warn: () => {}, error: (line: unknown) => process.stderr.write(`${String(line)}\n`) };

/** An enforcer of so many tenants and five more, as the daemon has one. */
function enforcerOf(count: number): Enforcer {
  const tenants = Array.from({ length: count + RUNS }, (_, i) => ({
    id: `t${i}`,
    addresses: prefixesOf(i),
    plan: { port: '100mbit', threshold: { rate: '20mbit', for: '3s' }, limit: '5mbit' },
  }));
  const yaml = JSON.stringify({
    interfaces: [{ name: 'eth0', faces: 'internet' }],
    tenants,
    detectors: { bandwidthThreshold: { mode: 'enforce' } },
    enforcement: { mode: 'enforce', limitsPerMinute: count + RUNS },
    store: { path: 'none' },
  });
  const config = loadConfig('weir.yaml', yaml);
  const limiter = new Limiter(bed.tc);
  return new Enforcer({ config, limiter, log: quiet, ownAddresses: () => [], seed: 1, store: null, lock: null });
}

async function inForce(enforcer: Enforcer, tenant: string): Promise<void> {
  const isUp = () => enforcer.limits().some((each) => each.decision.tenant === tenant && each.inForce);
  // oxlint-disable-next-line no-await-in-loop -- until it is
  while (!isUp()) await nextTurn();
}

/** CPU of this process and of its tools, in seconds. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + childrenCpuSeconds();
}

async function timeEnforcer(): Promise<void> {
  const enforcer = enforcerOf(STANDING);
  await enforcer.start(Date.now());
  const open = Array.from({ length: STANDING }, (_, i) => incidentOf(RUNS + i));
  enforcer.tick(open, Date.now());
  await inForce(enforcer, `t${RUNS + STANDING - 1}`);
  const times = await inTurn(runs, async (run) => {
    open.push(incidentOf(run));
    return time(async () => {
      enforcer.tick([...open], Date.now());
      await inForce(enforcer, `t${run}`);
    });
  });
  tell(`incident → limit in force, with ${STANDING} up, ms`, '≤ 100', times);
  costOfOthers(`${STANDING} limits up`);
  const tickFor = (seconds: number) =>
    inTurn(Array.from({ length: (seconds * 1000) / TICK_MS }), async () => {
      enforcer.tick([...open], Date.now());
      await pause(TICK_MS);
    });
  // What has just been set is read and compared once.
  await tickFor(SETTLING_SECONDS);
  const before = cpuSeconds();
  const startMs = performance.now();
  await tickFor(STANDING_SECONDS);
  noticesOf(enforcer.limits(), enforcer.state, Date.now());
  const percent = ((cpuSeconds() - before) * 100_000) / (performance.now() - startMs);
  tell(`CPU of ${STANDING} standing limits over ${STANDING_SECONDS} s, % of a core`, '≤ 0.5', [percent]);
  await enforcer.stop();
}

/** CPU ns a packet of nobody's that enters at the interface, with the sender's part. */
function costOfOthers(when: string): void {
  const bytes = frame({ source: '203.0.113.5', destination: '198.51.100.250', protocol: 'udp', payload: 18 });
  const frames = blockOf([{ bytes, timeMs: 0 }]);
  const costs = runs.map(() =>
    inNamespace(`${bed.lab.name}-internet`, () => {
      const before = process.cpuUsage();
      sendFrames('eth0', frames, { packets: PACKETS });
      const { user, system } = process.cpuUsage(before);
      return ((user + system) * 1000) / PACKETS;
    }),
  );
  tell(`a packet of nobody's, sending included, ${when}, CPU ns`, when.startsWith('no') ? '' : '≤ 200 more', costs);
}

costOfOthers('no limits up');
costOfOthers('no limits up, again');
await timeLimiter();
await timeEnforcer();
await bed.lab.stop();
process.stdout.write(JSON.stringify(rows));
