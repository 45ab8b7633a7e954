/**
 * Two network namespaces joined by one link, for recordings: `stranger` and `tenant`. Each answers at the first half of its /24, says that
 * a quarter cannot be reached, and is silent at the rest. Offloads are off, so that a frame of the recording is a frame of the wire.
 * Needs root.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

export type Side = 'stranger' | 'tenant';

/** Of each side: its address on the link, the one that it speaks from, and its block. */
export const SIDES = {
  stranger: {
    card: '02:00:5e:10:00:01',
    link: '192.0.2.1',
    link6: '2001:db8:1::1',
    address: '203.0.113.10',
    block: '203.0.113',
    ipv6: '2001:db8:ffff::10',
    block6: '2001:db8:ffff',
  },
  tenant: {
    card: '02:00:5e:10:00:02',
    link: '192.0.2.2',
    link6: '2001:db8:1::2',
    address: '198.51.100.10',
    block: '198.51.100',
    ipv6: '2001:db8:8::10',
    block6: '2001:db8:8',
  },
} as const;

const NAMESPACES = { stranger: `weir-score-${process.pid}-s`, tenant: `weir-score-${process.pid}-t` } as const;
const DEVICE = 'edge0';
const OTHER = { stranger: 'tenant', tenant: 'stranger' } as const;

const inside = (side: Side, command: readonly string[]): [string, string[]] => [
  'ip',
  ['netns', 'exec', NAMESPACES[side], ...command],
];

/** Runs a command to its end; whatever it thinks of the outcome. */
export async function run(side: Side, command: readonly string[]): Promise<void> {
  const child = start(side, command);
  await once(child, 'exit');
}

export function start(side: Side, command: readonly string[]): ChildProcess {
  const child = spawn(...inside(side, command), { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr?.resume();
  return child;
}

/** SIGTERM reaches the command itself: `ip netns exec` becomes it. */
export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** Captures at the tenant's end of the link; resolves once it does. */
export async function capture(path: string, filter: string, snapLength: number): Promise<ChildProcess> {
  const kept = ['-s', String(snapLength), '-B', '65536', '--immediate-mode', '-U', '-w', path];
  const words = ['tcpdump', '-n', '-i', DEVICE, ...kept, filter];
  const child = spawn(...inside('tenant', words), { stdio: ['ignore', 'ignore', 'pipe'] });
  // Its pipe stays open: tcpdump says more, and would die of it otherwise.
  await new Promise<void>((resolve) =>
    child.stderr?.on('data', (text) => String(text).includes('snapshot') && resolve()),
  );
  return child;
}

export function setStage(): void {
  for (const side of ['stranger', 'tenant'] as const) execFileSync('ip', ['netns', 'add', NAMESPACES[side]]);
  batch('stranger', [`link add ${DEVICE} type veth peer name ${DEVICE} netns ${NAMESPACES.tenant}`]);
  for (const side of ['stranger', 'tenant'] as const) setSide(side);
}

function setSide(side: Side): void {
  const { card, link, link6, address, block, ipv6, block6 } = SIDES[side];
  const other = SIDES[OTHER[side]];
  const settings = [
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv6.conf.default.accept_dad=0',
    `net.ipv6.conf.${DEVICE}.accept_dad=0`,
    'net.ipv6.ip_nonlocal_bind=1',
    'net.ipv4.ip_local_port_range=20000 60999',
  ];
  execFileSync(...inside(side, ['sysctl', '-qw', ...settings]));
  batch(side, [
    'link set lo up',
    `link set ${DEVICE} address ${card} up`,
    `addr add ${address}/32 dev lo`,
    `addr add ${ipv6}/128 dev lo`,
    `addr add ${link}/24 dev ${DEVICE}`,
    `addr add ${link6}/64 dev ${DEVICE}`,
    `route add ${other.block}.0/24 via ${other.link} src ${address}`,
    `route add local ${block}.0/25 dev lo`,
    `route add unreachable ${block}.128/26`,
    `route add blackhole ${block}.192/26`,
    'route add blackhole default',
    `-6 route add ${other.block6}::/64 via ${other.link6} src ${ipv6}`,
    `-6 route add local ${block6}::/120 dev lo`,
  ]);
  const features = ['tso', 'gso', 'gro', 'tx', 'rx'].flatMap((feature) => [feature, 'off']);
  execFileSync(...inside(side, ['ethtool', '-K', DEVICE, ...features]));
}

function batch(side: Side, lines: readonly string[]): void {
  for (const line of lines) execFileSync('ip', ['-n', NAMESPACES[side], ...line.split(' ')], { stdio: 'pipe' });
}

export function clearStage(): void {
  const existing = new Set(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split(/\s+/));
  for (const side of (['stranger', 'tenant'] as const).filter((each) => existing.has(NAMESPACES[each]))) {
    const pids = execFileSync('ip', ['netns', 'pids', NAMESPACES[side]], { encoding: 'utf8' }).split('\n');
    for (const pid of pids.filter((line) => line !== '')) process.kill(Number(pid), 'SIGKILL');
    execFileSync('ip', ['netns', 'delete', NAMESPACES[side]]);
  }
}
