/** Makes the network namespaces of one lab from the topology, and removes them with every process in them. Needs root. */
import { execFileSync } from 'node:child_process';
import { FORWARDERS, type Host, HOSTS, type Link, LINKS, ROUTES } from './topology.ts';

const NAME = /^weir-lab-(?<pid>\d+)-\d+-/;

let made = 0;

/** A name that no other lab has, nor one of another process. */
export function nextLabName(): string {
  made += 1;
  return `weir-lab-${process.pid}-${made}`;
}

export const namespaceOf = (lab: string, host: Host): string => `${lab}-${host}`;

export function addNetwork(lab: string): void {
  for (const host of HOSTS) addHost(lab, host);
  for (const link of LINKS) addLink(lab, link);
  for (const host of HOSTS) addRoutes(lab, host);
}

/** Joins a tenant to the protected host again, whose interface to it was deleted. */
export function rejoin(lab: string, host: Host): void {
  for (const link of LINKS.filter(([, far]) => far.host === host)) addLink(lab, link);
  addRoutes(lab, host);
}

function addHost(lab: string, host: Host): void {
  const namespace = namespaceOf(lab, host);
  execFileSync('ip', ['netns', 'add', namespace]);
  const forwards = FORWARDERS.has(host) ? 1 : 0;
  const settings = [
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv4.conf.default.rp_filter=0',
    'net.ipv6.conf.default.accept_ra=0',
    // Without duplicate address detection an IPv6 address serves at once.
    'net.ipv6.conf.default.accept_dad=0',
    // `internet` speaks from any address of its block.
    'net.ipv6.ip_nonlocal_bind=1',
    `net.ipv4.ip_forward=${forwards}`,
    `net.ipv6.conf.all.forwarding=${forwards}`,
  ];
  execFileSync('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', ...settings]);
  ipBatch(lab, host, ['link set lo up']);
}

function addLink(lab: string, [one, other]: Link): void {
  const peer = `peer name ${other.interface} netns ${namespaceOf(lab, other.host)}`;
  ipBatch(lab, one.host, [`link add ${one.interface} type veth ${peer}`]);
  for (const { host, interface: device, addresses } of [one, other]) {
    ipBatch(lab, host, [`link set ${device} up`, ...addresses.map((address) => `addr add ${address} dev ${device}`)]);
  }
}

const addRoutes = (lab: string, host: Host): void =>
  ipBatch(
    lab,
    host,
    ROUTES[host].map((route) => `route add ${route}`),
  );

function ipBatch(lab: string, host: Host, lines: readonly string[]): void {
  execFileSync('ip', ['-n', namespaceOf(lab, host), '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** Ends everything that runs in the lab's namespaces, and removes them with their interfaces. */
export function removeNetwork(lab: string): void {
  for (const namespace of namespaces().filter((name) => name.startsWith(`${lab}-`))) removeNamespace(namespace);
}

/** Removes the labs of processes that are no more. */
export function removeDeadLabs(): void {
  for (const namespace of namespaces()) {
    const pid = NAME.exec(namespace)?.groups?.['pid'];
    if (pid !== undefined && !isAlive(Number(pid))) removeNamespace(namespace);
  }
}

function namespaces(): string[] {
  const lines = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => line.split(' ')[0] ?? []);
}

function removeNamespace(namespace: string): void {
  const pids = execFileSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).split('\n');
  for (const pid of pids.filter((line) => line !== '')) kill(Number(pid));
  execFileSync('ip', ['netns', 'delete', namespace]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
