/** What passes limits of many rates, and how voice fares in a full one; prints rows as JSON, run as a program. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Limiter } from '../../daemon/enforcement/limiter.ts';
import { portLimit } from '../enforcement/limits.ts';
import { LimiterBed } from '../enforcement/limiterBed.ts';
import type { LabProcess } from '../lab/labProcess.ts';
import { INTERNET_IPV4, LINKS, TENANTS } from '../lab/topology.ts';
import { until } from '../lab/until.ts';
import type { VoiceReport } from '../lab/voice.ts';
import { inTurn } from './inTurn.ts';
import { type Cell, spread } from './report.ts';

const RATES_KBIT = [256, 1000, 5000, 20_000, 100_000, 500_000];
const RATE_RUNS = 3;
const VOICE_RUNS = 5;
const VOICE_SECONDS = 3;
const VOICE_LIMIT_BPS = 5e6;
const VOICE_PORT = 40_000;
const CALLS = 30;
const MEASURED_MS = 3000;
/** What a limit passes in so long has arrived, then it is measured: TCP's slow start is over. */
const SETTLING_SECONDS = 2.2;

const rows: Cell[][] = [];
function tell(what: string, goal: string, values: readonly number[]): void {
  const { min, median, max } = spread(values);
  rows.push([what, goal, values.length, min, median, max]);
  process.stderr.write(`${what}: ${min} ${median} ${max}\n`);
}

const bed = new LimiterBed();
const { lab } = bed;
let running: LabProcess[] = [];

async function offloads(state: 'on' | 'off'): Promise<void> {
  const words = ['tso', state, 'gso', state, 'gro', state];
  await Promise.all(LINKS.flat().map((end) => lab.run(end.host, 'ethtool', '-K', end.interface, ...words)));
}

/** An upload of acme's. */
async function upload(...options: string[]): Promise<void> {
  running.push(lab.spawn('acme', ['iperf3', '--server', '--one-off']));
  await until('iperf3 listens', 10_000, async () => (await lab.run('acme', 'ss', '-Hltn')).includes(':5201'));
  const client = ['iperf3', '--client', TENANTS.acme.ipv4, '--reverse', '--time', '60', ...options];
  running.push(lab.spawn('internet', client));
}

async function quiet(): Promise<void> {
  await Promise.all(running.map((each) => each.stop('SIGKILL')));
  running = [];
}

async function bytesAtInternet(): Promise<number> {
  const shown = await lab.run('internet', 'ip', '-j', '-s', 'link', 'show', 'eth0');
  const [link]: { stats64: { rx: { bytes: number } } }[] = JSON.parse(shown);
  return link?.stats64.rx.bytes ?? Number.NaN;
}

/** In % of the limit. */
async function goodput(limitBps: number): Promise<number> {
  const atStart = await bytesAtInternet();
  const settled = (limitBps / 8) * SETTLING_SECONDS;
  await until('the load runs', 20_000, async () => (await bytesAtInternet()) - atStart > settled);
  const [from, fromMs] = [await bytesAtInternet(), performance.now()];
  await pause(MEASURED_MS);
  const [to, toMs] = [await bytesAtInternet(), performance.now()];
  return (((to - from) * 8000) / (toMs - fromMs) / limitBps) * 100;
}

async function measureRate(limiter: Limiter, kbit: number, protocol: 'TCP' | 'UDP'): Promise<void> {
  const limitBps = kbit * 1000;
  const kind = protocol === 'TCP' ? [] : ['--udp', '--length', '1200', '--bitrate', String(2 * limitBps)];
  const shares = await inTurn(Array.from({ length: RATE_RUNS }), async () => {
    await limiter.apply([portLimit('acme', { rateBps: limitBps })]);
    await upload(...kind);
    const share = await goodput(limitBps).catch(() => Number.NaN);
    await quiet();
    await limiter.apply([]);
    return share;
  });
  tell(`goodput ${protocol}, ${kbit} kbit/s, %`, '95 … 101', shares);
}

async function call(port: number): Promise<VoiceReport> {
  await lab.agent('internet').ask('receiveVoice', port);
  const sent = await lab.agent('acme').ask('sendVoice', { to: INTERNET_IPV4, port, seconds: VOICE_SECONDS });
  return lab.agent('internet').ask('closeVoice', port, sent);
}

const calls = (count: number): Promise<VoiceReport[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => call(VOICE_PORT + i)));

/** Sends until the limit is full. */
async function fill(limiter: Limiter, load: () => Promise<void>): Promise<void> {
  await quiet();
  await load();
  await until('the limit is full', 10_000, async () => {
    await limiter.count();
    const { voice, bulk } = limiter.state().limits[0]?.outbound ?? {};
    return (voice?.drops ?? 0) + (bulk?.drops ?? 0) > 0;
  });
}

async function measureVoice(name: string, count: number, load: (() => Promise<void>) | null): Promise<void> {
  const limiter = await bed.limiterWith(load === null ? [] : [portLimit('acme', { rateBps: VOICE_LIMIT_BPS })]);
  if (load !== null) await fill(limiter, load);
  const reports = (await inTurn(Array.from({ length: VOICE_RUNS }), () => calls(count))).flat();
  await quiet();
  await limiter.stop();
  const lostPercent = reports.map(({ sent, lost }) => (lost * 100) / sent);
  const delays = (of: 'p50' | 'p99') => reports.map(({ delayMs }) => delayMs?.[of] ?? Number.NaN);
  tell(`voice, ${name}: lost, %`, load === null ? '' : '0', lostPercent);
  tell(`voice, ${name}: delay p50, ms`, '', delays('p50'));
  tell(`voice, ${name}: delay p99, ms`, load === null ? '' : '≤ 1 more', delays('p99'));
}

await offloads('off');
const limiter = await bed.limiterWith([]);
await inTurn(['TCP', 'UDP'] as const, (protocol) => inTurn(RATES_KBIT, (kbit) => measureRate(limiter, kbit, protocol)));
await limiter.stop();
/** A socket's own buffer keeps its sender back; eight of them have more than the queues. */
const STREAMS = 8;
const udp = (bytes: number, megabits: number): Promise<void> =>
  upload('--udp', '--length', String(bytes), '--parallel', String(STREAMS), '--bitrate', `${megabits / STREAMS}M`);
await measureVoice('without a limit or a load', 1, null);
await measureVoice('TCP × 4', 1, () => upload('--parallel', '4'));
await measureVoice('UDP at 20 × the limit', 1, () => udp(1200, 100));
await measureVoice(`${CALLS} calls and TCP`, CALLS, () => upload());
await measureVoice('UDP of 100 bytes at 4 × the limit', 1, () => udp(100, 20));
await offloads('on');
await measureVoice('TCP × 4 in frames of 64 KB (GSO)', 1, () => upload('--parallel', '4'));
await lab.stop();
process.stdout.write(JSON.stringify(rows));
